# SPDX-License-Identifier: Apache-2.0
"""The pools of both ends of a link are compared: keys that one end has lost are discarded at the other, all at once."""

import contextlib
import os
import sqlite3

import qvkme
import qvtest

test = qvtest.Test(__file__)

COMPARED = "the pools are compared"


def pool(kme, lane):
    """Labels in the store of a KME that has stopped."""
    with contextlib.closing(sqlite3.connect(os.path.join(kme.folder, kme.name + ".db"))) as db:
        return {label for label, in db.execute("SELECT label FROM pool WHERE lane = ?", (lane,))}


def wait_compared(kme, times):
    qvkme.wait_until(lambda: kme.process.output().count(COMPARED) >= times)


def wipe(kme):
    for suffix in ("", "-wal", "-shm"):
        path = os.path.join(kme.folder, kme.name + ".db" + suffix)
        if os.path.exists(path):
            os.unlink(path)


@test.case("a KME that lost its store discards what the other has used up, without a request")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=50, keys="max_lag = 1;")
    pair.share(20)
    assert pair.b.call("12", "GET", "/api/v1/keys/11/enc_keys?number=10")[0] == 200
    pair.b.stop()
    wipe(pair.b)
    # Its link gives the same keys again, used ones too.
    pair.b.start()
    pair.b.wait_stock("12", "11", 50)
    qvkme.wait_until(lambda: pair.b.call("12", "GET", "/api/v1/keys/11/status")[1]["stored_key_count"] == 40)
    status, body, _ = pair.b.call("12", "GET", "/api/v1/keys/11/enc_keys?number=40")
    assert status == 200, (status, body)
    pair.share(30)
    pair.b.stop(), pair.a.stop()
    for lane in (0, 1):
        assert pool(pair.a, lane) == pool(pair.b, lane) == set(), lane


@test.case("what the other end lacks because it lags behind, or has no room, is kept")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=50, keys="max_lag = 1;", start=False)
    with open(pair.b.config, encoding="utf-8") as f:
        text = f.read()
    with open(pair.b.config, "w", encoding="utf-8") as f:
        f.write(text.replace("max_lag = 1;", "max_lag = 1; max_stored = 20;"))
    pair.b.start(), pair.a.start()
    pair.a.wait_stock("11", "12", 50), pair.b.wait_stock("12", "11", 20)
    wait_compared(pair.a, 2)
    assert pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"] == 50
    pair.share(20)
    # There is room now for the later ones.
    for _ in range(3):
        qvkme.wait_until(lambda: pair.a.call("11", "GET", "/api/v1/keys/12/enc_keys?number=10")[0] == 200)


@test.case("keys that a request found missing are discarded with all that are gone like them")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=200, keys="max_lag = 1;")
    wait_compared(pair.a, 2)
    pair.b.stop()
    with contextlib.closing(sqlite3.connect(os.path.join(tmp, "kme-b.db"))) as db, db:
        gone = db.execute("DELETE FROM pool WHERE lane = 0 AND label IN "
                          "(SELECT label FROM pool WHERE lane = 0 ORDER BY id LIMIT 150)").rowcount
        db.execute("UPDATE lane SET free = free - 150 WHERE lane = 0")
    assert gone == 150
    pair.b.start()
    # Three attempts of one key each find three; the rest is found by comparing.
    assert pair.a.call("11", "GET", "/api/v1/keys/12/enc_keys")[0] in (200, 503)
    qvkme.wait_until(lambda: pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"] <= 50)
    taken, claimed = pair.share(20)
    assert taken == claimed


@test.case("questions about pools are answered to peers, and odd ones refused")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=10)

    def ask(body):
        return pair.b.call("kme-a", "POST", "/inter-kme/v1/lacking", body, connection=pair.b.connect_peer("kme-a"))

    status, body, _ = ask({"lane": 0, "labels": ["none", "0:0"]})
    assert (status, body) == (200, {"lacking": ["none"]}), (status, body)
    assert ask({"lane": 1, "labels": []})[:2] == (200, {"lacking": []})
    for body in ({}, {"lane": 2, "labels": []}, {"lane": "0", "labels": []}, {"lane": 0, "labels": [" "]},
                 {"lane": 0, "labels": [1]}, {"lane": 0, "labels": ["x"] * 4097}, {"lane": 0, "labels": {}}):
        assert ask(body)[0] == 400, body


test.run()
