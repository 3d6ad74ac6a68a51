# SPDX-License-Identifier: Apache-2.0
"""The terminal front end of `visio` in a pseudo-terminal whose screen is read back."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import qvcall
import qvtest
import qvvisio

test = qvtest.Test(__file__)
ENTER, LEAVE = b"\033[?1049h", b"\033[?1049l"


class Terminal:
    """`visio tui` in a terminal of its own."""

    def __init__(self, folder, name, columns=100, rows=40, term="xterm", words=None):
        self.own, self.other = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.other)
        self.seen = b""
        self.process = subprocess.Popen(
            [os.path.join(qvtest.BUILD, "visio"), *(words or [f"--socket={folder}/{name}.sock", "tui"])],
            stdin=self.other, stdout=self.other, stderr=self.other, env={**os.environ, "TERM": term},
            start_new_session=True, cwd=folder)

    def resize(self, columns, rows):
        fcntl.ioctl(self.own, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.columns, self.rows = columns, rows

    def read(self):
        deadline = time.monotonic() + 1  # it may go on drawing
        while select.select([self.own], [], [], 0.02)[0] and time.monotonic() < deadline:
            self.seen += os.read(self.own, 65536)

    def screen(self):
        """The lines of the last screen that was drawn whole."""
        frames = re.findall(rb"\033\[H(.*?)\033\[J", self.seen, re.S)
        if not frames:
            return []
        plain = re.sub(rb"\033\[[0-9;?]*[A-Za-z]", b"", frames[-1])
        assert b"\033" not in plain, plain
        return re.split("\r*\n", plain.decode("utf-8"))

    def wait_for(self, pattern, without=False):
        deadline = time.monotonic() + qvtest.TIMEOUT
        while bool(re.search(pattern, "\n".join(self.screen()))) == without:
            assert time.monotonic() < deadline and self.process.poll() is None, (pattern, self.screen())
            self.read()

    def type(self, text):
        os.write(self.own, text.encode())

    def is_restored(self):
        self.read()
        return (termios.tcgetattr(self.other) == self.before and self.seen.rindex(LEAVE) > self.seen.rindex(ENTER)
                and self.seen.rindex(b"\033[?25h") > self.seen.rindex(ENTER))

    def finish(self):
        self.process.wait(qvtest.TIMEOUT)
        restored = self.is_restored()
        os.close(self.own)
        os.close(self.other)
        assert restored, "the terminal was not left as it was"
        return self.process.returncode


@test.case("a call is seen and steered in a terminal of any size")
def _(tmp):
    pair = qvvisio.Pair(test, tmp, keys=2)
    alice = pair.call()
    qvcall.event(alice, "stats")
    terminal = Terminal(tmp, "alice")
    terminal.wait_for(r"bob  open  visio \d")
    terminal.wait_for(r"QKD: key \d+ s old.*key_ID test-key-0.*route not told")
    terminal.wait_for(r"pictures  sent [1-9]")
    terminal.wait_for(r"sent +\[#+\.*\] +-?\d+ dB")
    terminal.wait_for("m  mute microphone")
    terminal.type("m")
    terminal.wait_for(r"sent .*MUTED")
    assert pair.ctl("alice", "status")["muted"]["audio"]
    terminal.type("\033[A")  # an arrow is no key of ours
    terminal.type("k")
    assert qvcall.event(alice, "rekeyed")["key_ID"] == "test-key-1"
    terminal.type("k")
    terminal.wait_for("NO NEW QKD KEY")
    terminal.wait_for("Seen\\? Press Enter")
    terminal.type("\r")
    terminal.wait_for("Seen\\? Press Enter", without=True)
    terminal.wait_for("WITH NO NEW KEY")
    for columns, rows in ((40, 60), (20, 10), (3, 2), (100, 40)):
        terminal.resize(columns, rows)
        terminal.seen = b""
        os.kill(terminal.process.pid, signal.SIGWINCH)
        qvvisio.wait_until(lambda: terminal.read() or terminal.screen())
        lines = terminal.screen()
        assert len(lines) <= rows and max(map(len, lines)) <= columns, lines
    terminal.seen = ENTER
    terminal.type(":devices now\r")
    terminal.wait_for("devices now: devices: nothing follows it")
    terminal.type("i")
    terminal.wait_for(":invite _")
    terminal.type("bob\r")
    terminal.wait_for("invite bob: invite: ")
    terminal.type("q")
    terminal.process.wait(qvtest.TIMEOUT)
    assert terminal.finish() == 0 and "visio has ended".encode() in terminal.seen
    assert alice.wait(qvtest.TIMEOUT) == 0


@test.case("who listens is called and calls from the terminal, and it is left as it was whatever ends it")
def _(tmp):
    pair = qvvisio.Pair(test, tmp, auto_answer=False)
    terminal = Terminal(tmp, "bob")
    terminal.wait_for("no call")
    alice = pair.call()
    terminal.wait_for("ringing")
    terminal.type("a")
    qvcall.event(alice, "opened")
    terminal.wait_for(r"\d  open  visio")
    terminal.type("q")
    terminal.wait_for("no call")
    assert alice.wait(qvtest.TIMEOUT) == 0
    terminal.type(":call no")
    terminal.wait_for(":call no_")
    terminal.type("body\x7fy\r")
    terminal.wait_for('nobody is called "nobody"')
    terminal.type("\x03")
    assert terminal.finish() == 0
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV):
        terminal = Terminal(tmp, "bob")
        terminal.wait_for("no call")
        terminal.process.send_signal(number)
        assert terminal.finish() == (-number if number == signal.SIGSEGV else 0)
    terminal = Terminal(tmp, "bob")
    terminal.wait_for("no call")
    assert pair.ctl("bob", "quit")["ok"]
    assert terminal.finish() == 0


@test.case("--tui shows a call in the terminal that it was started from, and leaving that ends it")
def _(tmp):
    pair = qvvisio.Pair(test, tmp)
    config = qvcall.write(tmp, "alice.conf", pair.config("alice", 11) + pair.contacts())
    terminal = Terminal(tmp, "alice", words=["--config=" + config, "--tui", "call", "bob"])
    terminal.wait_for(r"bob +open|open +.*visio")
    qvcall.event(pair.bob, "opened")
    terminal.type("Q")
    assert terminal.finish() == 0
    qvcall.event(pair.bob, "summary")
    qvvisio.wait_until(lambda: not os.path.exists(os.path.join(tmp, "alice.sock")))
    # The peer ends it.
    terminal = Terminal(tmp, "alice", words=["--config=" + config, "call", "bob", "--tui"])
    terminal.wait_for(r"bob +open|open +.*visio")
    assert pair.ctl("bob", "hangup")["ok"]
    assert terminal.finish() == 0 and b"took key" in terminal.seen, terminal.seen[-2000:]
    listener = qvcall.write(tmp, "carol.conf", pair.config("carol", 11) + pair.contacts() +
                            'listen: { address = "127.0.0.1:0"; };\n')
    terminal = Terminal(tmp, "carol", words=["--config=" + listener, "listen", "--tui"])
    terminal.wait_for("no call")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.finish() == 0
    qvvisio.wait_until(lambda: not os.path.exists(os.path.join(tmp, "carol.sock")))
    for words, status, said in ((["--config=none.conf", "--tui", "listen"], 1, b"none.conf"),
                                (["--config=" + config, "call", "nobody", "--tui"], 2, b"nobody is called"),
                                (["--tui", "ctl", "status"], 2, b"--tui goes with")):
        terminal = Terminal(tmp, "alice", words=words)
        terminal.process.wait(qvtest.TIMEOUT)
        terminal.read()
        assert terminal.process.returncode == status and said in terminal.seen, (words, terminal.seen)
    assert pair.ctl("bob", "quit")["ok"] and pair.bob.wait(qvtest.TIMEOUT) == 0


@test.case("without a terminal, with a dumb one and without a visio it says so")
def _(tmp):
    pair = qvvisio.Pair(test, tmp)
    path = f"--socket={tmp}/bob.sock"
    done = qvtest.run(["visio", path, "tui"], check=False)
    assert done.returncode == 2 and "no terminal" in done.stderr and "\033" not in done.stdout, done
    done = qvtest.run(["visio", path + "x", "tui"], check=False)
    assert done.returncode == 1 and "no visio is in control there" in done.stderr, done
    terminal = Terminal(tmp, "bob", term="dumb")
    terminal.process.wait(qvtest.TIMEOUT)
    terminal.read()
    assert terminal.process.returncode == 2 and b"can place no text" in terminal.seen, terminal.seen
    assert pair.ctl("bob", "quit")["ok"]


test.run()
