# SPDX-License-Identifier: Apache-2.0
"""The driver of key sources (drive.c) over pipes, for tests."""

import os
import subprocess

import qvtest


class Drive:
    """An instance of etsi014 with these options. Calling it with a command returns the one line of answer."""

    def __init__(self, *options):
        argv = [os.path.join(qvtest.BUILD, "modules/keysource/etsi014/drive"), *options]
        self.popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True)
        self.log = ""
        self.opened = self.answer()

    def answer(self):
        with qvtest.limit(self.popen):
            return self.popen.stdout.readline().rstrip("\n")

    def send(self, command):
        self.popen.stdin.write(command + "\n")
        self.popen.stdin.flush()

    def __call__(self, command):
        self.send(command)
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Ends it; what it logged."""
        if not self.popen.stdin.closed:
            with qvtest.limit(self.popen):
                _, self.log = self.popen.communicate()
        assert self.popen.returncode == 0, (self.popen.returncode, self.log)
        return self.log


def expect(answer, start, *parts):
    assert answer.startswith(start), answer
    for part in parts:
        assert part in answer, (part, answer)
