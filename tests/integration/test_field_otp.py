# SPDX-License-Identifier: Apache-2.0
"""Sound under one-time pads over bad networks, as datagrams and in the session, with keys of two real KMEs."""

import qvcall
import qvfield
import qvkme
import qvtest

test = qvtest.Test(__file__)

OPUS = dict(module="opus", bitrate=16000)
OPUS_NEED = 16000 / 8 + 50 * 16
HASH_KEY, TAG = 16, 16


class Call(qvfield.Call):
    """Sound only, both ways, under pads for which there is key enough."""

    def __init__(self, tmp, rekey=0.0, start=True, pictures=None, reserve=10.0, **network):
        pair = self.pair = qvkme.KmePair(test, tmp, rate=4000000, stock=4000, keys="max_size = 8192;")
        field = qvfield.Field(test, tmp, **network)
        for node, kme in ((1, pair.a), (2, pair.b)):
            field.door(node, kme.sae_port)
        super().__init__(field, pictures=pictures, audio_codec=OPUS, rekey=rekey, start=start,
                         key_sources={1: qvcall.etsi_source(pair, pair.a, 11), 2: qvcall.etsi_source(pair, pair.b, 12)},
                         transport=dict(prefer="srtp"),
                         audio=f'otp: {{ policy = "require"; reserve = {reserve}; minimum = 5.0; }};')

    def until(self, node, condition):
        while not condition(stats := self.stats(node)[0]):
            pass
        return stats

    def hears_more(self, node, packets=50):
        before = self.stats(node)[0]["audio"]["packets_received"]
        self.until(node, lambda s: s["audio"]["packets_received"] >= before + packets)

    def firewall(self, node, protocol):
        self.field.run(node, ["nft", f"add table inet qv-{protocol}; add chain inet qv-{protocol} in "
                                     "{ type filter hook input priority 0; }; "
                                     f"add rule inet qv-{protocol} in iifname qv0 meta l4proto {protocol} drop"])

    def open_firewall(self, node, protocol):
        self.field.run(node, ["nft", f"delete table inet qv-{protocol}"])


def check_key(summaries, lossy=False):
    """Each packet has used its bytes of the pad, once; and none was opened that was not sealed for it."""
    for ours, theirs in ((1, 2), (2, 1)):
        sent, got = summaries[ours], summaries[theirs]
        assert sent["otp"]["refused"] == 0 and got["otp"]["refused"] == 0, (sent["otp"], got["otp"])
        least = HASH_KEY + sent["audio"]["packets_sent"] * (TAG + 1)
        assert sent["otp"]["used"] >= least and sent["otp"]["used"] < 1.3 * OPUS_NEED * (sent["seconds"] + 1), sent
        missing = sent["audio"]["packets_sent"] - got["audio"]["packets_received"]
        assert 0 <= missing and (lossy or missing <= 15), (missing, sent["audio"], got["audio"])


def hang_up(call, lossy=False):
    summaries = call.hang_up()
    check_key(summaries, lossy)
    return summaries


@test.case("sound goes as datagrams: it is heard while the session stands still")
def _(tmp):
    call = Call(tmp, delay=5)
    call.await_transport("srtp")
    for node in (1, 2):
        stats = call.until(node, lambda s: s["otp"]["used"] > 0 and s["audio"]["packets_received"] > 50)
        assert stats["otp"]["needed"] == OPUS_NEED, stats["otp"]
    call.firewall(2, "tcp")
    call.hears_more(2, 100)
    call.hears_more(1, 100)
    call.open_firewall(2, "tcp")
    call.hears_more(2)
    summaries = hang_up(call)
    assert summaries[1]["audio"]["damaged"] == 0, summaries[1]
    for node in (1, 2):
        assert call.heard(node).whole() >= 0.9, call.heard(node).chirps


@test.case("what is lost, late, or comes twice costs no more than what is lost")
def _(tmp):
    call = Call(tmp, delay=20, loss=0.05, reorder=0.1, held=15, duplicate=0.1)
    call.await_transport("srtp")
    call.stats(1, 6)
    summaries = hang_up(call, lossy=True)
    for node in (1, 2):
        assert call.heard(node).whole() >= 0.6, call.heard(node).chirps
        got, sent = summaries[node]["audio"], summaries[3 - node]["audio"]
        assert got["packets_received"] > 0.9 * sent["packets_sent"], (got, sent)


@test.case("fresh keys of the session leave the pad alone")
def _(tmp):
    call = Call(tmp, delay=10, rekey=0.2)
    call.await_transport("srtp")
    for _ in range(8):
        qvcall.event(call.alice, "rekeyed")
    call.hears_more(1)
    hang_up(call)
    for node in (1, 2):
        assert call.heard(node).whole() >= 0.7, call.heard(node).chirps


@test.case("UDP does not pass, passes, ceases to pass: sound goes on under the same pad")
def _(tmp):
    call = Call(tmp, start=False, delay=5)
    call.firewall(2, "udp")
    call.call()
    call.await_transport("stream")
    call.hears_more(2)
    call.hears_more(1)
    call.open_firewall(2, "udp")
    call.await_transport("srtp")
    call.hears_more(2)
    call.firewall(2, "udp")
    call.await_transport("stream")
    call.hears_more(2)
    call.open_firewall(2, "udp")
    call.await_transport("srtp")
    call.hears_more(1)
    hang_up(call, lossy=True)


@test.case("one end gets another address: the call goes on with a fresh key and fresh pads")
def _(tmp):
    call = Call(tmp, delay=5)
    call.await_transport("srtp")
    call.hears_more(2)
    used = call.stats(1)[0]["otp"]["used"]
    call.field.change_address(1, 1, 77)
    for node in (1, 2):
        qvcall.event(call.process(node), "link-back")
    for node in (1, 2):
        call.hears_more(node, 100)
    assert call.until(1, lambda s: not s["otp"]["dry"])["otp"]["used"] > used
    summaries = call.hang_up()
    for node in (1, 2):
        # Packets of the old pads that came too late.
        assert summaries[node]["otp"]["refused"] < 10, summaries[node]["otp"]
        assert call.heard(node).chirps[-1][2] > 0.7, call.heard(node).chirps


@test.case("a KME goes down and comes back: as datagrams, too, nothing goes out without a pad")
def _(tmp):
    call = Call(tmp, delay=5, reserve=2.0)
    call.await_transport("srtp")
    call.hears_more(2)
    call.pair.a.kill()
    call.until(1, lambda s: s["otp"]["dry"])
    sent = call.stats(1)[0]["audio"]["packets_sent"]
    assert call.stats(1)[0]["audio"]["packets_sent"] == sent, "sound went out without a pad"
    assert "MUTED" in call.stats(1)[0]["otp"]["text"]
    call.pair.a.start()
    call.until(1, lambda s: not s["otp"]["dry"])
    call.hears_more(2)
    call.hears_more(1)
    hang_up(call, lossy=True)


@test.case("pictures beside it, over a path that is slow and loses packets")
def _(tmp):
    call = Call(tmp, delay=15, loss=0.02, rate=1.5e6, pictures=dict(qvfield.PICTURES, fps=10))
    call.await_transport("srtp")
    call.stats(1, 5)
    hang_up(call, lossy=True)
    assert len(call.seen(2).all) > 15
    assert call.heard(2).whole() >= 0.5, call.heard(2).chirps


test.run()
