# SPDX-License-Identifier: Apache-2.0
"""What the tests of TLS modules share: tls_peer and foreign peers as processes, keys, certificates, a recording relay."""

import json
import os
import re
import socket
import subprocess
import threading

import qvtest

MODULES = [name for name in ("openssl", "gnutls")
           if os.path.exists(os.path.join(qvtest.BUILD, ".libs", f"tls-{name}.so"))]
KEY_ID = "6dc1c4f5-5b6c-4f8e-9d0a-2f4b6c8d0e1f"


class Keys:
    """A file of keys as tls_peer and gnutls-serv read it."""

    def __init__(self, folder, name="keys.txt", **changed):
        self.path = os.path.join(folder, name)
        self.keys = {f"qkd1/sha256/{KEY_ID}/alice": os.urandom(32).hex(),
                     f"qkd1/sha384/{KEY_ID}/alice": os.urandom(32).hex()}
        self.keys.update({k.replace("__", "/"): v for k, v in changed.items()})
        self.write()

    def write(self):
        with open(self.path, "w", encoding="ascii") as f:
            f.writelines(f"{identity}:{key}\n" for identity, key in self.keys.items())

    @property
    def sha256(self):
        return next(iter(self.keys))

    @property
    def sha384(self):
        return list(self.keys)[1]


class Peer:
    """A running tls_peer."""

    def __init__(self, test, role, module, *arguments, env=None):
        self.role = role
        self.process = test.start(["tls_peer", role, module, *arguments], env=env)
        self.port = self.event("listening")["port"] if role == "server" else None

    def event(self, *names):
        found = self.process.wait_for(r'^\{"event": "(%s)"' % "|".join(names))
        return json.loads(found.string)

    def outcome(self):
        """What the handshake came to: the event "session" or "failed"."""
        return self.event("session", "failed")


def server(test, module, *arguments, **options):
    return Peer(test, "server", module, *arguments, **options)


def client(test, module, port, *arguments, **options):
    return Peer(test, "client", module, "--port", port, *arguments, **options)


def expect_failed(outcome, code, *words):
    assert outcome["event"] == "failed", outcome
    assert outcome["code"] == code, outcome
    for word in words:
        assert word in outcome["message"], outcome


def expect_keyed(outcome, identity):
    assert outcome["event"] == "session", outcome
    assert outcome["psk"] and outcome["identity"] == identity, outcome
    assert outcome["protocol"] == "TLSv1.3", outcome
    assert not outcome["peer_verified"] and not outcome["self_certificate"], outcome


def expect_classic(outcome):
    assert outcome["event"] == "session", outcome
    assert not outcome["psk"] and outcome["identity"] == "", outcome
    assert outcome["protocol"] == "TLSv1.3" and outcome["group"], outcome


def expect_same(one, other):
    """Both sides of a session tell the same about it."""
    for name in ("protocol", "cipher", "group", "psk", "identity", "exported", "exported_other"):
        assert one[name] == other[name], (name, one, other)
    assert len(one["exported"]) == 64 and one["exported"] != one["exported_other"], one


def foreign(test, argv, ready=None, env=None):
    """Another program with a pipe to its input; `ready`: what it prints when it can be used."""
    process = test.start(argv, stdin=subprocess.PIPE, env=env)
    if ready:
        process.wait_for(ready)
    return process


def say(process, text):
    process.popen.stdin.write(text.encode() + b"\n")
    process.popen.stdin.flush()


def wait_listening(port):
    """Until something accepts on a port of the loopback; for programs that do not say when they are ready."""
    table = re.compile(r"^\s*\d+: (?:0100007F|00000000|0+|0+FFFF00000100007F|0+FFFF0000[0-9A-F]+):%04X \S+ 0A " % port,
                       re.MULTILINE)
    for _ in range(2000):
        for name in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(name, encoding="ascii") as f:
                if table.search(f.read()):
                    return
        threading.Event().wait(0.01)
    raise AssertionError(f"nothing listens on port {port}")


def in_memory(pid, secret):
    """How often the bytes lie in the memory of a process."""
    count = 0
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            span, mode = line.split()[:2]
            start, end = (int(part, 16) for part in span.split("-"))
            # What is larger is a sanitizer's bookkeeping.
            if not mode.startswith("rw") or end - start > 1 << 30:
                continue
            try:
                memory.seek(start)
                count += memory.read(end - start).count(secret)
            except (OSError, ValueError):
                continue
    return count


class Relay:
    """Passes one connection after another on and keeps the bytes of each direction; can cut it after some bytes."""

    def __init__(self, port, cut_after=None):
        self.target = port
        self.cut_after = cut_after  # bytes from the server
        self.recorded = {"client": b"", "server": b""}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def wait(self):
        """Until the connection has ended on both sides."""
        self.thread.join(qvtest.TIMEOUT)
        assert not self.thread.is_alive(), "the connection goes on"

    def _run(self):
        near, _ = self.listener.accept()
        far = socket.create_connection(("127.0.0.1", self.target))
        back = threading.Thread(target=self._pass, args=(far, near, "server"), daemon=True)
        back.start()
        self._pass(near, far, "client")
        back.join()
        near.close()
        far.close()
        self.listener.close()

    def _pass(self, source, sink, name):
        try:
            while data := source.recv(65536):
                if name == "server" and self.cut_after is not None:
                    data = data[:self.cut_after - len(self.recorded[name])]
                self.recorded[name] += data
                sink.sendall(data)
                if name == "server" and len(self.recorded[name]) == self.cut_after:
                    break
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def s_client(test, port, *arguments, env=None):
    return foreign(test, ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost",
                          *arguments], env=env)


def s_server(test, *arguments, env=None):
    port = qvtest.free_port()
    process = foreign(test, ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", *arguments], "^ACCEPT", env=env)
    return process, port


GNUTLS_PSK = "NORMAL:-KX-ALL:+ECDHE-PSK:+DHE-PSK:-VERS-ALL:+VERS-TLS1.3"
GNUTLS_PSK_ONLY = "NORMAL:-KX-ALL:+PSK:-VERS-ALL:+VERS-TLS1.3"


def gnutls_cli(test, port, *arguments, env=None):
    return foreign(test, ["gnutls-cli", "-p", port, "127.0.0.1", *arguments], env=env)


def gnutls_serv(test, *arguments, env=None):
    port = qvtest.free_port()
    process = foreign(test, ["gnutls-serv", "--echo", "-p", port, *arguments], env=env)
    wait_listening(port)
    return process, port
