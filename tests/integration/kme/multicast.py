# SPDX-License-Identifier: Apache-2.0
"""Keys for several slave SAEs at once (ETSI GS QKD 014 annex B), at one KME and at several: all or nobody."""

import base64
import contextlib
import functools
import http.client
import os
import random
import sqlite3
import threading

import qvkme
import qvtest

test = qvtest.Test(__file__)

ENC = "/api/v1/keys/12/enc_keys"
NOT_FOUND = "one or more keys specified are not found on KME"


def take(net, slaves, **wanted):
    return net.call("11", "POST", f"/api/v1/keys/{slaves[0]}/enc_keys",
                    {**wanted, "additional_slave_SAE_IDs": slaves[1:]})[:2]


def expect_all_get(net, slaves, **wanted):
    status, body = take(net, slaves, **wanted)
    assert status == 200, (status, body)
    keys = body["keys"]
    assert len(keys) == wanted.get("number", 1) and len({key["key"] for key in keys}) == len(keys), body
    for key in keys:
        assert len(base64.b64decode(key["key"])) * 8 == wanted.get("size", 256), key
    # A stranger to the request cannot have them, and does not use them up.
    others = set(net.HOMES) - set(slaves) - {"11"}
    for sae in others:
        assert net.claim(sae, "11", keys)[0] in (400, 401), sae
    for sae in slaves:
        assert net.claim(sae, "11", keys) == (200, {"keys": keys}), sae
    for sae in slaves:
        assert net.claim(sae, "11", keys) == (400, {"message": NOT_FOUND}), sae
    return keys


@test.case("slaves at one other KME, at this one, and at several all get the same keys, once each")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp)
    seen = []
    for slaves in (["12", "15"], ["14"], ["12", "14"], ["12", "13"], ["13", "12", "14", "15"]):
        for wanted in ({}, {"number": 3, "size": 128}, {"number": 2, "size": 1024}):
            seen += expect_all_get(net, slaves, **wanted)
    assert len({key["key"] for key in seen}) == len(seen) and len({key["key_ID"] for key in seen}) == len(seen)


@test.case("keys for one KME cost its link as many keys as for one slave; for several, each link one more")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=30)
    expect_all_get(net, ["12", "15", "14"], number=3)
    assert (net.stock("11", "12"), net.stock("11", "13")) == (27, 30)
    expect_all_get(net, ["12", "13", "15"], number=3)
    assert (net.stock("11", "12"), net.stock("11", "13")) == (23, 26)
    # The other direction has not lost any.
    assert (net.stock("12", "11"), net.stock("13", "11")) == (30, 30)


@test.case("too few keys for one of the KMEs, and nobody's are used up")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=20)
    assert take(net, ["13"], number=15)[0] == 200
    status, error = take(net, ["12", "13"], number=10)
    assert status == 503 and error["details"] == [{"requested_key_count": 10}, {"stored_key_count": 5},
                                                  {"target_KME_ID": "KME-C"}], (status, error)
    assert (net.stock("11", "12"), net.stock("11", "13")) == (20, 5)
    expect_all_get(net, ["12", "13"], number=4)


@test.case("a KME that cannot be reached: nobody gets keys, nothing is used up or left behind")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=20)
    net.c.stop()
    for slaves in (["12", "13"], ["13", "12", "14"]):
        status, error = take(net, slaves, number=2)
        assert status == 503 and error["details"] == [{"target_KME_ID": "KME-C"}], (slaves, status, error)
    assert (net.stock("11", "12"), net.stock("11", "13")) == (20, 20)
    net.c.start()
    expect_all_get(net, ["12", "13", "14"], number=19)
    assert (net.stock("11", "12"), net.stock("11", "13")) == (0, 0)


@test.case("wrong lists of slaves get 400")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=10, keys="max_additional_saes = 2;")
    assert net.call("11", "GET", "/api/v1/keys/12/status")[1]["max_SAE_ID_count"] == 2
    for slaves, message in ((["12", "13", "14", "15"], "there are more additional_slave_SAE_IDs than this KME serves"),
                            (["12", "99"], "the slave SAE is not known to this KME"),
                            (["12", "12"], "an additional slave SAE is the one in the URL"),
                            (["12", "13", "13"], "additional_slave_SAE_IDs holds the same twice"),
                            (["12", ""], "additional_slave_SAE_IDs holds something that is no ID"),
                            (["12", "x" * 300], "additional_slave_SAE_IDs holds something that is no ID")):
        status, error = take(net, slaves)
        assert status == 400 and error["message"] == message, (slaves, status, error)
    assert (net.stock("11", "12"), net.stock("11", "13")) == (10, 10)


def pool(kme, peer_id):
    """Labels of a link in the store of a KME that has stopped."""
    with contextlib.closing(sqlite3.connect(os.path.join(kme.folder, kme.name + ".db"))) as db:
        return {label for label, in db.execute("SELECT label FROM pool JOIN link ON link.id = pool.link "
                                               "WHERE link.name = ?", (peer_id,))}


@test.case("KMEs killed at random moments: what a master got, every slave gets, once; then both ends of each link agree")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=3000, timeout=1000, keys="max_lag = 1;")
    generator = random.Random(int.from_bytes(os.urandom(4), "big"))
    promised, stop = [], threading.Event()

    def client(slaves):
        while not stop.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, body = take(net, slaves, number=2)
                if status == 200:
                    promised.extend((key, slaves) for key in body["keys"])

    groups = (["12", "13"], ["12", "13", "14", "15"], ["13", "14"])
    with qvtest.beside(*(functools.partial(client, slaves) for slaves in groups), stop=stop):
        for _ in range(6):
            before = len(promised)
            kme = generator.choice((net.a, net.b, net.c))
            qvkme.wait_until(lambda before=before: len(promised) >= before + generator.randrange(1, 20))
            kme.kill()
            kme.start()
    assert len({key["key"] for key, _ in promised}) == len(promised)
    for key, slaves in promised:
        for sae in slaves:
            assert net.claim(sae, "11", [key]) == (200, {"keys": [key]}), (sae, key["key_ID"])
    # Pads that only one end has used up are found by comparing, in their turn at each KME.
    for kme in net.kmes.values():
        kme.stop()
        kme.start()
        qvkme.wait_until(lambda kme=kme: kme.process.output().count("the pools are compared") >= 4)
    for kme in net.kmes.values():
        kme.stop()
    for one, other in ((net.a, net.b), (net.a, net.c), (net.b, net.c)):
        assert pool(one, other.kme_id) == pool(other, one.kme_id), (one.name, other.name)


test.run()
