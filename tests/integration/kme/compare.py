# SPDX-License-Identifier: Apache-2.0
"""The pools of both ends of a link are compared: keys that one end has lost are discarded at the other, all at once."""

import contextlib
import http.server
import json
import os
import signal
import sqlite3
import ssl

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


class Doubtful(http.server.BaseHTTPRequestHandler):
    """Stands where KME-B was, and lacks the first of the keys that it is asked about."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        labels = body.get("labels", [])
        if labels:
            self.server.asked(labels)
        text = json.dumps({"lacking": self.server.lacking(labels)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def doubtful(kme):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", kme.kme_port), Doubtful)
    server.daemon_threads = True
    server.asked, server.lacking = lambda labels: None, lambda labels: labels[:1]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=os.path.join(kme.folder, "ca.pem"))
    context.load_cert_chain(os.path.join(kme.folder, "kme-b.pem"), os.path.join(kme.folder, "kme-b.key"))
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with qvtest.beside(server.serve_forever):
        yield server
        server.shutdown()
    server.server_close()


@contextlib.contextmanager
def filled(tmp):
    """A KME that has 10 keys of each lane to compare when it starts, and a peer of which the test says what it lacks."""
    pair = qvkme.KmePair(test, tmp, rate=0, stock=10, keys="max_lag = 1;")
    for kme, own, other in ((pair.a, "11", "12"), (pair.b, "12", "11")):
        kme.wait_stock(own, other, 10)
    pair.a.stop(), pair.b.stop()
    with contextlib.closing(sqlite3.connect(os.path.join(tmp, "kme-a.db"))) as db, db:
        db.execute("UPDATE pool SET imported = 0")
    with doubtful(pair.b) as server:
        yield pair, server


def ended(pair):
    """How many keys of each lane KME-A has when it has stopped."""
    pair.a.stop()
    return [len(pool(pair.a, lane)) for lane in (0, 1)]


@test.case("a key is discarded when the peer lacks it both times that it is asked")
def _(tmp):
    with filled(tmp) as (pair, _):
        pair.a.start()
        wait_compared(pair.a, 1)
        assert ended(pair) == [9, 9]


@test.case("a key that the peer has when it is asked again is kept")
def _(tmp):
    with filled(tmp) as (pair, server):
        alone = []
        server.asked = lambda labels: alone.extend(labels if len(labels) == 1 else ())
        server.lacking = lambda labels: labels[:1] if len(labels) > 1 else []
        pair.a.start()
        wait_compared(pair.a, 1)
        assert ended(pair) == [10, 10] and len(alone) == 2, alone


@test.case("a KME that stops while it compares discards nothing")
def _(tmp):
    with filled(tmp) as (pair, server):
        questions = []

        def stop(labels):
            questions.append(labels)
            if len(questions) == 2:
                # The next thing that it does is to wait.
                pair.a.process.signal(signal.SIGTERM)
                pair.a.process.said("stopping")

        server.asked = stop
        pair.a.start()
        assert pair.a.process.wait() == 0
        assert ended(pair) == [10, 10] and len(questions) == 2, questions


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
