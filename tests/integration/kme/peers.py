# SPDX-License-Identifier: Apache-2.0
"""What other KMEs can send and answer: malformed bodies, refusals half-way, silence; and keys that nobody fetches."""

import copy
import http.server
import json
import ssl
import threading

import qvkme
import qvtest

test = qvtest.Test(__file__)

ENC = "/api/v1/keys/12/enc_keys"
NOT_FOUND = "one or more keys specified are not found on KME"
REQUEST = "6f2f1f7e-60a5-4e0e-9d0f-2d6c5c0b8b11"
KEY_ID = "0a0f7d51-5f7d-4b9d-8d53-1f0f6a3f2c11"

ACTIVATION = {"request": REQUEST, "master_SAE_ID": "11", "slave_SAE_IDs": ["12", "15"],
              "keys": [{"key_ID": KEY_ID, "bytes": 40, "labels": ["0:3", "0:4"]}]}
CARRIED = {**ACTIVATION, "carried": {"label": "0:5", "ciphertext": "A" * 86 + "==", "tag": "A" * 22 + "=="}}
CHECK = {**ACTIVATION, "check": True, "carried": {"label": "0:5"}}
BODIES = (("/inter-kme/v1/activate", ACTIVATION), ("/inter-kme/v1/activate", CARRIED),
          ("/inter-kme/v1/activate", CHECK), ("/inter-kme/v1/undo", {"request": REQUEST}),
          ("/inter-kme/v1/lacking", {"lane": 0, "labels": ["0:3", "0:4"]}))
ODD = (None, True, 0, -1, 1.5, 2 ** 63 - 1, "", "x", "0:3", "\0", "é" * 300, [], [[]], [None], ["x", "x"], {}, {"x": {}})
NO_JSON = (b"", b"{", b"\x00", b"{}{}", b"{'a': 1}", b'{"a": NaN}', b'{"\xff": 1}', b'{"a": 1, "a": 2}', b"\xef\xbb\xbf{}",
           b"[" * 60000, b'{"a":' * 10000, b"[]", b"null", b'"x"', b"1", bytes(range(256)))


def places(value, at=()):
    """Every place in a JSON value."""
    yield at
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from places(member, (*at, name))


def variants(body):
    """The body with each of its values left out, doubled, or replaced by something odd."""
    for at in places(body):
        for odd in ODD if at else ():
            changed = copy.deepcopy(body)
            parent = changed
            for name in at[:-1]:
                parent = parent[name]
            parent[at[-1]] = odd
            yield changed
        if at:
            changed = copy.deepcopy(body)
            parent = changed
            for name in at[:-1]:
                parent = parent[name]
            del parent[at[-1]]
            yield changed
            if isinstance(parent, list):
                changed = copy.deepcopy(body)
                parent = changed
                for name in at[:-1]:
                    parent = parent[name]
                parent.append(parent[at[-1]])
                yield changed


@test.case("every malformed body of another KME is refused, and nothing is done by it")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=20)
    connection = net.b.connect_peer("kme-a")

    def call(path, body):
        return net.b.call(None, "POST", path, body, connection=connection)[:2]

    for path, body in BODIES:
        for text in NO_JSON:
            assert call(path, text)[0] == 400, (path, text[:40])
        done = 0
        for changed in variants(body):
            status, answer = call(path, changed)
            assert status in (200, 400, 403, 404, 409, 410), (path, changed, status, answer)
            if status == 200 and path.endswith("activate") and not changed.get("check"):
                done += 1
                # It was good enough; it cannot be done again, so each gets another request.
                assert call("/inter-kme/v1/undo", {"request": changed["request"]})[0] == 200
            if status in (400, 403, 404, 409):
                assert answer["message"], (path, changed)
        assert done < 40, (path, done)
    assert call("/inter-kme/v1/lacking", {"lane": 0, "labels": [f"0:{i}" for i in range(20)]}) == (200, {"lacking": []})
    assert net.stock("11", "12") == 20
    assert net.call("11", "GET", ENC + "?number=20")[0] == 200


@test.case("keys for two slaves that are undone leave neither a promise, and each link key comes back once")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=20)
    connection = net.b.connect_peer("kme-a")

    def call(path, body):
        return net.b.call(None, "POST", "/inter-kme/v1/" + path, body, connection=connection)[0]

    assert call("activate", ACTIVATION) == 200
    assert call("undo", {"request": REQUEST}) == 200
    for sae in ("12", "15"):
        assert net.claim(sae, "11", [{"key_ID": KEY_ID}]) == (400, {"message": NOT_FOUND})
    assert call("activate", {**ACTIVATION, "request": KEY_ID}) == 200
    keys = {sae: net.claim(sae, "11", [{"key_ID": KEY_ID}]) for sae in ("12", "15")}
    assert keys["12"] == keys["15"] and keys["12"][0] == 200, keys
    # One of them has it: too late.
    assert call("undo", {"request": KEY_ID}) == 409


@test.case("carried keys with a wrong tag get 403, and the link keys stay")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=20)
    for body, expected in ((CHECK, 200), (CARRIED, 403), (CHECK, 200), (ACTIVATION, 200)):
        status, error, _ = net.b.call(None, "POST", "/inter-kme/v1/activate", body,
                                      connection=net.b.connect_peer("kme-a"))
        assert status == expected, (body, status, error)


class FakeKme(http.server.BaseHTTPRequestHandler):
    """Stands where KME-C was: answers checks with 200 and activations as it is told."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.path.rsplit("/", 1)[1]
        self.server.calls.append((name, body))
        status = 200 if body.get("check") or name == "undo" else 404 if name != "activate" else self.server.activation
        if status is None:
            self.close_connection = True
            return
        text = json.dumps({"request": body.get("request")} if status == 200 else {"message": "no"}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


def fake_kme(kme):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", kme.kme_port), FakeKme)
    server.daemon_threads = True
    server.activation, server.calls = None, []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=f"{kme.folder}/ca.pem")
    context.load_cert_chain(f"{kme.folder}/kme-c.pem", f"{kme.folder}/kme-c.key")
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@test.case("a KME that fails after all have said yes: the others take the keys back, and no pad is used twice")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=20, keys="max_lag = 1;")
    net.c.stop()
    pads = set()
    server = fake_kme(net.c)
    for number, activation in enumerate((503, 400, None), 1):
        server.activation, server.calls = activation, []
        status, error, _ = net.call("11", "POST", ENC, {"additional_slave_SAE_IDs": ["13", "15"]})
        assert status == 503 and error["details"] == [{"target_KME_ID": "KME-C"}], (status, error)
        carried = [body for name, body in server.calls if name == "activate" and not body.get("check")]
        assert carried and not pads & set(carried[0]["keys"][0]["labels"]), (carried, pads)
        pads |= {*carried[0]["keys"][0]["labels"], carried[0]["carried"]["label"]}
        assert carried[0]["carried"]["ciphertext"], carried
        key = {"key_ID": carried[0]["keys"][0]["key_ID"]}
        # KME-B had promised it, and takes it back.
        qvkme.wait_until(lambda: net.b.process.output().count(f"key {key['key_ID']} undone") == 2)
        for sae in ("12", "15"):
            assert net.claim(sae, "11", [key])[0] == 400
        if activation != 400:
            qvkme.wait_until(lambda: "undo" in [name for name, _ in server.calls])
        assert net.stock("11", "12") == 20 - 2 * number, number
    server.shutdown()
    server.server_close()
    net.c.start()
    status, body, _ = net.call("11", "POST", ENC, {"number": 10, "additional_slave_SAE_IDs": ["13"]})
    assert status == 200, (status, body)
    for sae in ("12", "13"):
        assert net.claim(sae, "11", body["keys"]) == (200, body)


@test.case("keys that no slave fetches expire, and each is reported with its SAEs")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=20, keys="lifetime = 1;")
    status, body, _ = net.call("11", "POST", ENC, {"additional_slave_SAE_IDs": ["14"]})
    assert status == 200
    key_id = body["keys"][0]["key_ID"]

    def expired(kme):
        kme.stop()
        kme.start()
        return f"key {key_id} expired" in kme.process.output()

    for kme, slave in ((net.a, "14"), (net.b, "12")):
        qvkme.wait_until(lambda kme=kme: expired(kme))
        assert f"expired: master 11, slave {slave}" in kme.process.output()
        assert net.claim(slave, "11", body["keys"])[0] == 400


test.run()
