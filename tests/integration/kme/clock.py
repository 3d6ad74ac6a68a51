# SPDX-License-Identifier: Apache-2.0
"""The wall clock of KMEs jumps: promised keys live as long as they should by the clock of the day, and none vanishes."""

import os
import struct

import qvkme
import qvtest

test = qvtest.Test(__file__)

SHIM = os.path.join(qvtest.BUILD, "tests", "modules", ".libs", "clock_shift.so")


class Clock:
    """The wall clock of both KMEs."""

    def __init__(self, tmp, pair):
        self.path = os.path.join(tmp, "clock")
        with open(self.path, "wb") as f:
            f.write(struct.pack("=q", 0))
        env = {"CLOCK_SHIFT": self.path, "LD_PRELOAD": SHIM}
        if qvtest.sanitized("qkd-kme"):
            raise qvtest.Skip("built with a sanitizer, which has to be loaded before the clock of this test")
        for kme in (pair.a, pair.b):
            kme.process = test.start(["qkd-kme", kme.config], env=env)
        for kme in (pair.a, pair.b):
            kme.wait_ready()
        pair.a.wait_stock("11", "12", 50)
        pair.b.wait_stock("12", "11", 50)

    def set(self, seconds):
        with open(self.path, "r+b") as f:
            f.write(struct.pack("=q", seconds))


def take(pair):
    status, body, _ = pair.a.call("11", "GET", "/api/v1/keys/12/enc_keys")
    assert status == 200, (status, body)
    return body["keys"][0]


def claim(pair, key):
    """The key, or None when there is none (any more)."""
    status, body, _ = pair.b.call("12", "GET", f"/api/v1/keys/11/dec_keys?key_ID={key['key_ID']}")
    assert status in (200, 400), (status, body)
    return body["keys"][0] if status == 200 else None


@test.case("the clock jumps ahead and back within a key's life: it is there; beyond: it is gone, and new ones are there")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=50, keys="lifetime = 3600;", start=False)
    clock = Clock(tmp, pair)
    first, second, third, fourth = take(pair), take(pair), take(pair), take(pair)
    clock.set(1800)
    assert claim(pair, first) == first
    late = take(pair)
    clock.set(0)
    assert claim(pair, second) == second and claim(pair, late) == late
    clock.set(3 * 3600)
    assert claim(pair, third) is None
    far = take(pair)
    assert claim(pair, far) == far
    far = take(pair)
    clock.set(0)
    assert claim(pair, far) == far
    # A key that was refused as expired is not promised again by a clock that goes back.
    assert claim(pair, third) in (None, third) and claim(pair, fourth) == fourth
    assert claim(pair, fourth) is None


@test.case("a KME that starts with a clock far ahead drops what expired by it, and nothing else")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=50, keys="lifetime = 3600;", start=False)
    clock = Clock(tmp, pair)
    old = take(pair)
    clock.set(86400)
    new = take(pair)
    pair.b.stop()
    pair.b.process = test.start(["qkd-kme", pair.b.config], env={"CLOCK_SHIFT": clock.path, "LD_PRELOAD": SHIM})
    pair.b.process.wait_for("1 keys expired that their slave SAEs did not fetch")
    pair.b.wait_ready()
    assert claim(pair, old) is None and claim(pair, new) == new
    # Pool keys do not age.
    assert claim(pair, take(pair)) is not None
    clock.set(0)
    assert claim(pair, take(pair)) is not None


@test.case("a client's certificate counts by the clock of the day, on a kept connection too")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=50, start=False)
    clock = Clock(tmp, pair)
    kept = pair.a.connect("11")
    for days, status in ((0, 200), (29, 200), (31, 401), (0, 200)):
        clock.set(days * 86400)
        assert pair.a.call("11", "GET", "/api/v1/sae/info/me", connection=kept)[0] == status, days


test.run()
