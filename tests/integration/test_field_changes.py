# SPDX-License-Identifier: Apache-2.0
"""Calls over UDP: through a narrow network, one that is gone for a while, from another address, without a KME, and long."""

import os
import statistics

import qvcall
import qvfield
import qvkme
import qvtest

test = qvtest.Test(__file__)
SANITIZED = "-fsanitize" in os.environ.get("QV_CFLAGS", "")
VP8 = dict(module="vpx", bitrate=400000)


def start(tmp, network=None, **options):
    options.setdefault("video_codec", VP8)
    options.setdefault("transport", dict(prefer="srtp"))
    call = qvfield.Call(qvfield.Field(test, tmp, **(network or dict(delay=10))), **options)
    if options["transport"]["prefer"] == "srtp":
        call.await_transport("srtp")
    return call


def show_more(call, node, pictures):
    """Until so many more pictures have been shown there."""
    before = call.stats(node)[0]["video"]["shown"]
    while call.stats(node)[0]["video"]["shown"] < before + pictures:
        pass


def check(call, least=1, whole=0.0):
    for node in (1, 2):
        seen, heard = call.seen(node), call.heard(node)
        assert len(seen.all) >= least, (node, len(seen.all))
        assert seen.corrupt() == 0 and seen.backward() == 0, (node, seen.corrupt(), seen.backward())
        assert heard.whole() >= whole, (node, heard.chirps)


@test.case("sound and picture of one instant come together")
def _(tmp):
    call = start(tmp, dict(delay=25, jitter=20))
    call.run(6)
    for node in (1, 2):
        skews = call.heard(node).skews(call.seen(node))
        assert len(skews) >= 4 and abs(statistics.median(skews)) < 150, (node, skews)


@test.case("128 kbit/s")
def _(tmp):
    call = start(tmp, dict(delay=10, rate=128e3, queue=16000), pictures=dict(qvfield.PICTURES, width=160, height=120, fps=10),
                 audio_codec=dict(module="opus", bitrate=16000))
    call.run(8)
    check(call, least=8)


@test.case("nothing passes for 5 s: the call goes on afterwards")
def _(tmp):
    call = start(tmp)
    call.stats(2, 2)
    call.field.outage(5)
    call.stats(2, 5)
    show_more(call, 2, 20)
    show_more(call, 1, 20)
    call.hang_up()
    check(call, least=30)
    assert call.seen(2).frozen_s() > 3, call.seen(2).frozen_s()


def goes_on(call, away, way):
    """The connection is lost and comes back with another key; pictures and sound go on both ways."""
    first = call.ctl(1, "status")["key_ID"]
    call.stats(2, 2)
    away()
    for node in (1, 2):
        qvcall.event(call.process(node), "link-lost")
    for node in (1, 2):
        assert qvcall.event(call.process(node), "link-back")["key_ID"] != first
    # UDP may pass again before the link is back, or after.
    while any(call.ctl(node, "status")["transport"] != way for node in (1, 2)):
        call.stats(1)
    for node in (1, 2):
        show_more(call, node, 20)
    assert call.ctl(1, "status")["resumed"] == 1, call.ctl(1, "status")


for way in ("srtp", "stream"):
    @test.case(f"one end gets another address: the call goes on with a fresh key ({way})")
    def _(tmp, way=way):
        call = start(tmp, transport=dict(prefer=way))
        goes_on(call, lambda: call.field.change_address(1, 1, 77), way)
        call.hang_up()
        check(call, least=30)

    @test.case(f"nothing passes for 15 s: the call goes on with a fresh key ({way})")
    def _(tmp, way=way):
        call = start(tmp, transport=dict(prefer=way))
        goes_on(call, lambda: call.field.outage(15), way)
        call.hang_up()
        check(call, least=30)


@test.case("without reconnection a call ends when one end gets another address, and the next one goes through")
def _(tmp):
    call = start(tmp, extra="reconnect = 0.0;")
    call.stats(2, 2)
    call.field.change_address(1, 1, 77)
    for node in (1, 2):
        ended = qvcall.event(call.process(node), "summary")
        assert ended["error"]["code"] in ("timeout", "io"), ended
    assert call.alice.wait() == 1
    call.call()
    call.await_transport("srtp")
    show_more(call, 2, 20)
    call.hang_up()


@test.case("the KMEs are killed in the midst of a call that takes fresh keys: it goes on and says so")
def _(tmp):
    field, pair = qvfield.Field(test, tmp, delay=10), qvkme.KmePair(test, tmp)
    field.door(1, pair.a.sae_port)
    field.door(2, pair.b.sae_port)
    sources = {n: qvcall.etsi_source(pair, kme, sae) for n, kme, sae in ((1, pair.a, 11), (2, pair.b, 12))}
    call = qvfield.Call(field, video_codec=VP8, key_sources=sources, rekey=0.5, transport=dict(prefer="srtp"))
    qvcall.event(call.alice, "rekeyed")
    pair.a.kill()
    pair.b.kill()
    qvcall.event(call.alice, "rekey-failed")
    show_more(call, 2, 20)
    call.hang_up()
    check(call, least=30)


@test.case("a call that takes fresh keys all the time needs no more memory and no more descriptors as it goes on")
def _(tmp):
    call = start(tmp, rekey=0.25, keys=200, pictures=dict(qvfield.PICTURES, fps=30))
    call.stats(1, 5)
    before = [(qvfield.memory_kib(p), qvfield.descriptors(p)) for p in (call.alice, call.bob)]
    call.stats(1, 9)
    after = [(qvfield.memory_kib(p), qvfield.descriptors(p)) for p in (call.alice, call.bob)]
    assert call.ctl(1, "status")["rekeyed"] >= 15, call.ctl(1, "status")
    # In the midst of a renewal there is a second session; more than 30 renewals have been.
    for (memory, descriptors), (more_memory, more_descriptors) in zip(before, after):
        # A sanitizer keeps what was freed, and what it noted of it.
        assert SANITIZED or more_memory < memory + 4096, (before, after)
        assert more_descriptors <= descriptors + 3, (before, after)
    call.hang_up()
    check(call, least=200)


test.run()
