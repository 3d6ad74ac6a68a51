# SPDX-License-Identifier: Apache-2.0
"""Calls of two `visio` over bad networks, with media over UDP: what is shown and heard at both ends."""

import os
import sys

import qvcall
import qvfield
import qvtest

test = qvtest.Test(__file__)
SANITIZED = "-fsanitize" in os.environ.get("QV_CFLAGS", "")
VP8 = dict(module="vpx", bitrate=400000)
UDP = 20000  # the port of both ends
REKEYINGS = int(os.environ.get("QV_REKEYINGS", "20"))

# Noise, and what looks like RTP and RTCP of the call but is not authentic.
HOSTILE = f"""
import random, socket
random.seed(7)
ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
for i in range(3000):
    head = random.choice([b"", b"\\x80\\x60", b"\\x90\\xe0", b"\\x80\\xc8\\0\\6\\0\\0\\0\\1", b"\\x81\\xce\\0\\2",
                          b"\\x80\\x60" + bytes(6) + bytes([0, 0, 1, 0])])
    ends[i % 3].sendto(head + random.randbytes(random.randrange(1460)), ("10.99.0.1", {UDP}))
"""


def call_over(tmp, video_codec=VP8, rekey=0.0, keys=50, pictures=qvfield.PICTURES, start=True, **network):
    return qvfield.Call(qvfield.Field(test, tmp, **network), video_codec=video_codec, rekey=rekey, keys=keys,
                        pictures=pictures, transport=dict(prefer="srtp", port=UDP), start=start)


def check(call, least, delay=None, whole=0.7):
    """Both ends: so many pictures, none corrupt, in order; that share of the chirps whole; delays not under the path's."""
    if SANITIZED:  # too slow to encode them all, and to play in time
        least, whole = least // 4, whole / 4
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
    assert summaries[2]["repaired"] == dict(rebuilt=0, resent=0), summaries[2]


@test.case("50 ms round trip with jitter")
def _(tmp):
    call = call_over(tmp, delay=25, jitter=15)
    over_udp(call)
    call.run(3)
    check(call, 40, delay=25, whole=0.6)


@test.case("1 % of the packets lost")
def _(tmp):
    call = call_over(tmp, delay=10, loss=0.01)
    over_udp(call)
    call.run(5)
    check(call, 40, whole=0.6)


@test.case("5 % lost: packets are rebuilt without asking")
def _(tmp):
    call = call_over(tmp, delay=25, loss=0.05)
    over_udp(call)
    while any(call.stats(node)[0]["repaired"]["rebuilt"] < 3 for node in (1, 2)):
        pass
    assert call.ctl(1, "status")["redundancy"] > 0, call.ctl(1, "status")
    summaries = call.hang_up()
    assert summaries[1]["repaired"]["rebuilt"] >= 3, summaries[1]
    check(call, 10, whole=0)


@test.case("20 % lost: what comes is right")
def _(tmp):
    call = call_over(tmp, delay=5, loss=0.2, burst=3)
    over_udp(call)
    call.run(5)
    check(call, 10, whole=0)


@test.case("packets in another order, and twice")
def _(tmp):
    call = call_over(tmp, delay=10, reorder=0.1, held=15, duplicate=0.1)
    over_udp(call)
    call.run(3)
    check(call, 40, whole=0.5)


@test.case("50 Mbit/s, 100 ms round trip: JPEG pictures that no other path here would carry come whole")
def _(tmp):
    pictures = dict(qvfield.PICTURES, width=1280, height=720, fps=15)
    call = call_over(tmp, video_codec=dict(module="mjpeg", quality=95), pictures=pictures, delay=50, rate=50e6,
                     queue=1000000)
    over_udp(call)
    call.stats(1, 4)
    counts = call.field.counts()
    summaries = call.hang_up()
    check(call, 30, delay=50, whole=0.4)
    for ours, theirs in ((1, 2), (2, 1)):
        assert summaries[theirs]["video"]["lost"] <= summaries[ours]["video"]["dropped_outbox"], summaries
        assert counts[ours, theirs]["full"] == 0 and counts[ours, theirs]["bytes"] > 2000000, counts


def lost_nothing(summaries):
    """But for what was on the way when somebody hung up."""
    for ours, theirs in ((1, 2), (2, 1)):
        sent, got = summaries[ours], summaries[theirs]
        assert got["video"]["lost"] == sent["video"]["dropped_outbox"], (sent, got)
        assert sent["video"]["sent"] - got["video"]["received"] <= 10, (sent, got)
        assert sent["audio"]["packets_sent"] - got["audio"]["packets_received"] <= 15, (sent, got)


def until(process, **values):
    """The next event about a transport that has these values."""
    return qvcall.event(process, "transport", where=lambda event: values.items() <= event.items())


def block(call, node=2):
    call.field.run(node, ["nft", "add table inet qv; add chain inet qv in { type filter hook input priority 0; }; "
                          "add rule inet qv in meta l4proto udp drop"])


def unblock(call, node=2):
    call.field.run(node, ["nft", "delete table inet qv"])


def shows_more(call, node, count=20):
    shown = call.stats(node)[0]["video"]["shown"]
    while call.stats(node)[0]["video"]["shown"] < shown + count:
        pass


@test.case("fresh keys many times: no picture and no sound is lost")
def _(tmp):
    call = call_over(tmp, rekey=0.05, keys=REKEYINGS + 200, delay=10)
    over_udp(call)
    for _ in range(REKEYINGS):
        qvcall.event(call.alice, "rekeyed")
    lost_nothing(call.hang_up())
    check(call, 20)


@test.case("UDP is blocked: media go in the session, and both ends say so; then it passes, and they go over it")
def _(tmp):
    call = call_over(tmp, start=False, delay=5)
    block(call)
    call.call()
    for process in (call.alice, call.bob):
        told = until(process, transport="stream", of_peer=False)
        assert "UDP does not pass" in told["text"], told
    shows_more(call, 2)
    status = call.ctl(1, "status")
    assert status["transport"] == "stream" and "UDP does not pass" in status["transport_text"], status
    unblock(call)
    for process in (call.alice, call.bob):
        until(process, transport="srtp", of_peer=False)
    shows_more(call, 1)
    assert call.ctl(2, "status")["peer_transport"] == "srtp"
    call.hang_up()
    check(call, 40, whole=0.5)


@test.case("UDP ceases to pass in one direction, and comes back")
def _(tmp):
    call = call_over(tmp, delay=5)
    over_udp(call)
    block(call)
    told = until(call.alice, transport="stream", of_peer=False)
    assert "any more" in told["text"], told
    until(call.bob, transport="stream", of_peer=False)
    shows_more(call, 2)
    unblock(call)
    until(call.alice, transport="srtp", of_peer=False)
    shows_more(call, 2)
    call.hang_up()
    check(call, 40, whole=0)


@test.case("a rate that falls from 3 to 0.4 Mbit/s: the encoder follows")
def _(tmp):
    pictures = dict(qvfield.PICTURES, width=640, height=480, fps=25)
    call = call_over(tmp, video_codec=dict(VP8, bitrate=2000000), pictures=pictures, delay=20, rate=3e6)
    over_udp(call)
    call.stats(1, 4)
    call.field.set(rate=4e5)
    call.stats(1, 5)
    assert call.ctl(1, "status")["rate_target"] < 5.2e5, call.ctl(1, "status")
    shows_more(call, 2)
    call.hang_up()
    check(call, 40, delay=20, whole=0)


@test.case("whatever strangers send to the port changes nothing")
def _(tmp):
    call = call_over(tmp, delay=5)
    over_udp(call)
    call.field.run(2, [sys.executable, "-c", HOSTILE])
    shows_more(call, 1)
    status = call.ctl(1, "status")
    assert status["transport"] == "srtp" and status["state"] == "open", status
    lost_nothing(call.hang_up())
    check(call, 20)


@test.case("the peer's packets come from another port: the way follows")
def _(tmp):
    call = call_over(tmp, delay=5)
    over_udp(call)
    for node, way, hook, old, new in ((1, "sport", "postrouting", UDP, 30000), (1, "dport", "prerouting", 30000, UDP)):
        call.field.run(node, ["nft", f"add table ip qv; add chain ip qv {hook} {{ type filter hook {hook} priority -300; }}; "
                                     f"add rule ip qv {hook} udp {way} {old} udp {way} set {new}"])
    shows_more(call, 1, 40)
    shows_more(call, 2, 40)
    assert call.ctl(1, "status")["transport"] == "srtp"
    call.hang_up()
    assert "another address" in call.bob.output()
    check(call, 40, whole=0)


test.run()
