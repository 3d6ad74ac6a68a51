# SPDX-License-Identifier: Apache-2.0
"""Calls of `visio` that are keyed by real KMEs: where keys came from is told, and so is a KME that has none."""

import qvcall
import qvkme
import qvnetwork
import qvtest
import qvvisio

test = qvtest.Test(__file__)


def source(kme, sae):
    return (f'{{ module = "etsi014"; kme = "{kme.address}"; certificate = "sae-{sae}.pem"; '
            f'private_key = "sae-{sae}.key"; ca = "ca.pem"; connect_timeout = 2000; timeout = 4000; }}')


def end(pair, alice):
    assert pair.ctl("alice", "hangup")["ok"]
    assert alice.wait(qvtest.TIMEOUT) == 0


def security(process, change):
    """The next change of that kind."""
    return qvcall.event(process, "security", where=lambda told: told["change"] == change)


@test.case("a KME that dies in a call is told at once, the call goes on, and new keys are told too")
def _(tmp):
    kmes = qvkme.KmePair(test, tmp)
    pair = qvvisio.Pair(test, tmp, keys={"alice": source(kmes.a, 11), "bob": source(kmes.b, 12)},
                        rekeys={"alice": "interval = 0.5;", "bob": "interval = 0.0;"})
    alice = pair.call()
    qvcall.event(alice, "rekeyed")
    qvcall.event(pair.bob, "rekeyed")
    for name in ("alice", "bob"):
        status = pair.ctl(name, "status")
        assert status["secured"]["route"] == "direct" and "route direct" in status["security"], status
    kmes.a.kill()
    told = security(alice, "worse")
    assert "NO NEW QKD KEY" in told["text"] and "the call goes on" in told["text"], told
    status = pair.ctl("alice", "status")
    assert "WITH NO NEW KEY" in status["security"] and status["notice"]["change"] == "worse", status
    # Pictures still come, with the key that there is.
    shown = status["shown"]
    qvvisio.wait_until(lambda: pair.ctl("alice", "status")["shown"] > shown)
    assert pair.ctl("alice", "status")["key_ID"] == status["key_ID"]
    kmes.a.start()
    assert "new QKD keys again" in security(alice, "better")["text"]
    status = pair.ctl("alice", "status")
    assert status["secured"]["no_new_key"] is None and status["rekey_failures"] > 0, status
    # What was bad is not forgotten before somebody has seen it.
    assert status["notice"]["change"] == "worse" and "again" in status["notice"]["text"], status["notice"]
    end(pair, alice)


@test.case("where the policy says so, a call without a new key ends and says why")
def _(tmp):
    kmes = qvkme.KmePair(test, tmp)
    pair = qvvisio.Pair(test, tmp, keys={"alice": source(kmes.a, 11), "bob": source(kmes.b, 12)},
                        rekeys={"alice": 'interval = 0.5; without_key = "end";', "bob": "interval = 0.0;"})
    alice = pair.call()
    qvcall.event(alice, "rekeyed")
    kmes.b.kill()
    ended = qvcall.event(alice, "summary")["error"]
    assert ended["code"] == "no-key" and "could not be replaced" in ended["message"], ended
    assert alice.wait(qvtest.TIMEOUT) == 1
    assert qvcall.event(pair.bob, "summary")["end"] == "peer-bye"


@test.case("the answerer has an interval of its own, and tells when the caller brings no key")
def _(tmp):
    kmes = qvkme.KmePair(test, tmp)
    pair = qvvisio.Pair(test, tmp, keys={"alice": source(kmes.a, 11), "bob": source(kmes.b, 12)},
                        rekeys={"alice": "interval = 0.0;", "bob": "interval = 0.5;"})
    alice = pair.call()
    first = qvcall.event(alice, "secured")["security"]["key_ID"]
    assert qvcall.event(pair.bob, "rekeyed")["key_ID"] != first
    kmes.a.kill()
    assert "NO NEW QKD KEY" in security(alice, "worse")["text"]
    told = security(pair.bob, "worse")
    assert "the peer was asked" in told["text"], told
    kmes.a.start()
    assert "again" in security(pair.bob, "better")["text"]
    end(pair, alice)


@test.case("a key that other KMEs relayed is told as such at both ends")
def _(tmp):
    net = qvnetwork.Network(test, tmp, links={"1": "2", "2": "3"}, ends=("1", "3"), stock=300)
    pair = qvvisio.Pair(test, tmp, keys={"alice": source(net.kmes["1"], 101), "bob": source(net.kmes["3"], 103)},
                        sae="103")
    alice = pair.call()
    qvcall.event(alice, "stats")
    qvcall.event(pair.bob, "stats")
    for name in ("alice", "bob"):
        status = pair.ctl(name, "status")
        assert status["secured"]["route"] == "relayed" and "route relayed" in status["security"], status
    end(pair, alice)
    net.stop()


@test.case("GnuTLS: keys are replaced by both ends' wish, and no frame is lost")
def _(tmp):
    if not qvvisio.has_module("tls", "gnutls"):
        raise qvtest.Skip("no GnuTLS")
    pair = qvvisio.Pair(test, tmp, keys=40, tls='module = "gnutls";', transport="stream",
                        rekeys={"alice": "interval = 0.2;", "bob": "interval = 0.0;"})
    alice = pair.call()
    seen = {qvcall.event(alice, "secured")["security"]["key_ID"]}
    for _ in range(6):
        seen.add(qvcall.event(alice, "rekeyed")["key_ID"])
    assert pair.ctl("bob", "rekey")["ok"]
    seen.add(qvcall.event(alice, "rekeyed")["key_ID"])
    assert len(seen) == 8, seen
    end(pair, alice)
    ours, theirs = qvcall.event(alice, "summary"), qvcall.event(pair.bob, "summary")
    assert theirs["video"]["received"] == ours["video"]["sent"] and theirs["video"]["lost"] == ours["video"][
        "dropped_outbox"], (ours, theirs)
    assert theirs["security"]["module"] == "gnutls", theirs


test.run()
