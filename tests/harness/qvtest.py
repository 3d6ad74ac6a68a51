# SPDX-License-Identifier: Apache-2.0
"""What the tests written in Python share: TAP output, supervised processes, free ports, throwaway certificates.

A test file does:

    import qvtest
    test = qvtest.Test(__file__)

    @test.case("the server refuses an expired certificate")
    def _(tmp):              # tmp: an empty folder of this case, removed afterwards
        server = test.start(["visio_server", "server.conf"], cwd=tmp)
        server.wait_for(r"listening on .*:(\\d+)")
        assert ...

    test.run()

Every process started is ended, by its id, when its case ends. Raise qvtest.Skip("why") to skip.
No wait is without a limit: what is awaited (a line, an end, a byte of a socket, a thread) may take TIMEOUT seconds.
"""

import contextlib
import faulthandler
import fcntl
import os
import queue
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

BUILD = os.environ.get("QV_BUILD", os.getcwd())
SOURCE = os.environ.get("QV_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
TIMEOUT = float(os.environ.get("QV_TEST_TIMEOUT", "60"))  # seconds that one awaited event may take
LIMIT = float(os.environ.get("QV_TEST_LIMIT", "600"))  # seconds until tests/harness/limited ends the test

socket.setdefaulttimeout(TIMEOUT)

# A test or bench that is told to end stops what it started: SystemExit runs every `finally` on its way out.
for _number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, lambda number, _frame: sys.exit(128 + number))


class Skip(Exception):
    pass


# Ports below those that systems give outgoing connections (net.ipv4.ip_local_port_range begins at 32768), in blocks. A
# test process owns a block by a lock on a file, so that no two tests that run at the same time pick the same port.
FIRST_PORT, PORTS_IN_BLOCK, BLOCKS = 10240, 128, 170
_ports = iter(())
_locks = []


def _lock_block():
    for block in random.sample(range(BLOCKS), BLOCKS):
        path = os.path.join(tempfile.gettempdir(), f"qvisio-test-ports-{block}")
        try:
            lock = open(path, "a", encoding="ascii")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        _locks.append(lock)
        start = FIRST_PORT + block * PORTS_IN_BLOCK
        return iter(range(start, start + PORTS_IN_BLOCK))
    raise AssertionError("all blocks of ports are taken by other tests")


def free_port(kind=socket.SOCK_STREAM):
    """A loopback port that is free, and that no other test and no outgoing connection gets."""
    global _ports
    while True:
        port = next(_ports, None)
        if port is None:
            _ports = _lock_block()
            continue
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def program(name):
    """A program of the build tree by its name; anything else is looked up on PATH.

    One that this build has and that is not there is a failure; one that it does not have is a skip.
    """
    built = os.path.join(BUILD, name)
    if os.path.isfile(built) and os.access(built, os.X_OK):
        return built
    if name in (os.environ.get("QV_PROGRAMS", "") + " " + os.environ.get("QV_TEST_PROGRAMS", "")).split():
        raise AssertionError(f"{name} belongs to this build, and is not there: build it (make check does)")
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not found:
        raise Skip(f"no program {name}")
    return found


def sanitized(name):
    """Whether a program of the build tree was built with a sanitizer, which bears neither preloading nor confinement."""
    real = os.path.join(BUILD, ".libs", name)
    with open(real if os.path.exists(real) else program(name), "rb") as f:
        text = f.read()
    return b"__asan_init" in text or b"__tsan_init" in text


class Process:
    """A running program whose output is read line by line as it comes."""

    def __init__(self, argv, cwd=None, env=None, stdin=None, end=signal.SIGTERM):
        """`end`: the signal that makes it end in good order."""
        argv = [program(argv[0])] + [str(a) for a in argv[1:]]
        full_env = dict(os.environ)
        full_env.update(env or {})
        self.end = end
        self.name = os.path.basename(argv[0])
        self.popen = subprocess.Popen(
            argv, cwd=cwd, env=full_env, stdin=stdin if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.pid = self.popen.pid
        self.lines = []
        self._queue = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for raw in self.popen.stdout:
            self._queue.put(raw.decode("utf-8", "replace").rstrip("\n"))
        self._queue.put(None)

    def wait_for(self, pattern, timeout=TIMEOUT):
        """The match of the first line from now on that `pattern` is found in."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{self.name} did not print /{pattern}/ in {timeout} s; it printed:\n{self.output()}")
            if line is None:
                self._queue.put(None)
                raise AssertionError(f"{self.name} ended without printing /{pattern}/; it printed:\n{self.output()}")
            self.lines.append(line)
            found = re.search(pattern, line)
            if found:
                return found

    def said(self, pattern, timeout=TIMEOUT):
        """As wait_for, but lines that were waited past count too: for what may come before something else or after."""
        for line in self.lines:
            found = re.search(pattern, line)
            if found:
                return found
        return self.wait_for(pattern, timeout)

    def output(self):
        """All that was printed so far."""
        while True:
            try:
                line = self._queue.get_nowait()
            except queue.Empty:
                break
            if line is None:
                self._queue.put(None)
                break
            self.lines.append(line)
        return "\n".join(self.lines)

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, timeout=TIMEOUT):
        """The exit status, once it has ended by itself."""
        status = self.popen.wait(timeout)
        self._reader.join(5)
        return status

    def running(self):
        return self.popen.poll() is None

    def stop(self, timeout=10):
        """Ends it with its signal, or SIGKILL if it does not listen."""
        if self.running():
            self.popen.send_signal(self.end)
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        end_group(self.popen)
        self._reader.join(5)
        return self.popen.returncode


class Test:
    def __init__(self, path):
        self.name = os.path.basename(path)
        self.cases = []
        self.processes = []

    def case(self, title):
        def add(function):
            self.cases.append((title, function))
            return function
        return add

    def start(self, argv, **options):
        process = Process(argv, **options)
        self.processes.append(process)
        return process

    def run(self):
        faulthandler.dump_traceback_later(0.95 * LIMIT)  # where Python stands, before limited ends it
        print(f"1..{len(self.cases)}", flush=True)
        failed = 0
        for number, (title, function) in enumerate(self.cases, 1):
            tmp = tempfile.mkdtemp(prefix="qvisio-test-")
            try:
                function(tmp)
                print(f"ok {number} - {title}", flush=True)
            except Skip as why:
                print(f"ok {number} - {title} # SKIP {why}", flush=True)
            except Exception:
                failed += 1
                for line in traceback.format_exc().splitlines():
                    print(f"# {line}")
                for process in self.processes:
                    for line in process.output().splitlines()[-40:]:
                        print(f"# [{process.name}] {line}")
                print(f"not ok {number} - {title}", flush=True)
            finally:
                for process in reversed(self.processes):
                    process.stop()
                self.processes.clear()
                shutil.rmtree(tmp, ignore_errors=True)
        sys.exit(1 if failed else 0)


def end_group(popen):
    """Ends what runs in the process group of a process that leads one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(popen.pid, signal.SIGKILL)


def run(argv, check=True, timeout=TIMEOUT, input=None, text=True, **options):
    """Runs a program to its end; returns the CompletedProcess, with its output as text or as bytes."""
    argv = [program(argv[0])] + [str(a) for a in argv[1:]]
    given = {"stdin": subprocess.DEVNULL if input is None else subprocess.PIPE, "stdout": subprocess.PIPE,
             "stderr": subprocess.PIPE, **options}
    with subprocess.Popen(argv, text=text, start_new_session=True, **given) as popen:
        try:
            out, err = popen.communicate(input, timeout)
        except BaseException:
            # With all it started, which would keep its pipes open.
            end_group(popen)
            popen.kill()
            raise
    if check and popen.returncode != 0:
        raise AssertionError(f"{argv} ended with {popen.returncode}\n{out}\n{err}")
    return subprocess.CompletedProcess(argv, popen.returncode, out, err)


@contextlib.contextmanager
def limit(popen, timeout=TIMEOUT):
    """Kills a process when what the body awaits of it takes longer."""
    timer = threading.Timer(timeout, popen.kill)
    timer.daemon = True
    timer.start()
    try:
        yield popen
    finally:
        timer.cancel()


@contextlib.contextmanager
def beside(*functions, stop=None):
    """Runs functions on threads while the body runs; then the event `stop` is set, and their ends are awaited."""
    threads = [threading.Thread(target=function, daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        if stop:
            stop.set()
    for thread in threads:
        thread.join(TIMEOUT)
        assert not thread.is_alive(), f"a thread goes on after {TIMEOUT} s"


class Pki:
    """A throwaway certificate authority made with the openssl program."""

    def __init__(self, folder, name="Test CA"):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.ca = os.path.join(folder, "ca.pem")
        self.ca_key = os.path.join(folder, "ca.key")
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", self.ca_key, "-out", self.ca, "-days", "30", "-subj", f"/CN={name}",
             "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"])

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, subject=None, san="DNS:localhost,IP:127.0.0.1", serial=None, days=30, pfx_password=None,
              usage="serverAuth,clientAuth", not_before=None, not_after=None):
        """Makes name.pem, name.key and, with a password, name.pfx. Dates are YYMMDDHHMMSSZ. Returns (pem, key)."""
        pem, key, csr = self.path(name + ".pem"), self.path(name + ".key"), self.path(name + ".csr")
        ext = self.path(name + ".ext")
        run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", key, "-out", csr, "-subj", subject or f"/CN={name}"])
        with open(ext, "w", encoding="ascii") as f:
            f.write(f"[e]\nbasicConstraints=CA:FALSE\nextendedKeyUsage={usage}\n")
            if san:
                f.write(f"subjectAltName={san}\n")
        if not_before or not_after:
            self._issue_dated(csr, pem, ext, serial, not_before or "200101000000Z", not_after or "491231235959Z")
        else:
            run(["openssl", "x509", "-req", "-in", csr, "-CA", self.ca, "-CAkey", self.ca_key, "-out", pem,
                 "-days", days, "-extfile", ext, "-extensions", "e",
                 *(["-set_serial", serial] if serial is not None else ["-CAcreateserial"])])
        os.chmod(key, 0o600)
        if pfx_password is not None:
            run(["openssl", "pkcs12", "-export", "-inkey", key, "-in", pem, "-certfile", self.ca,
                 "-out", self.path(name + ".pfx"), "-passout", f"pass:{pfx_password}"])
        return pem, key

    def _issue_dated(self, csr, pem, ext, serial, not_before, not_after):
        database = tempfile.mkdtemp(dir=self.folder)
        open(os.path.join(database, "index"), "w").close()
        with open(os.path.join(database, "serial"), "w", encoding="ascii") as f:
            digits = "%X" % (serial or 0x1000)
            f.write(digits if len(digits) % 2 == 0 else "0" + digits)
        config = os.path.join(database, "ca.cnf")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={database}/index\nserial={database}/serial\n"
                    f"new_certs_dir={database}\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
        run(["openssl", "ca", "-batch", "-config", config, "-in", csr, "-out", pem, "-notext", "-cert", self.ca,
             "-keyfile", self.ca_key, "-startdate", not_before, "-enddate", not_after, "-extfile", ext,
             "-extensions", "e"])

    def revoke(self, *names, crl="crl.pem", last_update="200101000000Z", next_update="491231235959Z"):
        """Makes the CA's CRL with the certificates of these names in it; returns its path."""
        database = tempfile.mkdtemp(dir=self.folder)
        config = os.path.join(database, "ca.cnf")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={database}/index\ndefault_md=sha256\n")
        with open(os.path.join(database, "index"), "w", encoding="ascii") as f:
            for name in names:
                serial = run(["openssl", "x509", "-in", self.path(name + ".pem"), "-noout", "-serial"]).stdout
                f.write(f"R\t491231235959Z\t200101000000Z\t{serial.strip().split('=')[1]}\tunknown\t/CN={name}\n")
        run(["openssl", "ca", "-config", config, "-gencrl", "-cert", self.ca, "-keyfile", self.ca_key,
             "-crl_lastupdate", last_update, "-crl_nextupdate", next_update, "-out", self.path(crl)])
        return self.path(crl)
