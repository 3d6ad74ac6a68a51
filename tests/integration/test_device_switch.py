# SPDX-License-Identifier: Apache-2.0
"""Another loudspeaker and another microphone during a call, by a PulseAudio daemon: how long nothing is heard."""

import qvdevices
import qvtest

test = qvtest.Test(__file__)
GAP_MAX = 0.2  # s


def judge(path):
    """Each switch may leave one gap. The machine may hold up some of them, but not most."""
    found = qvdevices.gaps(path)[:qvdevices.SWITCHES]
    print("# gaps of the sound: " + ", ".join(f"{1000 * gap:.0f} ms" for gap in found))
    assert found[qvdevices.SWITCHES // 2] <= GAP_MAX, found


@test.case("another loudspeaker during a call leaves a gap of at most 200 ms")
def _(tmp):
    judge(qvdevices.change_loudspeaker(test, tmp))


@test.case("another microphone during a call leaves a gap of at most 200 ms")
def _(tmp):
    judge(qvdevices.change_microphone(test, tmp))


test.run()
