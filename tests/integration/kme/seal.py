# SPDX-License-Identifier: Apache-2.0
"""Where the seal key comes from: a file, a credential of the service manager, or somebody at the terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import qvkme
import qvtest

test = qvtest.Test(__file__)


def take_source(kme, text):
    """Replaces seal_key_file; returns the key that was in the file, which is removed."""
    config = open(kme.config, encoding="utf-8").read()
    with open(kme.config, "w", encoding="utf-8") as f:
        f.write(re.sub(r"seal_key_file = .*;\n", text + "\n", config))
    path = os.path.join(kme.folder, kme.name + ".seal")
    key = open(path, encoding="ascii").read().strip()
    os.unlink(path)
    return key


def expect_refused(kme, message, env=None):
    done = qvtest.run(["qkd-kme", kme.config], check=False, env={**os.environ, **(env or {})})
    assert done.returncode == 1 and message in done.stderr, (message, done.stderr)


@test.case("exactly one source is to be named")
def _(tmp):
    kme = qvkme.KmePair(test, tmp, start=False).a
    take_source(kme, "")
    expect_refused(kme, f"{kme.config}:1: seal_key_file: missing; it or seal_key_credential or seal_key_prompt says where "
                   "the key comes from under which keys are stored")
    config = open(kme.config, encoding="utf-8").read()
    for text, message in (
            ('seal_key_file = "x"; seal_key_prompt = true;', "1: seal_key_prompt: seal_key_file is given too"),
            ('seal_key_file = "x"; seal_key_credential = "x";', "1: seal_key_credential: seal_key_file is given too"),
            ("seal_key_prompt = false;", "seal_key_file: missing"),
            ('seal_key_credential = "../x";', '1: seal_key_credential: "../x" is no name of a credential')):
        with open(kme.config, "w", encoding="utf-8") as f:
            f.write(text + " " + config)
        expect_refused(kme, message)


@test.case("a systemd credential holds the seal key, and a private key too, whatever mode it is shown with")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False)
    key = take_source(pair.a, 'seal_key_credential = "qkd-kme.seal";')
    expect_refused(pair.a, "seal_key_credential: this process has no credentials (CREDENTIALS_DIRECTORY is not set): start "
                   "it by a systemd unit with LoadCredential=qkd-kme.seal:FILE")
    folder = os.path.join(tmp, "credentials")
    os.mkdir(folder, 0o700)
    env = {"CREDENTIALS_DIRECTORY": folder}
    expect_refused(pair.a, f"seal_key_credential: {folder}/qkd-kme.seal: cannot be read: No such file or directory", env)
    for name, text in (("qkd-kme.seal", key), ("tls.key", open(os.path.join(tmp, "kme-a.key"), encoding="ascii").read())):
        qvkme.private_file(os.path.join(folder, name), text)
        os.chmod(os.path.join(folder, name), 0o440)
    config = open(pair.a.config, encoding="utf-8").read()
    with open(pair.a.config, "w", encoding="utf-8") as f:
        f.write(config.replace('"kme-a.key"', f'"{folder}/tls.key"'))
    # Elsewhere the mode counts.
    other = os.path.join(tmp, "other")
    os.mkdir(other, 0o700)
    qvkme.private_file(os.path.join(other, "qkd-kme.seal"), key)
    expect_refused(pair.a, "tls.key: others can read it (mode 0440)", {"CREDENTIALS_DIRECTORY": other})
    pair.a.process = test.start(["qkd-kme", pair.a.config], env=env)
    pair.a.wait_ready()
    assert pair.a.call("11", "GET", "/api/v1/sae/info/me")[0] == 200


class Terminal:
    """qkd-kme with a terminal of its own."""

    def __init__(self, kme):
        self.master, slave = pty.openpty()
        self.seen = b""
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.popen = subprocess.Popen(
            [qvtest.program("qkd-kme"), kme.config], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def wait_for(self, pattern):
        deadline = time.monotonic() + qvtest.TIMEOUT
        while not re.search(pattern, self.seen):
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready and time.monotonic() < deadline, (pattern, self.seen)
            self.seen += os.read(self.master, 4096)

    def type(self, text):
        os.write(self.master, text)

    def end(self):
        """Exit status; the terminal is as it was."""
        try:
            status = self.popen.wait(qvtest.TIMEOUT)
            assert termios.tcgetattr(self.slave) == self.before
            return status
        finally:
            self.popen.kill()
            self.popen.wait()
            os.close(self.master)
            os.close(self.slave)


@test.case("it is asked for on the terminal, and not shown there")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False)
    key = take_source(pair.a, "seal_key_prompt = true;")
    terminal = Terminal(pair.a)
    try:
        terminal.wait_for(rb"Seal key of this KME \(64 hexadecimal digits\): ")
        # With a slip that is taken back, and a line that is.
        terminal.type(b"nonsense\x15" + key[:20].encode() + b"00\x7f\x7f" + key[20:].encode() + b"\r")
        terminal.wait_for(rb"is ready")
        assert pair.a.call("11", "GET", "/api/v1/sae/info/me")[0] == 200
        # A reload does not ask again.
        terminal.popen.send_signal(signal.SIGHUP)
        terminal.wait_for(rb"is read anew and in use")
        terminal.popen.send_signal(signal.SIGTERM)
        terminal.wait_for(rb"stopping")
    finally:
        if terminal.popen.poll() is None:
            terminal.popen.send_signal(signal.SIGTERM)
        status = terminal.end()
    assert status == 0 and key[:8].encode() not in terminal.seen and b"nonsense" not in terminal.seen
    # The same key opens the store from a file.
    qvkme.private_file(os.path.join(tmp, "kme-a.seal"), key)
    config = open(pair.a.config, encoding="utf-8").read()
    with open(pair.a.config, "w", encoding="utf-8") as f:
        f.write(config.replace("seal_key_prompt = true", 'seal_key_file = "kme-a.seal"'))
    pair.a.start()


@test.case("what is no key, Ctrl-C and SIGTERM at the prompt, and no terminal at all, end the start with a message")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False)
    key = take_source(pair.a, "seal_key_prompt = true;")
    for typed, message in ((b"hunter2\r", rb"not 64 hexadecimal digits"), (b"\r", rb"what was typed is empty"),
                           (b"0" * 300 + b"\r", rb"what was typed is too long"), (b"12\x03", rb"given up at the terminal"),
                           (None, rb"given up at the terminal")):
        terminal = Terminal(pair.a)
        try:
            terminal.wait_for(rb"digits\): ")
            if typed:
                terminal.type(typed)
            else:
                terminal.popen.send_signal(signal.SIGTERM)
            terminal.wait_for(message)
        finally:
            status = terminal.end()
        assert status == 1 and b"hunter2" not in terminal.seen, terminal.seen
    process = test.start(["qkd-kme", pair.a.config])
    process.wait_for(r":\d+: seal_key_prompt: there is no terminal to ask on")
    assert process.wait() == 1 and key not in process.output()


test.run()
