# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: systemd finds nothing wrong with it, and the KME works under what it allows."""

import os
import resource
import shlex
import signal
import socket
import stat

import qvkme
import qvtest

test = qvtest.Test(__file__)

UNIT = os.path.join(qvtest.BUILD, "qkd-kme.service")
CONFINE = os.path.join(qvtest.SOURCE, "tests", "integration", "kme", "confine.py")
NOBODY = 65534


def unit(tmp):
    """The unit as it would be installed, with a program that is there."""
    text = open(UNIT, encoding="utf-8").read()
    line = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    path = os.path.join(tmp, "qkd-kme.service")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(line, f"ExecStart={qvtest.program('qkd-kme')} " + line.split(" ", 1)[1]))
    return path


@test.case("systemd-analyze finds nothing to say about the unit, and little that it exposes")
def _(tmp):
    path = unit(tmp)
    done = qvtest.run(["systemd-analyze", "verify", "--man=no", path], check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    # 10.0 is a service without any restriction.
    done = qvtest.run(["systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", path], check=False)
    assert done.returncode == 0, done.stdout


def reachable_for_others(path):
    while path != "/":
        if not os.stat(path).st_mode & stat.S_IXOTH:
            return False
        path = os.path.dirname(path)
    return True


def confined(tmp, config):
    """Command line: the root read-only but for tmp, no capability, no way to get one, and the unit's system calls."""
    if os.geteuid() != 0:
        raise qvtest.Skip("only root can make the file system read-only for a program")
    if qvtest.sanitized("qkd-kme"):
        raise qvtest.Skip("built with a sanitizer, which makes system calls of its own")
    user = []
    if reachable_for_others(os.path.realpath(qvtest.BUILD)):
        user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        for folder, _, files in os.walk(tmp):
            for name in [""] + files:
                os.chown(os.path.join(folder, name), NOBODY, NOBODY)
    inner = ["setpriv", *user, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "/usr/bin/python3", CONFINE,
             unit(tmp), program_itself(), config]
    script = f"mount --bind {shlex.quote(tmp)} {shlex.quote(tmp)} && mount -o remount,bind,ro / && exec {shlex.join(inner)}"
    done = qvtest.run(["unshare", "--mount", "--propagation", "private", "true"], check=False)
    if done.returncode != 0:
        raise qvtest.Skip("this machine has no mount namespaces for tests: " + done.stderr.strip())
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]


def program_itself():
    """The program, not libtool's script that would write next to it."""
    real = os.path.join(qvtest.BUILD, ".libs", "qkd-kme")
    return real if os.path.exists(real) else qvtest.program("qkd-kme")


@test.case("the KME does all its work with a read-only system, no privileges, and the system calls of the unit alone")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False)
    pair.pki.revoke()
    text = open(pair.a.config, encoding="utf-8").read()
    with open(pair.a.config, "w", encoding="utf-8") as f:
        f.write(text.replace('ca = "ca.pem";', 'ca = "ca.pem"; crl = "crl.pem";') + f'audit: {{ file = "{tmp}/audit.log"; }};\n')
    pair.b.start()
    pair.a.process = test.start(confined(tmp, pair.a.config), env={"LD_LIBRARY_PATH": os.path.join(qvtest.BUILD, ".libs")})
    pair.a.wait_ready()
    pair.a.wait_stock("11", "12", 10)
    taken, claimed = pair.share(5)
    assert taken == claimed
    pair.a.process.signal(signal.SIGHUP)
    pair.a.process.wait_for("is read anew and in use")
    status, body, _ = pair.b.call("12", "GET", "/api/v1/keys/11/enc_keys")
    assert status == 200
    key = body["keys"][0]
    assert pair.a.call("11", "GET", f"/api/v1/keys/12/dec_keys?key_ID={key['key_ID']}")[1]["keys"] == [key]
    pair.a.process.signal(signal.SIGTERM)
    assert pair.a.process.wait() == 0


@test.case("what the unit forbids does end a program: the confinement of this test is real")
def _(tmp):
    done = qvtest.run(["/usr/bin/python3", CONFINE, unit(tmp), "/usr/bin/python3", "-c", "import os; os.chroot('/')"],
                      check=False)
    assert done.returncode == -signal.SIGSYS, done
    done = qvtest.run(["/usr/bin/python3", CONFINE, unit(tmp), "/usr/bin/python3", "-c",
                       "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)"], check=False)
    assert done.returncode == -signal.SIGSYS, done


@test.case("the watchdog is told that all is well, again and again, also while clients sit silent in their handshakes")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False, sae_extra="  connections = 20;\n")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(os.path.join(tmp, "notify"))
    manager.settimeout(qvtest.TIMEOUT)
    pair.a.process = test.start(["qkd-kme", pair.a.config],
                                env={"NOTIFY_SOCKET": os.path.join(tmp, "notify"), "WATCHDOG_USEC": "2000000"})
    pair.a.wait_ready()
    silent = [socket.create_connection(("127.0.0.1", pair.a.sae_port)) for _ in range(30)]
    assert manager.recv(100) == b"READY=1"
    for _ in range(3):
        assert manager.recv(100) == b"WATCHDOG=1"
    for connection in silent:
        connection.close()


@test.case("a KME that cannot take connections is not vouched for, until it can again")
def _(tmp):
    kme = qvkme.KmePair(test, tmp, start=False).a
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(os.path.join(tmp, "notify"))
    manager.settimeout(qvtest.TIMEOUT)
    kme.process = test.start(["qkd-kme", kme.config],
                             env={"NOTIFY_SOCKET": os.path.join(tmp, "notify"), "WATCHDOG_USEC": "1000000"})
    kme.wait_ready()
    assert manager.recv(100) == b"READY=1" and manager.recv(100) == b"WATCHDOG=1"
    limits = resource.prlimit(kme.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(kme.process.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    kme.process.wait_for("the service manager is not told that all is well: ")
    resource.prlimit(kme.process.pid, resource.RLIMIT_NOFILE, limits)
    manager.setblocking(False)
    try:
        while True:
            manager.recv(100)
    except BlockingIOError:
        pass
    manager.settimeout(qvtest.TIMEOUT)
    assert manager.recv(100) == b"WATCHDOG=1"


test.run()
