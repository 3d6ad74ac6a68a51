# SPDX-License-Identifier: Apache-2.0
"""Sessions and refused handshakes in a loop under valgrind: nothing is lost and no memory is misused."""

import os

import qvtest
from tls_testing import MODULES, Keys, Peer

test = qvtest.Test(__file__)
ROUNDS = 4
VALGRIND = ["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99"]


class Checked(Peer):
    """A tls_peer under valgrind; the program itself, not the script that libtool puts before it."""

    def __init__(self, role, module, *arguments):
        built = os.path.join(qvtest.BUILD, ".libs")
        program = os.path.join(built, "tls_peer")
        if not os.path.exists(program):
            program = os.path.join(qvtest.BUILD, "tls_peer")
        with open(program, "rb") as f:
            if b"__asan_init" in f.read():
                raise qvtest.Skip("built with a sanitizer, which valgrind cannot run")
        self.process = test.start([*VALGRIND, program, role, module, *arguments], env={"LD_LIBRARY_PATH": built})
        self.port = self.event("listening")["port"] if role == "server" else None

    def finish(self):
        assert self.process.wait() == 0, self.process.output()


for module in MODULES:
    @test.case(f"{module}: sessions, one after another")
    def _(tmp, module=module):
        keys = Keys(tmp)
        listening = Checked("server", module, "--sessions", ROUNDS, "--psk", keys.path)
        calling = Checked("client", module, "--port", listening.port, "--sessions", ROUNDS, "--psk", keys.path, "--send", 2000)
        for _unused in range(ROUNDS):
            assert calling.event("end")["code"] == listening.event("end")["code"] == "end"
        calling.finish()
        listening.finish()

    @test.case(f"{module}: refused handshakes, one after another")
    def _(tmp, module=module):
        keys, wrong = Keys(tmp), Keys(tmp, "wrong.txt")
        listening = Checked("server", module, "--sessions", ROUNDS, "--psk", keys.path)
        calling = Checked("client", module, "--port", listening.port, "--sessions", ROUNDS, "--psk", wrong.path)
        for _unused in range(ROUNDS):
            assert calling.event("failed")["code"] == listening.event("failed")["code"] == "denied"
        calling.finish()
        listening.finish()

test.run()
