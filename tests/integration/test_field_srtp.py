# SPDX-License-Identifier: Apache-2.0
"""Calls of two `visio` over bad networks, with media over UDP: what is shown and heard at both ends."""

import qvcall
import qvfield
import qvtest

test = qvtest.Test(__file__)
VP8 = dict(module="vpx", bitrate=400000)


def call_over(tmp, video_codec=VP8, audio_codec=None, rekey=0.0, keys=50, pictures=qvfield.PICTURES, **network):
    return qvfield.Call(qvfield.Field(test, tmp, **network), video_codec=video_codec, audio_codec=audio_codec,
                        rekey=rekey, keys=keys, pictures=pictures, transport="srtp")


def check(call, least, delay=None, whole=0.9):
    """Both ends: so many pictures, none corrupt, in order; that share of the chirps whole; delays not under the path's."""
    for node in (1, 2):
        seen, heard = call.seen(node), call.heard(node)
        assert len(seen.all) >= least, (node, len(seen.all))
        assert seen.corrupt() == 0 and seen.backward() == 0, (node, seen.corrupt(), seen.backward())
        assert seen.psnr() > 28 and seen.ssim() > 0.85, (node, seen.psnr(), seen.ssim())
        assert heard.whole() >= whole, (node, heard.chirps)
        assert delay is None or min(seen.delays()) >= delay and min(heard.delays()) >= delay, (node, delay)


def over_udp(call):
    for process in (call.alice, call.bob):
        while qvcall.event(process, "transport")["transport"] != "srtp":
            pass


@test.case("clean: both see and hear all of each other")
def _(tmp):
    call = call_over(tmp)
    over_udp(call)
    summaries = call.run(4)
    check(call, 50)
    assert summaries[2]["video"]["lost"] == 0 and summaries[2]["audio"]["damaged"] == 0, summaries[2]


@test.case("50 ms round trip with jitter")
def _(tmp):
    call = call_over(tmp, delay=25, jitter=15)
    over_udp(call)
    call.run(5)
    check(call, 40, delay=25, whole=0.6)


@test.case("1 % of the packets lost")
def _(tmp):
    call = call_over(tmp, delay=10, loss=0.01)
    over_udp(call)
    call.run(5)
    check(call, 40, whole=0.6)


@test.case("5 % lost, in bursts")
def _(tmp):
    call = call_over(tmp, delay=10, loss=0.05, burst=3, seed=3)
    over_udp(call)
    call.run(6)
    check(call, 40, whole=0)


@test.case("20 % lost: what comes is right")
def _(tmp):
    call = call_over(tmp, delay=5, loss=0.2)
    over_udp(call)
    call.run(8)
    check(call, 10, whole=0)


@test.case("packets in another order, and twice")
def _(tmp):
    call = call_over(tmp, delay=10, reorder=0.1, held=15, duplicate=0.1)
    over_udp(call)
    call.run(5)
    check(call, 40, whole=0.5)


test.run()
