# SPDX-License-Identifier: Apache-2.0
"""Replayed, changed, late and invented messages between KMEs that relay; floods; KMEs that plan differently."""

import http.server
import json
import secrets
import ssl
import threading
import uuid

import qvkme
import qvnetwork
import qvtest

test = qvtest.Test(__file__)

PATH = "/inter-kme/v1/relay/"


class Between:
    """Sits where one KME expects another, passes everything on, and keeps what went by."""

    def __init__(self, net, caller, callee):
        self.seen = []
        self.change = lambda path, body: body
        between = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                between.seen.append((self.path, body))
                status, answer = post(net, caller, callee, self.path, between.change(self.path, body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(net.path(f"kme-{callee}.pem"), net.path(f"kme-{callee}.key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = self.server.server_address[1]


def post(net, caller, callee, path, body):
    """(status, answer) of a KME's API to another one, by the certificate of `caller`."""
    connection = net.kmes[callee].connect_peer(f"kme-{caller}")
    connection.request("POST", path, body=body)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


class Tapped(qvnetwork.Network):
    """KME 5 reaches KME 8 through somebody who listens."""

    tap = None

    def port(self, own, other):
        if (own, other) != ("5", "8"):
            return super().port(own, other)
        if not self.tap:
            self.tap = Between(self, "5", "8")
        return self.tap.port


@test.case("a replayed share is not taken again, a changed one not at all, and neither uses up keys")
def _(tmp):
    net = Tapped(test, tmp)
    net.share("1", "8", 3)
    qvkme.wait_until(lambda: any(path == PATH + "share" for path, _ in net.tap.seen))
    share = next(body for path, body in net.tap.seen if path == PATH + "share")
    assert share.startswith(b"QVRS\x01"), share[:8]
    for _ in range(3):
        again = post(net, "5", "8", PATH + "share", share)
        assert again[0] == 208, again
    before = net.stored("8", "5")
    for at in range(0, len(share), max(1, len(share) // 60)):
        changed = share[:at] + bytes([share[at] ^ 1]) + share[at + 1:]
        status, _ = post(net, "5", "8", PATH + "share", changed)
        # Where the ID of the message or what is behind the labels changed, its link keys are gone.
        assert status in (208, 400, 409), (at, status)
    for size in (0, 4, 5, 20, 23, 40, 100, len(share) - 1):
        assert post(net, "5", "8", PATH + "share", share[:size])[0] in (400, 409), size
    # Another neighbour has other link keys.
    assert post(net, "6", "8", PATH + "share", share)[0] in (208, 409)
    assert net.stored("8", "5") == before
    net.share("1", "8", 3)
    net.stop()


@test.case("a share that is changed on its way over a hop is refused, and the keys arrive over others")
def _(tmp):
    net = Tapped(test, tmp)
    net.tap.change = lambda path, body: body[:-40] + bytes([body[-40] ^ 1]) + body[-39:] if path == PATH + "share" else body
    net.share("1", "8", 5)
    net.kmes["8"].process.wait_for("does not authenticate: the ends of the link differ, or somebody changes")
    net.tap.change = lambda path, body: body
    net.share("1", "8", 5)
    net.stop()


@test.case("words about sessions that are none of the caller's are refused")
def _(tmp):
    net = qvnetwork.Network(test, tmp)
    session = secrets.token_hex(16)
    tag = "AAAAAAAAAAAAAAAAAAAAAA=="
    bodies = {"news": {"rebuilt": True}, "trouble": {"from": "5", "to": "8", "cause": "no_keys"},
              "confirm": {"time": 0, "challenge": tag}, "close": {},
              "commit": {"request": str(uuid.uuid4()), "token": tag}}
    for name, body in bodies.items():
        assert post(net, "5", "8", PATH + name, json.dumps({"session": session, **body}))[0] == 404, name
        for wrong in ("", "{", "[]", "{}", json.dumps({"session": session.upper(), **body}),
                      json.dumps({"session": 7, **body}), json.dumps({"session": session + "0", **body})):
            assert post(net, "5", "8", PATH + name, wrong)[0] in (400, 404), (name, wrong)
    net.stop()


def opening(session=None, **other):
    return {"session": session or secrets.token_hex(16), "module": "redistribute", "digest": "0" * 16, "attempt": 0,
            "stride": 32, "request": str(uuid.uuid4()), "master_SAE_ID": "101", "slave_SAE_IDs": ["108"],
            "keys": [{"key_ID": str(uuid.uuid4()), "bytes": 32}], **other}


def ask(net, caller, **other):
    status, text = post(net, caller, "8", PATH + "open", json.dumps(opening(**other)))
    return status, json.loads(text)


@test.case("sessions of a KME that plans differently, or gives keys in another's name, do not begin")
def _(tmp):
    net = qvnetwork.Network(test, tmp, ends=("1", "3", "8"))
    status, body = ask(net, "1")
    assert status == 412 and "digest" in qvnetwork.details(body), body
    digest = qvnetwork.details(body)["digest"]
    assert ask(net, "1", module="disjoint")[0] == 412
    session = secrets.token_hex(16)
    assert ask(net, "1", digest=digest, session=session)[0] == 200
    assert ask(net, "1", digest=digest, session=session)[0] == 409
    assert ask(net, "3", digest=digest)[0] == 403
    assert ask(net, "1", digest=digest, slave_SAE_IDs=["103"])[0] == 404
    for wrong in ({"stride": 31}, {"stride": 2048}, {"attempt": 256}, {"keys": []}, {"digest": "x" * 16},
                  {"keys": [{"key_ID": str(uuid.uuid4()), "bytes": 33}]}, {"session": "5"}, {"slave_SAE_IDs": []},
                  {"stride": 1024, "keys": [{"key_ID": str(uuid.uuid4()), "bytes": 32} for _ in range(64)]}):
        assert ask(net, "1", **{"digest": digest, **wrong})[0] == 400, wrong
    # Another KME can neither confirm, commit nor end the session.
    tag = "AAAAAAAAAAAAAAAAAAAAAA=="
    for name, body in (("confirm", {"time": 0, "challenge": tag}), ("close", {}),
                       ("commit", {"request": str(uuid.uuid4()), "token": tag})):
        assert post(net, "3", "8", PATH + name, json.dumps({"session": session, **body}))[0] == 404, name
    assert post(net, "1", "8", PATH + "confirm", json.dumps({"session": session, "time": 0, "challenge": tag}))[0] == 409
    assert post(net, "1", "8", PATH + "commit",
                json.dumps({"session": session, "request": str(uuid.uuid4()), "token": tag}))[0] == 403
    assert post(net, "1", "8", PATH + "close", json.dumps({"session": session}))[0] == 200
    net.stop()


@test.case("a flood of one KME's sessions is bounded, and leaves room for those of others")
def _(tmp):
    net = qvnetwork.Network(test, tmp, ends=("1", "3", "8"), more="sessions = 20;", hop_wait=2000)
    digest = qvnetwork.details(ask(net, "3", master_SAE_ID="103")[1])["digest"]
    answers = [ask(net, "3", master_SAE_ID="103", digest=digest)[0] for _ in range(40)]
    # Five peers share twenty sessions.
    assert answers.count(200) == 4 and answers.count(503) == 36, answers
    for _ in range(5):
        net.share("1", "8", 2)
    net.stop()


test.run()
