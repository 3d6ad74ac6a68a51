# SPDX-License-Identifier: Apache-2.0
"""Calls of two `visio` over bad networks, with media in the TLS stream: what is shown and heard at both ends."""

import qvcall
import qvfield
import qvtest

test = qvtest.Test(__file__)
VP8 = dict(module="vpx", bitrate=400000)


def check(call, least, delay=None, whole=0.9):
    """Both ends: so many pictures, none corrupt, in order; that share of the chirps whole; delays not under the path's."""
    for node in (1, 2):
        seen, heard = call.seen(node), call.heard(node)
        assert len(seen.all) >= least, (node, len(seen.all))
        assert seen.corrupt() == 0 and seen.backward() == 0, (node, seen.corrupt(), seen.backward())
        assert seen.psnr() > 28 and seen.ssim() > 0.85, (node, seen.psnr(), seen.ssim())
        assert heard.whole() >= whole, (node, heard.chirps)
        assert delay is None or min(seen.delays()) >= delay and min(heard.delays()) >= delay, (node, delay)
    return call


@test.case("clean: both see and hear all of each other")
def _(tmp):
    call = qvfield.Call(qvfield.Field(test, tmp), video_codec=VP8)
    summaries = call.run(6)
    check(call, 50)
    assert summaries[2]["video"]["lost"] == 0 and summaries[2]["audio"]["damaged"] == 0, summaries[2]


@test.case("50 ms round trip with jitter")
def _(tmp):
    call = qvfield.Call(qvfield.Field(test, tmp, delay=25, jitter=15), video_codec=VP8)
    call.run(6)
    check(call, 40, delay=25, whole=0.6)


def survives(tmp, seconds, least=10, **network):
    """A call that the network hardly carries: what is shown is right all the same, and nothing comes twice."""
    call = qvfield.Call(qvfield.Field(test, tmp, **network), video_codec=VP8)
    summaries = call.run(seconds)
    assert summaries[1]["end"] == "cancelled" and summaries[2]["end"] == "peer-bye", summaries
    check(call, least, whole=0)
    return call


@test.case("5 % lost, in bursts")
def _(tmp):
    survives(tmp, 6, delay=10, loss=0.05, burst=3, seed=3)


@test.case("20 % lost: what comes is right")
def _(tmp):
    survives(tmp, 8, least=1, delay=5, loss=0.2)


@test.case("128 kbit/s")
def _(tmp):
    field = qvfield.Field(test, tmp, delay=10, rate=128e3, queue=16000)
    call = qvfield.Call(field, pictures=dict(qvfield.PICTURES, width=160, height=120, fps=10),
                        video_codec=dict(VP8, bitrate=60000), audio_codec=dict(module="opus", bitrate=16000))
    call.run(6)
    check(call, 10, delay=10, whole=0.3)


@test.case("a rate that falls from 3 to 1 Mbit/s under a picture of 2: pictures are left out, none is broken")
def _(tmp):
    call = qvfield.Call(qvfield.Field(test, tmp, delay=10, rate=3e6), video_codec=dict(module="mjpeg", quality=95),
                        pictures=dict(qvfield.PICTURES, width=320, height=240))
    call.stats(1, 3)
    call.field.set(rate=1e6)
    call.run(4)
    check(call, 20, whole=0)


test.run()
