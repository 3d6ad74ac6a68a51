# SPDX-License-Identifier: Apache-2.0
"""Calls of two whose connection is lost, and one of whose ends is not what it was when it is back."""

import qvcall
import qvdetour
import qvtest
import qvvisio

test = qvtest.Test(__file__)


def await_open(pair, name, shown=5):
    qvvisio.wait_until(lambda: pair.ctl(name, "status")["state"] == "open" and pair.ctl(name, "status")["shown"] >= shown)


@test.case("who calls anew takes the place of the call that it had, and that is still waited for")
def _(tmp):
    pair = qvvisio.Pair(test, tmp)
    alice = pair.call()
    qvcall.event(pair.bob, "opened")
    await_open(pair, "bob")
    alice.popen.kill()
    qvcall.event(pair.bob, "link-lost")
    assert pair.ctl("bob", "status")["state"] == "reconnecting"
    again = pair.call("carol")
    assert qvcall.event(pair.bob, "summary")["end"] == "cancelled"
    qvcall.event(pair.bob, "opened")
    await_open(pair, "bob")
    assert pair.ctl("bob", "status")["resumed"] == 0
    assert pair.ctl("carol", "hangup")["ok"]
    assert again.wait() == 0, again.output()


def call_by_detour(tmp, **options):
    """An open call of alice with bob whose connection can be cut: (pair, alice, detour)."""
    pair = qvvisio.Pair(test, tmp, **options)
    detour = qvdetour.Detour(pair.ports["bob"])
    pair.ports["bob"] = detour.port
    alice = pair.call()
    qvcall.event(alice, "opened")
    await_open(pair, "alice")
    return pair, alice, detour


@test.case("a caller ends its call when the other end is back without it")
def _(tmp):
    pair, alice, detour = call_by_detour(tmp)
    pair.bob.popen.kill()
    qvcall.event(alice, "link-lost")
    bob = pair.listen("bob")
    detour.target, pair.ports["bob"] = pair.ports["bob"], detour.port
    assert alice.wait() == 1, alice.output()
    assert "does not have the call any more" in alice.output(), alice.output()
    assert bob.running() and pair.ctl("bob", "status")["state"] == "idle"


@test.case("who hangs up while nothing passes says so when something does")
def _(tmp):
    pair, alice, detour = call_by_detour(tmp)
    detour.hold()
    for process in (alice, pair.bob):
        qvcall.event(process, "link-lost")
    assert pair.ctl("alice", "hangup")["ok"]
    detour.open()
    qvcall.event(pair.bob, "link-back")
    ended = qvcall.event(pair.bob, "summary")
    assert ended["end"] == "peer-bye", ended
    assert alice.wait() == 0, alice.output()


@test.case("who was called and hangs up while nothing passes says so when the caller is back")
def _(tmp):
    pair, alice, detour = call_by_detour(tmp)
    detour.hold()
    for process in (alice, pair.bob):
        qvcall.event(process, "link-lost")
    assert pair.ctl("bob", "hangup")["ok"]
    assert qvcall.event(pair.bob, "summary")["end"] == "cancelled"
    qvvisio.wait_until(lambda: pair.ctl("bob", "status")["state"] == "idle")
    detour.open()
    assert qvcall.event(alice, "summary")["end"] == "peer-bye"
    assert alice.wait() == 0, alice.output()


@test.case("a caller does not look for a program that is gone")
def _(tmp):
    pair = qvvisio.Pair(test, tmp)
    alice = pair.call()
    qvcall.event(alice, "opened")
    await_open(pair, "alice")
    pair.bob.popen.kill()
    assert alice.wait() == 1, alice.output()
    assert "the peer's program is gone" in alice.output() and "refused" in alice.output(), alice.output()


@test.case("who hangs up during the handshake of a resumption waits for no timeout")
def _(tmp):
    pair, alice, detour = call_by_detour(tmp, tls='module = "openssl"; handshake_timeout = 600000;')
    detour.silence()
    qvcall.event(alice, "link-lost")
    assert detour.silenced.wait(qvtest.TIMEOUT)
    assert pair.ctl("alice", "hangup")["ok"]
    assert alice.wait() == 0, alice.output()


test.run()
