# SPDX-License-Identifier: Apache-2.0
"""Whatever dies when: a promised key is delivered once, none is delivered twice, and none is stranded."""

import base64
import functools
import glob
import os
import random
import signal
import socket
import sqlite3
import threading
import uuid

import qvkme
import qvtest

test = qvtest.Test(__file__)

ENC = "/api/v1/keys/12/enc_keys"
DEC = "/api/v1/keys/11/dec_keys"


def pair_at_rest(tmp, **options):
    """A pair whose links have given all their keys: 100 in each direction."""
    pair = qvkme.KmePair(test, tmp, rate=0, stock=100, **options)
    for kme, own, other in ((pair.a, "11", "12"), (pair.b, "12", "11")):
        kme.wait_stock(own, other, 100)
    return pair


def stock(pair):
    return (pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"],
            pair.b.call("12", "GET", "/api/v1/keys/11/status")[1]["stored_key_count"])


def take(pair, number=1):
    status, body, _ = pair.a.call("11", "GET", f"{ENC}?number={number}")
    return status, body


def claim(pair, key):
    return pair.b.call("12", "GET", f"{DEC}?key_ID={key['key_ID']}")


@test.case("a promised key survives kill -9 of both KMEs, and is still delivered only once")
def _(tmp):
    pair = pair_at_rest(tmp)
    keys = take(pair, 2)[1]["keys"]
    pair.a.kill(), pair.b.kill()
    pair.b.start()
    assert claim(pair, keys[0])[1]["keys"] == [keys[0]]
    pair.b.kill()
    pair.b.start(), pair.a.start()
    assert claim(pair, keys[0])[0] == 400
    assert claim(pair, keys[1])[1]["keys"] == [keys[1]]
    assert stock(pair) == (98, 100)
    assert take(pair)[1]["keys"][0]["key"] not in {k["key"] for k in keys}


@test.case("while the peer is down there are no keys and none are used up")
def _(tmp):
    pair = pair_at_rest(tmp)
    pair.share(1)
    pair.b.kill()
    for _ in range(3):
        status, error = take(pair, 2)
        assert status == 503 and error["message"] == "the KME of the slave SAE could not take the keys", error
    pair.b.start()
    taken, claimed = pair.share(99)
    assert taken == claimed
    assert take(pair)[0] == 503 and stock(pair) == (0, 100)


@test.case("a request that the peer may or may not have seen is undone at both, and no key is stranded")
def _(tmp):
    pair = pair_at_rest(tmp, timeout=2000)
    pair.share(1)
    pair.b.process.signal(signal.SIGSTOP)
    assert take(pair, 5)[0] == 503
    assert pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"] == 94
    pair.b.process.signal(signal.SIGCONT)
    pair.a.process.wait_for("request .* is undone")
    taken, claimed = pair.share(99)
    assert taken == claimed and stock(pair) == (0, 100)


@test.case("a KME killed while it waits for its peer frees the keys at its next start")
def _(tmp):
    pair = pair_at_rest(tmp, timeout=60000)
    pair.share(1)
    pair.b.process.signal(signal.SIGSTOP)
    with qvtest.beside(lambda: suppress(lambda: take(pair, 5))):
        # The keys are reserved once the stock has fallen.
        qvkme.wait_until(lambda: pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"] == 94)
        pair.a.kill()
    pair.b.process.signal(signal.SIGCONT)
    pair.a.start()
    pair.a.process.said("request .* is undone")
    taken, claimed = pair.share(99)
    assert taken == claimed and stock(pair) == (0, 100)


class Wire:
    """Carries bytes between a KME and its peer; once told to, it loses an answer, and the connection with it."""

    def __init__(self, kme, peer):
        self.to, self.lose, self.lost = peer.kme_port, threading.Event(), 0
        self.meanwhile = lambda: None  # before the connection ends
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.settimeout(None)
        with open(kme.config, encoding="utf-8") as f:
            text = f.read()
        assert f"127.0.0.1:{self.to}" in text
        with open(kme.config, "w", encoding="utf-8") as f:
            f.write(text.replace(f"127.0.0.1:{self.to}", "127.0.0.1:%d" % self.listening.getsockname()[1]))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near = self.listening.accept()[0]
            far = suppress(lambda: socket.create_connection(("127.0.0.1", self.to)))
            if far is None:
                near.close()
                continue
            for ends in ((near, far, False), (far, near, True)):
                threading.Thread(target=self.carry, args=ends, daemon=True).start()

    def carry(self, source, sink, answers):
        source.settimeout(None)
        while data := suppress(lambda: source.recv(65536)):
            if answers and self.lose.is_set():
                self.lose.clear()
                self.lost += 1
                self.meanwhile()
                break
            if suppress(lambda: sink.sendall(data) or True) is None:
                break
        for end in (source, sink):
            suppress(lambda end=end: end.shutdown(socket.SHUT_RDWR))


@test.case("an answer of the peer that gets lost is asked for again, and its keys are activated once")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=100, start=False)
    wire = Wire(pair.a, pair.b)
    # The peer is there when the pools are compared for the first time: nothing else uses the wire later.
    pair.b.start(), pair.a.start()
    pair.a.process.said("the pools are compared")
    pair.a.wait_stock("11", "12", 100)
    pair.b.wait_stock("12", "11", 100)
    pair.share(1)
    for turn in range(1, 4):
        wire.lose.set()
        status, body = take(pair, 2)
        assert status == 200 and wire.lost == turn, (status, body, wire.lost)
        assert stock(pair) == (99 - 2 * turn, 100)
        for key in body["keys"]:
            assert claim(pair, key)[:2] == (200, {"keys": [key]}) and claim(pair, key)[0] == 400


def configure(kme, text):
    with open(kme.config, "w", encoding="utf-8") as f:
        f.write(text)
    kme.process.signal(signal.SIGHUP)
    kme.process.wait_for("is read anew and in use")


@test.case("keys that the peer has taken are undone there, though it refuses the request when it is asked again")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=100, start=False)
    wire = Wire(pair.a, pair.b)
    pair.b.start(), pair.a.start()
    pair.a.process.said("the pools are compared")
    pair.a.wait_stock("11", "12", 100)
    pair.share(1)
    with open(pair.b.config, encoding="utf-8") as f:
        known = f.read()
    unknown = known.replace(', { id = "11"; kme = "KME-A"; }', "")
    assert unknown != known
    # Once it has taken the keys, it does not know the master any more.
    wire.meanwhile = lambda: configure(pair.b, unknown)
    wire.lose.set()
    status, body = take(pair, 2)
    assert status == 503 and wire.lost == 1, (status, body, wire.lost)
    pair.b.process.said("activated: master 11")
    pair.a.process.said("request .* is undone")
    configure(pair.b, known)
    taken, claimed = pair.share(99)
    assert taken == claimed and stock(pair)[0] == 0


def suppress(function):
    try:
        return function()
    except OSError:
        return None


@test.case("a request that is undone while it is being done leaves all its link keys in the pool")
def _(tmp):
    turns = 150
    pair = pair_at_rest(tmp)
    pair.a.stop()
    connections = [pair.b.connect_peer("kme-a") for _ in range(2)]
    together, answers = threading.Barrier(2), [[], []]

    def ask(which, path, bodies):
        for body in bodies:
            together.wait(qvtest.TIMEOUT)
            answers[which].append(pair.b.call(None, "POST", path, body, connection=connections[which])[0])

    requests = [str(uuid.uuid4()) for _ in range(turns)]
    activations = [{"request": request, "master_SAE_ID": "11", "slave_SAE_IDs": ["12"],
                    "keys": [{"key_ID": str(uuid.uuid4()), "bytes": 32, "labels": [f"0:{i % 100}"]}]}
                   for i, request in enumerate(requests)]
    undos = [{"request": request} for request in requests]
    with qvtest.beside(lambda: ask(0, "/inter-kme/v1/activate", activations),
                       lambda: ask(1, "/inter-kme/v1/undo", undos)):
        pass
    assert set(answers[0]) <= {200, 410} and answers[1] == [200] * turns, answers
    labels = [f"0:{i}" for i in range(100)]
    status, body, _ = pair.b.call(None, "POST", "/inter-kme/v1/lacking", {"lane": 0, "labels": labels},
                                  connection=connections[0])
    assert (status, body) == (200, {"lacking": []}), (status, body)


@test.case("32 clients in both directions get keys that agree and never meet twice")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=400)
    pair.a.wait_stock("11", "12", 400)
    pair.b.wait_stock("12", "11", 400)
    seen, faults, lock = [], [], threading.Lock()

    def client(own, other, taker, claimer):
        up, down = taker.connect(own), claimer.connect(other)
        for _ in range(10):
            status, body, _ = taker.call(own, "GET", f"/api/v1/keys/{other}/enc_keys", connection=up)
            if status != 200:
                faults.append((status, body))
                continue
            key = body["keys"][0]
            again = claimer.call(other, "GET", f"/api/v1/keys/{own}/dec_keys?key_ID={key['key_ID']}", connection=down)
            with lock:
                seen.append(key["key"])
                if again[1] != body:
                    faults.append(again)

    both = (functools.partial(client, "11", "12", pair.a, pair.b), functools.partial(client, "12", "11", pair.b, pair.a))
    with qvtest.beside(*both * 16):
        pass
    assert not faults, faults[:3]
    assert len(seen) == len(set(seen)) == 320 and stock(pair) == (240, 240)


@test.case("KMEs killed at random moments under load: no key is delivered twice, none that was promised is lost")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=3000, timeout=1000)
    generator = random.Random(int.from_bytes(os.urandom(4), "big"))
    promised, stop = [], threading.Event()

    def client():
        while not stop.is_set():
            result = suppress(lambda: take(pair, 3)) or (0, None)
            if result[0] == 200:
                promised.extend(result[1]["keys"])

    with qvtest.beside(*[client] * 4, stop=stop):
        for _ in range(8):
            before = len(promised)
            kme = generator.choice((pair.a, pair.b))
            qvkme.wait_until(lambda: len(promised) >= before + generator.randrange(1, 40))
            kme.kill()
            kme.start()
    assert len({k["key"] for k in promised}) == len(promised)
    for key in promised:
        status, body, _ = claim(pair, key)
        assert status == 200 and body["keys"] == [key], (status, body)


@test.case("SIGTERM ends a KME cleanly, and what is being answered is answered")
def _(tmp):
    pair = pair_at_rest(tmp, timeout=2000)
    pair.share(1)
    results = []
    pair.b.process.signal(signal.SIGSTOP)
    with qvtest.beside(lambda: results.append(take(pair))):
        qvkme.wait_until(lambda: pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"] == 98)
        pair.a.process.signal(signal.SIGTERM)
        pair.b.process.signal(signal.SIGCONT)
    assert results and results[0][0] in (200, 503), results
    assert pair.a.process.wait() == 0
    pair.b.process.signal(signal.SIGINT)
    assert pair.b.process.wait() == 0


@test.case("neither the database nor the log ever holds a key in clear, and others cannot read the database")
def _(tmp):
    pair = pair_at_rest(tmp)
    keys, _ = pair.share(3)
    keys += take(pair, 3)[1]["keys"]
    files = glob.glob(os.path.join(tmp, "kme-?.db*"))
    assert len(files) >= 2
    pair.a.process.popen.kill(), pair.b.process.popen.kill()
    content = b"".join(open(f, "rb").read() for f in files)
    content += (pair.a.process.output() + pair.b.process.output()).encode()
    assert keys[5]["key_ID"].encode() in content
    for key in keys:
        raw = base64.b64decode(key["key"])
        for form in (raw, raw.hex().encode(), key["key"].encode(), raw[:8], raw[24:]):
            assert form not in content
    assert all(os.stat(f).st_mode & 0o077 == 0 for f in files)


@test.case("a damaged key in the store is discarded, and the next request succeeds")
def _(tmp):
    pair = pair_at_rest(tmp)
    pair.a.stop()
    with sqlite3.connect(os.path.join(tmp, "kme-a.db")) as database:
        database.execute("UPDATE pool SET sealed = substr(sealed, 2) || x'00' WHERE label = '0:0'")
    database.close()
    pair.a.start()
    assert take(pair)[0] == 503
    taken, claimed = pair.share(99)
    assert taken == claimed and stock(pair) == (0, 100)


test.run()
