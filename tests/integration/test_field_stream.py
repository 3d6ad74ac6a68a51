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
    summaries = call.run(4)
    check(call, 50)
    assert summaries[2]["video"]["lost"] == 0 and summaries[2]["audio"]["damaged"] == 0, summaries[2]


@test.case("50 ms round trip with jitter")
def _(tmp):
    call = qvfield.Call(qvfield.Field(test, tmp, delay=25, jitter=15), video_codec=VP8)
    call.run(5)
    check(call, 40, delay=25, whole=0.6)


test.run()
