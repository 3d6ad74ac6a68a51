# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of the test's own, with the safety of a real one (fsync and all).

    server = qvpostgres.Server(test)            # started; connections by a socket in its folder only
    server.connection                         # for libpq: "host=… dbname=postgres user=…"
    server.stop(); server.start(); server.kill()

PostgreSQL refuses to run as root: a root test runs it as `postgres` or `nobody`. The files of a new server are made once
for each process of tests, and copied.
"""

import atexit
import glob
import os
import pwd
import shutil
import signal
import tempfile

import qvtest

_made = []
SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0777
max_connections = 60
shared_buffers = 64MB
log_min_messages = warning
logging_collector = off
"""


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: float(path.split("/")[-2]))
    folder = found[-1] if found else os.path.dirname(shutil.which("initdb") or "")
    if not folder:
        raise qvtest.Skip("PostgreSQL is not installed")
    return folder


def user():
    """Who runs the server: this user, unless that is root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise qvtest.Skip("there is no user that PostgreSQL could run as")


def as_user(argv):
    if os.geteuid() != 0:
        return argv
    who = user()
    return ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups", "--", *argv]


def new_cluster():
    """A folder with the files of a server that was never started."""
    if not _made:
        folder = tempfile.mkdtemp(prefix="qvisio-initdb-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        data = os.path.join(folder, "data")
        os.mkdir(data, 0o700)
        if os.geteuid() == 0:
            os.chown(data, user().pw_uid, user().pw_gid)
        qvtest.run(as_user([os.path.join(programs(), "initdb"), "-D", data, "-U", "qvisio", "-A", "trust", "-E",
                            "UTF8", "--locale=C.UTF-8", "--no-sync"]), cwd="/")
        with open(os.path.join(data, "postgresql.conf"), "a", encoding="ascii") as f:
            f.write(SETTINGS)
        _made.append(data)
    return _made[0]


class Server:
    def __init__(self, test, start=True, settings=""):
        self.test = test
        # Not in the folder of the case, which its user need not be able to enter.
        self.folder = tempfile.mkdtemp(prefix="qvisio-postgres-")
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        qvtest.run(["cp", "-a", new_cluster(), self.folder])
        os.chmod(self.folder, 0o755)
        if os.geteuid() == 0:
            os.chown(self.folder, user().pw_uid, user().pw_gid)
        self.data = os.path.join(self.folder, "data")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="ascii") as f:
            f.write(f"unix_socket_directories = '{self.folder}'\n{settings}\n")
        self.process = None
        if start:
            self.start()

    @property
    def connection(self):
        return f"host={self.folder} dbname=postgres user=qvisio"

    def start(self):
        # After SIGTERM it would wait for its clients; killed while it does, it leaves its shared memory behind.
        self.process = self.test.start(as_user([os.path.join(programs(), "postgres"), "-D", self.data]), cwd="/",
                                       end=signal.SIGINT)
        self.process.wait_for("ready to accept connections")
        return self

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast, SIGQUIT: immediate, as if power had gone, but for what the system has yet to write."""
        self.process.popen.send_signal(how)
        self.process.popen.wait(qvtest.TIMEOUT)

    def kill(self):
        self.stop(signal.SIGQUIT)

    def sql(self, text):
        """Runs statements; the rows, columns divided by |."""
        return qvtest.run([os.path.join(programs(), "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text,
                           self.connection]).stdout.splitlines()

    def load(self, path):
        qvtest.run([os.path.join(programs(), "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", path,
                    self.connection])
