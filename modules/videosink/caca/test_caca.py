# SPDX-License-Identifier: Apache-2.0
"""videosink/caca in a terminal of the test's own, whose screen is read back."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import qvtest

test = qvtest.Test(__file__)
STATUS = "TLS_AES_256_GCM_SHA384 - key 0123abcd-e5f6-4711-8899-aabbccddeeff - direct"


class Screen:
    """What a terminal shows: as much of xterm as ncurses uses."""

    def __init__(self, columns, rows):
        self.resize(columns, rows)
        self.pending = ""

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.x = self.y = 0

    def text(self):
        return "\n".join("".join(row) for row in self.cells)

    def _put(self, character):
        if self.x >= self.columns:
            self.x, self.y = 0, self.y + 1
        if self.y < self.rows:
            self.cells[self.y][self.x] = character
        self.x += 1

    def _clear(self, first, last):
        for at in range(max(first, 0), min(last, self.columns * self.rows)):
            self.cells[at // self.columns][at % self.columns] = " "

    def _control(self, parameters, final):
        numbers = [int(n) if n.isdigit() else 0 for n in parameters.lstrip("?>").split(";")]
        n, here = max(numbers[0], 1), self.y * self.columns + self.x
        if final in "Hf":
            self.y, self.x = n - 1, (max(numbers[1], 1) if len(numbers) > 1 else 1) - 1
        elif final in "ABCD":
            self.x += {"C": n, "D": -n}.get(final, 0)
            self.y += {"A": -n, "B": n}.get(final, 0)
        elif final == "G":
            self.x = n - 1
        elif final == "d":
            self.y = n - 1
        elif final == "J":
            self._clear(*{0: (here, 1 << 20), 1: (0, here + 1)}.get(numbers[0], (0, 1 << 20)))
        elif final == "K":
            start = self.y * self.columns
            self._clear(*{0: (here, start + self.columns), 1: (start, here + 1)}.get(
                numbers[0], (start, start + self.columns)))
        elif final == "X":
            self._clear(here, here + n)
        elif final == "b":
            last = self.cells[self.y][self.x - 1]
            for _ in range(n):
                self._put(last)

    def feed(self, text):
        text, at = self.pending + text, 0
        while at < len(text):
            found = re.compile(r"\x1b(\[([0-9;?>]*)([@-~])|\][^\x07]*\x07|[()][A-Z0-9]|[=>78cM])").match(text, at)
            character = text[at]
            if found:
                if found.group(3):
                    self._control(found.group(2), found.group(3))
                at = found.end()
                continue
            if character == "\x1b" and len(text) - at < 64:
                break
            at += 1
            if character == "\r":
                self.x = 0
            elif character == "\n":
                self.y = min(self.y + 1, self.rows - 1)
            elif character == "\b":
                self.x = max(self.x - 1, 0)
            elif character >= " ":
                self._put(character)
        self.pending = text[at:]


class Terminal:
    def __init__(self, columns, rows, *arguments, term="xterm"):
        self.master, slave = pty.openpty()
        self.screen = Screen(columns, rows)
        self._tell_size(columns, rows)

        def adopt():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [qvtest.program("modules/videosink/caca/show_caca"), *arguments], stdin=slave, stdout=slave,
            stderr=subprocess.PIPE, env={**os.environ, "TERM": term, "LC_ALL": "C.UTF-8"}, preexec_fn=adopt)
        self.slave, self.said, self.raw = slave, "", ""

    def _tell_size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.screen.resize(columns, rows)
        self._tell_size(columns, rows)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def wait(self, what, shown):
        """Reads until `shown(screen text, what was said on standard error)`."""
        deadline = time.monotonic() + qvtest.TIMEOUT
        errors = self.process.stderr.fileno()
        while not shown(self.screen.text(), self.said):
            ready = select.select([self.master, errors], [], [], max(0, deadline - time.monotonic()))[0]
            assert ready and time.monotonic() < deadline, f"{what} did not come; the screen:\n{self.screen.text()}\n{self.said}"
            if self.master in ready:
                got = os.read(self.master, 65536).decode("utf-8", "replace")
                self.raw += got
                self.screen.feed(got)
            if errors in ready:
                got = os.read(errors, 65536).decode()
                self.said += got
                if not got:
                    assert shown(self.screen.text(), self.said), f"{what} did not come: {self.said}"

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        os.close(self.master)
        os.close(self.slave)


def in_terminal(columns, rows, *arguments, term="xterm"):
    def wrap(function):
        def case(_tmp):
            terminal = Terminal(columns, rows, *arguments, term=term)
            try:
                function(terminal)
            finally:
                terminal.end()
        return case
    return wrap


def joined(text):
    """The screen with the breaks of its rows taken away."""
    return " ".join(text.split())


@test.case("the picture, the state of security with the key, statistics and levels are on the screen")
@in_terminal(80, 24, "tell-keys", STATUS)
def _(terminal):
    terminal.wait("the state", lambda screen, _: "QKD - TLS_AES" in screen and "key 0123abcd-e5f6-4711" in screen)
    terminal.wait("the figures", lambda screen, _: re.search(r"64x48 [1-9][0-9.]* frames/s", screen))
    terminal.wait("the levels", lambda screen, _: re.search(r"sent \[#{6}\.{6}\]  received \[\.{12}\]", screen))
    rows = terminal.screen.text().split("\n")[2:18]
    left = sum(row[15:35].count(" ") for row in rows)
    right = sum(row[45:65].count(" ") for row in rows)
    # Light is dense or coloured: what differs is enough, as the colours are not read back.
    assert rows and (left != right or len(set("".join(rows))) > 1 or "\x1b[4" in terminal.raw), "\n".join(rows)
    terminal.press("w")
    terminal.wait("the warning", lambda screen, said: "THE KEY IS OLD" in screen and "key 119" in said)
    terminal.press("q")
    terminal.wait("the key q", lambda _, said: "key 113" in said)
    terminal.press("\x03")
    terminal.wait("the end", lambda _, said: "end end: the picture in the terminal was closed" in said)
    # The terminal is given back as it was.
    assert termios.tcgetattr(terminal.slave)[3] & termios.ECHO


@test.case("a small terminal still has the whole state; a new size is followed")
@in_terminal(30, 8, "tell-keys", STATUS)
def _(terminal):
    whole = "QKD - TLS_AES_256_GCM_SHA384 - key"
    terminal.wait("the state", lambda screen, _: whole in joined(screen) and "aabbccddeeff" in screen.replace("\n", ""))
    terminal.resize(100, 30)
    terminal.wait("the state in one row", lambda screen, _: any(
        row.startswith("QKD - TLS_AES") and "direct" in row for row in screen.split("\n")[29:]))
    terminal.resize(40, 12)
    terminal.wait("the state in two rows", lambda screen, _: "direct" in "".join(screen.split("\n")[10:]))


@test.case("where the program asks for no keys, q closes the picture")
@in_terminal(80, 24, "no-keys", "")
def _(terminal):
    terminal.wait("the state", lambda screen, _: re.search(r"^QKD *$", screen, re.M))
    terminal.press("q")
    terminal.wait("the end", lambda _, said: "end end: " in said)


@test.case("what comes from elsewhere cannot act on the terminal")
@in_terminal(80, 24, "tell-keys", "key \x1b]0;owned\x07\x1b[2J\u0085\u009b31m\u00e9 \xff end")
def _(terminal):
    terminal.wait("the state", lambda screen, _: "QKD - key ?]0;owned??[2J??31m" in screen and "end" in screen)
    assert "\x1b]0;owned" not in terminal.raw and "\u009b" not in terminal.raw


@test.case("without a terminal, or in one that nobody knows, the error says so")
def _(_tmp):
    done = qvtest.run(["modules/videosink/caca/show_caca", "tell-keys", ""], stdin=subprocess.DEVNULL)
    assert "end unsupported: video sink caca: standard input and output are no terminal" in done.stderr, done.stderr
    terminal = Terminal(80, 24, "tell-keys", "", term="no-such-terminal")
    try:
        terminal.wait("the error", lambda _, said: 'the kind of terminal "no-such-terminal" (TERM)' in said)
    finally:
        terminal.end()


@test.case("the raw driver writes libcaca's own format to standard output")
def _(_tmp):
    process = subprocess.Popen([qvtest.program("modules/videosink/caca/show_caca"), "tell-keys", STATUS, "driver=raw"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        with qvtest.limit(process):
            data = process.stdout.read(4096)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert b"CACA" in data or b"\xca\xca" in data, data[:64]


test.run()
