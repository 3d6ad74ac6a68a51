# SPDX-License-Identifier: Apache-2.0
"""The key source etsi014 against a KME that misbehaves. Counts at that KME prove that no key is taken twice."""

import atexit
import base64
import json
import os
import shutil
import sys
import tempfile

import qvtest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import drive  # noqa: E402
from drive import expect  # noqa: E402
from mockkme import MockKme, response  # noqa: E402

test = qvtest.Test(__file__)
FOLDER = tempfile.mkdtemp(prefix="qvisio-etsi014-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
if not os.path.exists(os.path.join(qvtest.BUILD, ".libs", "keysource-etsi014.so")):
    print("1..0 # SKIP etsi014 is not built")
    sys.exit(0)
PKI = qvtest.Pki(os.path.join(FOLDER, "pki"))
KME = PKI.issue("kme")
SAE = PKI.issue("alice", san=None, pfx_password="open sesame")
PFX = PKI.path("alice.pfx")
PASSWORD = PKI.path("password")
with open(PASSWORD, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
    f.write("open sesame\n")


class Drive(drive.Drive):
    def __init__(self, *options, trust=True, identity=True):
        more = [f"ca={PKI.ca}"] if trust else []
        more += [f"certificate={SAE[0]}", f"private_key={SAE[1]}"] if identity else []
        super().__init__(*options, *more)


class running(list):
    """MockKmes of a `with` block."""

    def __init__(self, *answers, **options):
        super().__init__(MockKme(*KME, PKI.ca, answer, **options) for answer in answers or (None,))

    def __enter__(self):
        return self[0] if len(self) == 1 else self

    def __exit__(self, *_):
        for kme in self:
            kme.stop()


ROUTE = {"extension_optional": [{"qvisio_route": "any"}]}  # a question that a KME may ignore


def kme_option(*kmes):
    return "kme=" + ",".join(k.address for k in kmes)


@test.case("a key is taken, claimed once, and its status read")
def _(tmp):
    with running() as kme, Drive(kme_option(kme)) as sae:
        assert sae.opened == "ok open"
        answer = sae("take bob 256")
        key_id, key = next(iter(kme.keys.items()))
        assert answer == f"ok {key_id} 32 {key[:4].hex()}", answer
        assert kme.requests[0].method == "POST" and kme.requests[0].json() == {"number": 1, "size": 256, **ROUTE}
        assert sae(f"claim alice {key_id}") == answer
        assert kme.requests[1].json() == {"key_IDs": [{"key_ID": key_id}], "key_IDs_extension": {"qvisio_route": "any"}}
        expect(sae(f"claim alice {key_id}"), "error not-found", "not found on KME", "HTTP 400")
        assert sae("status bob") == "ok KMEA"
        assert sae("self bob") == "ok alice"
        assert sae("self bob") == "ok alice"
        assert kme.paths == ["/api/v1/keys/bob/enc_keys", "/api/v1/keys/alice/dec_keys",
                             "/api/v1/keys/alice/dec_keys", "/api/v1/keys/bob/status", "/api/v1/keys/bob/status"]
        assert kme.connections == 1, kme.connections


@test.case("the default size is the KME's; SAE IDs are percent-encoded and cannot leave their place in the path")
def _(tmp):
    with running() as kme, Drive(kme_option(kme)) as sae:
        expect(sae("take é/x?# 0"), "ok ")
        assert kme.requests[0].path == "/api/v1/keys/%C3%A9%2Fx%3F%23/enc_keys", kme.paths
        assert kme.requests[0].json() == {"number": 1, **ROUTE}
        expect(sae("status .."), "ok")
        assert kme.requests[1].path == "/api/v1/keys/../status", kme.paths
        expect(sae("take bob 12"), "error invalid", "multiple of 8")
        expect(sae("claim alice " + "x" * 129), "error invalid", "key_ID")
        assert len(kme.requests) == 2


@test.case("PKCS#12 with a password file; a wrong password is told apart")
def _(tmp):
    with running() as kme:
        with Drive(kme_option(kme), f"certificate={PFX}", f"password_file={PASSWORD}", identity=False) as sae:
            expect(sae("take bob 256"), "ok ")
        wrong = os.path.join(tmp, "wrong")
        with open(wrong, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("close sesame\n")
        with Drive(kme_option(kme), f"certificate={PFX}", f"password_file={wrong}", identity=False) as sae:
            expect(sae("take bob 256"), "error config", PFX, "password is wrong")
        os.chmod(wrong, 0o640)
        with Drive(kme_option(kme), f"certificate={PFX}", f"password_file={wrong}", identity=False) as sae:
            expect(sae.opened, "error config", "chmod 600")
        assert len(kme.keys) == 1


def without_extensions(kme, request):
    if "extension" in request.body.decode():
        return response(400, {"message": "extension parameters are not supported"})
    return MockKme.good(kme, request)


@test.case("a KME that takes no extension is asked again without, once, and gives its key")
def _(tmp):
    with running(without_extensions) as kme, Drive(kme_option(kme)) as sae:
        key_id = sae("take bob 256").split()[1]
        expect(sae(f"claim alice {key_id}"), "ok ")
        assert len(kme.keys) == 1 and len(kme.requests) == 3, kme.paths


def drop_after_key(kme, request):
    if request.path.endswith("enc_keys"):
        kme.new_key()
        return None
    return MockKme.good(kme, request)


@test.case("an answer that is lost loses its key: nothing is asked again, here or at the next address")
def _(tmp):
    with running(drop_after_key, None) as kmes, Drive(kme_option(*kmes)) as sae:
        expect(sae("take bob 256"), "error io", "may have been given out", "lost")
        assert len(kmes[0].keys) == 1 and len(kmes[0].requests) == 1
        assert len(kmes[1].requests) == 0


@test.case("an answer that is lost on a kept connection is not asked for again either")
def _(tmp):
    def third_is_lost(kme, request):
        return MockKme.good(kme, request) if len(kme.keys) < 2 else drop_after_key(kme, request)
    with running(third_is_lost, None) as kmes, Drive(kme_option(*kmes)) as sae:
        expect(sae("take bob 256"), "ok ")
        expect(sae("take bob 256"), "ok ")
        expect(sae("take bob 256"), "error io", "lost")
        assert len(kmes[0].keys) == 3 and len(kmes[0].requests) == 3, kmes[0].paths
        assert len(kmes[1].requests) == 0


@test.case("a lost claim is lost; a lost status is asked again")
def _(tmp):
    def lossy(kme, request):
        if request.path.endswith("dec_keys") or len(kme.requests) == 3:
            return None
        return MockKme.good(kme, request)
    with running(lossy, None) as kmes, Drive(kme_option(*kmes)) as sae:
        expect(sae("status bob"), "ok KMEA")
        expect(sae("claim alice k"), "error io", "lost")
        assert len(kmes[0].requests) == 2 and len(kmes[1].requests) == 0
        expect(sae("status bob"), "ok KMEA")
        assert sum(len(k.requests) for k in kmes) == 4


@test.case("a half answer, with and without a length, is a lost key")
def _(tmp):
    for end in ("Content-Length: 4000", "Transfer-Encoding: chunked"):
        def half(kme, request):
            container = json.dumps(kme.container(kme.new_key())).encode()
            size = b"%x\r\n" % 4000 if "chunked" in end else b""
            request.connection.sendall(f"HTTP/1.1 200 X\r\n{end}\r\n\r\n".encode() + size + container)
        with running(half, None) as kmes, Drive(kme_option(*kmes)) as sae:
            expect(sae("take bob 256"), "error io", "lost")
            assert len(kmes[0].keys) == 1 and not kmes[1].requests


@test.case("a kept connection that the KME closed while idle costs nothing")
def _(tmp):
    with running() as kme, Drive(kme_option(kme)) as sae:
        for count in range(1, 4):
            expect(sae("take bob 256"), "ok ")
            assert len(kme.keys) == count and kme.connections == count
            kme.close_connections()


@test.case("a KME that cannot be reached is passed over, and the next is kept to")
def _(tmp):
    dead = qvtest.free_port()
    with running() as kme, Drive(f"kme=localhost:{dead},{kme.address}") as sae:
        expect(sae("take bob 256"), "ok ")
        expect(sae("take bob 256"), "ok ")
        log = sae.end()
        assert log.count("asking the next") == 1 and f"localhost:{dead}" in log, log
        assert len(kme.keys) == 2 and kme.connections == 1
    with Drive(f"kme=localhost:{dead}") as sae:
        expect(sae("take bob 256"), "error io", f"https://localhost:{dead}", "is it running there", "Connection refused")


@test.case("a KME without keys is passed over; the last one's 503 is the answer")
def _(tmp):
    def empty(kme, request):
        return response(503, {"message": "no key\nleft"})
    with running(empty, None) as kmes, Drive(kme_option(*kmes)) as sae:
        expect(sae("take bob 256"), "ok ")
    with running(empty, empty) as kmes, Drive(kme_option(*kmes)) as sae:
        expect(sae("take bob 256"), "error no-key", "HTTP 503", "no key left")
        assert [len(k.requests) for k in kmes] == [1, 1]


@test.case("HTTP errors have their codes, and the KME's own words")
def _(tmp):
    table = [(400, {"message": "size shall be a multiple of 8"}, "invalid", "size shall be a multiple of 8"),
             (401, b"", "denied", "does not allow"), (403, {"message": "go away"}, "denied", "go away"),
             (404, b"<html>", "not-found", "HTTP 404"), (504, b"", "timeout", "HTTP 504"),
             (500, {"message": 7}, "io", "HTTP 500"), (302, b"", "protocol", "redirects are not followed"),
             (400, {"message": "\x1b[31m" + "é" * 200}, "invalid", " [31méé"), (204, b"", "protocol", "HTTP 204")]
    for status, body, code, part in table:
        def fail(kme, request):
            return response(status, body, [f"Location: https://{kme.address}/elsewhere"])
        with running(fail) as kme, Drive(kme_option(kme)) as sae:
            expect(sae("take bob 256"), f"error {code}", part)
            assert len(kme.requests) == 1, kme.paths


BASE64 = base64.b64encode(bytes(range(32))).decode()
KEY = {"key_ID": "k1", "key": BASE64}
BAD = [
    (b"", "not JSON"), (b"{", "not JSON"), (b"[]", "no object"), (b"nonsense", "not JSON"), (b"\xff\xfe", "not JSON"),
    (b'{"keys":[],"keys":[]}', "not JSON"), (b"[" * 100000, "not JSON"),
    (b'{"keys":[{"key_ID":"k1","key":"' + BASE64.encode(), "not JSON"),
    ({}, "one key"), ({"keys": {}}, "one key"), ({"keys": []}, "one key"), ({"keys": [KEY, KEY]}, "one key"),
    ({"keys": [KEY] * 9}, "one key"), ({"keys": [7]}, "key_ID"), ({"keys": [{"key": BASE64}]}, "key_ID"),
    ({"keys": [{"key_ID": "", "key": BASE64}]}, "key_ID"), ({"keys": [{"key_ID": "a b", "key": BASE64}]}, "key_ID"),
    ({"keys": [{"key_ID": "é", "key": BASE64}]}, "key_ID"), ({"keys": [{"key_ID": 7, "key": BASE64}]}, "key_ID"),
    ({"keys": [{"key_ID": "x" * 129, "key": BASE64}]}, "key_ID"),
    ({"keys": [{"key_ID": "a\0b", "key": BASE64}]}, "not JSON"),
    ({"keys": [{"key_ID": "k1"}]}, "base64"), ({"keys": [{"key_ID": "k1", "key": 7}]}, "base64"),
    ({"keys": [{"key_ID": "k1", "key": ""}]}, "base64"), ({"keys": [{"key_ID": "k1", "key": "0"}]}, "base64"),
    ({"keys": [{"key_ID": "k1", "key": BASE64[:-1]}]}, "base64"),
    ({"keys": [{"key_ID": "k1", "key": BASE64 + "\n"}]}, "base64"),
    ({"keys": [{"key_ID": "k1", "key": BASE64[:24]}]}, "144 bits, 256 were asked"),
    ({"keys": [{"key_ID": "k1", "key": BASE64[:40] + BASE64}]}, "bits, 256 were asked"),
]


@test.case("a table of answers that are no single key is refused, field by field, and no key text comes back")
def _(tmp):
    def bad(kme, request):
        body = BAD[len(kme.requests) - 1][0]
        return response(200, body)
    with running(bad) as kme, Drive(kme_option(kme)) as sae:
        for _body, part in BAD:
            answer = sae("take bob 256")
            expect(answer, "error protocol", part, "lost")
            assert BASE64[:8] not in answer, answer
        assert len(kme.requests) == len(BAD)


@test.case("keys in other dress are understood: escapes, order, extensions with keys of their own")
def _(tmp):
    key = bytes([0xff, 0xef]) * 16
    text = base64.b64encode(key).decode()
    assert "/" in text and "+" in text and "=" in text
    dressed = text.replace("/", "\\/").replace("=", "\\u003d").replace("+", "\\u002B")
    bodies = [f'{{"keys":[{{"key":"{dressed}","key_ID":"k1"}}]}}',
              f'{{\n "key_container_extension": {{"key": "none", "k": "\\"key\\": \\"x\\""}},\n "keys" : [ {{ "key_ID" :'
              f' "k1", "k\\u0065y"\t:\n "{text}", "key_extension": {{ "key" : "{BASE64}" }} }} ] }}',
              f'{{"keys":[{{"key_ID":"k1","key":"{text}"}}], "a": [{", ".join(["[]"] * 5000)}]}}']
    def good(kme, request):
        return response(200, bodies[len(kme.requests) - 1].encode())
    with running(good) as kme, Drive(kme_option(kme)) as sae:
        for _body in bodies:
            assert sae("take bob 256") == "ok k1 32 ffefffef"


@test.case("a claim accepts only the key that was asked for")
def _(tmp):
    with running(lambda kme, request: response(200, {"keys": [KEY]})) as kme, Drive(kme_option(kme)) as sae:
        expect(sae("claim alice k2"), "error protocol", "holds key k1, not the one asked for")
        expect(sae("claim alice k1"), "ok k1 32 00010203")


@test.case("an endless answer, endless headers and a huge length are cut off")
def _(tmp):
    def endless_body(kme, request):
        request.connection.sendall(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            request.connection.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")

    def endless_headers(kme, request):
        request.connection.sendall(b"HTTP/1.1 200 X\r\n")
        while True:
            request.connection.sendall(b"X: " + b"y" * 1000 + b"\r\n")

    def many_interim(kme, request):
        while True:
            request.connection.sendall(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" * 100)

    for flood in (endless_body, endless_headers, many_interim):
        with running(flood) as kme, Drive(kme_option(kme)) as sae:
            expect(sae("take bob 256"), "error protocol", "larger than", "lost")


@test.case("status is checked field by field")
def _(tmp):
    table = [({"key_size": "256"}, "key_size"), ({"stored_key_count": -1}, "stored_key_count"),
             ({"max_key_count": 1.5}, "max_key_count"), ({"source_KME_ID": ["x"]}, "source_KME_ID"),
             ({"master_SAE_ID": "x" * 256}, "master_SAE_ID"), ({"slave_SAE_ID": "a\nb"}, "slave_SAE_ID"),
             ({"key_size": 10 ** 30}, "not JSON")]
    def bad(kme, request):
        return response(200, kme.status("bob", **table[len(kme.requests) - 1][0]))
    with running(bad) as kme, Drive(kme_option(kme)) as sae:
        for _more, part in table:
            expect(sae("status bob"), "error protocol", part)


@test.case("the own SAE ID: from the option, from status, or as the original Rust KME tells it")
def _(tmp):
    def rust(kme, request):
        if request.path == "/api/v1/sae/info/me":
            return response(200, {"SAE_ID": 3, "KME_ID": 1})
        return response(500, {"message": "no status"})
    def integers(kme, request):
        return response(200, kme.status("bob", master_SAE_ID=12))
    with running(rust) as kme, Drive(kme_option(kme)) as sae:
        assert sae("self bob") == "ok 3"
    with running(integers) as kme, Drive(kme_option(kme)) as sae:
        assert sae("self bob") == "ok 12"
    with running(lambda kme, request: response(401, b"")) as kme, Drive(kme_option(kme)) as sae:
        expect(sae("self bob"), "error denied", "own SAE ID", "set sae_id", "HTTP 401")
    with running() as kme, Drive(kme_option(kme), "sae_id=carol") as sae:
        assert sae("self bob") == "ok carol" and not kme.requests


@test.case("a KME that never answers ends in a timeout, and its key is lost")
def _(tmp):
    def silent(kme, request):
        kme.new_key()
        kme.release.wait(qvtest.TIMEOUT)
    with running(silent, None) as kmes, Drive(kme_option(*kmes), "timeout=300") as sae:
        expect(sae("take bob 256"), "error timeout", "lost")
        assert len(kmes[0].keys) == 1 and not kmes[1].requests


@test.case("a KME that accepts and says nothing is passed over after connect_timeout")
def _(tmp):
    import socket
    mute = socket.create_server(("127.0.0.1", 0))
    with running() as kme, Drive(f"kme=localhost:{mute.getsockname()[1]},{kme.address}", "connect_timeout=200") as sae:
        expect(sae("take bob 256"), "ok ")
    mute.close()


@test.case("cancel ends a call that waits, and no call starts afterwards")
def _(tmp):
    with running(lambda kme, request: kme.release.wait(qvtest.TIMEOUT) and None) as kme, Drive(kme_option(kme)) as sae:
        sae.send("threads 3 bob")
        kme.wait(lambda k: len(k.requests) == 3)
        # The driver waits for its threads: only the descriptor can be used now, through a second driver thread's pipe.
        with open(f"/proc/{sae.popen.pid}/fd/{cancel_end(sae.popen.pid)}", "wb", buffering=0) as pipe:
            pipe.write(b"x")
        for _ in range(3):
            expect(sae.answer(), "error cancelled", "lost")
        answer = sae("take bob 256")
        expect(answer, "error cancelled")
        assert "lost" not in answer and len(kme.requests) == 3


@test.case("a thread may give up its own call only")
def _(tmp):
    with running(lambda kme, request: kme.release.wait(qvtest.TIMEOUT) and None) as kme, Drive(kme_option(kme)) as sae:
        end = sae("here").split()[-1]
        sae.send("take bob 256")
        kme.wait(lambda k: len(k.requests) == 1)
        with open(f"/proc/{sae.popen.pid}/fd/{end}", "wb", buffering=0) as pipe:
            pipe.write(b"x")
        expect(sae.answer(), "error cancelled", "lost")
        expect(sae("take bob 256"), "error cancelled")
        assert len(kme.requests) == 1


def cancel_end(pid):
    """The writing end of the driver's pipe: the one FIFO among its own descriptors that can be written."""
    for fd in sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd")):
        if fd > 2 and os.readlink(f"/proc/{pid}/fd/{fd}").startswith("pipe:"):
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as info:
                if int(info.read().split("flags:")[1].split()[0], 8) & 3 == os.O_WRONLY:
                    return fd
    raise AssertionError("no pipe")


@test.case("threads have a connection each, and keep it")
def _(tmp):
    def together(kme, request):
        kme.wait(lambda k: len(k.requests) >= 8)
        with kme.seen:
            return MockKme.good(kme, request)
    with running(together) as kme, Drive(kme_option(kme)) as sae:
        for _round in range(2):
            sae.send("threads 8 bob")
            answers = {sae.answer() for _ in range(8)}
            assert len(answers) == 8 and all(a.startswith("ok ") for a in answers), answers
        assert kme.connections == 8 and len(kme.keys) == 16, (kme.connections, len(kme.keys))


@test.case("a KME with a certificate of another CA, another name or out of date gets no request")
def _(tmp):
    other = qvtest.Pki(os.path.join(tmp, "other"), name="Other CA")
    cases = [(other.issue("kme"), "self-signed certificate in certificate chain|unable to get local issuer"),
             (PKI.issue("elsewhere", san="DNS:elsewhere.example"), "elsewhere|does not match|no alternative"),
             (PKI.issue("old", not_before="200101000000Z", not_after="210101000000Z"), "expired"),
             (PKI.issue("user", usage="clientAuth"), "purpose|unsupported")]
    import re
    for (pem, key), why in cases:
        kme = MockKme(pem, key, PKI.ca)
        with Drive(kme_option(kme)) as sae:
            answer = sae("take bob 256")
            expect(answer, "error denied", "not accepted", "ca")
            assert re.search(why, answer), answer
            assert not kme.requests
        kme.stop()


@test.case("accept_invalid_kme_certificate accepts them, and warns loudly")
def _(tmp):
    other = qvtest.Pki(os.path.join(tmp, "other"), name="Other CA")
    kme = MockKme(*other.issue("kme", san="DNS:elsewhere.example"), PKI.ca)
    with Drive(kme_option(kme), "accept_invalid_kme_certificate=true", trust=False) as sae:
        expect(sae("take bob 256"), "ok ")
        assert "DANGER" in sae.end()
    kme.stop()
    with Drive("kme=x:1", "accept_invalid_kme_certificate=true") as sae:
        expect(sae.opened, "error config", "contradicts ca")


def public_key_pin(pem):
    der = qvtest.run(["sh", "-c", f"openssl x509 -in {pem} -noout -pubkey | openssl pkey -pubin -outform DER | "
                      "openssl dgst -sha256 -binary"], text=False).stdout
    return "sha256//" + base64.b64encode(der).decode()


def fingerprint(pem):
    return qvtest.run(["openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha256"]).stdout.split("=")[1].strip()


@test.case("a pinned KME certificate or public key: that one and no other, signed by whomever")
def _(tmp):
    other = qvtest.Pki(os.path.join(tmp, "other"), name="Other CA")
    pem, key = other.issue("kme", san="DNS:elsewhere.example")
    sibling, _key = other.issue("sibling")
    def pins(p):
        return [f"kme_certificate={p}", f"kme_pin={public_key_pin(p)}", f"kme_pin={fingerprint(p)}",
                f"kme_pin={fingerprint(sibling)},{fingerprint(p)}"]
    kme = MockKme(pem, key, PKI.ca)
    for pin in pins(pem):
        with Drive(kme_option(kme), pin, trust=False) as sae:
            expect(sae("take bob 256"), "ok ")
            expect(sae("take bob 256"), "ok ")
    taken = len(kme.keys)
    for pin in pins(sibling)[:3] + [f"kme_certificate={other.ca}", f"kme_certificate={PKI.ca}"]:
        with Drive(kme_option(kme), pin, trust=False) as sae:
            answer = sae("take bob 256")
            expect(answer, "error denied")
            assert "lost" not in answer, answer
    # With a CA too, both must hold.
    with Drive(kme_option(kme), pins(pem)[2]) as sae:
        expect(sae("take bob 256"), "error denied", "not accepted")
    assert len(kme.keys) == taken
    kme.stop()


@test.case("an expired certificate is refused even when it is the pinned one")
def _(tmp):
    pem, key = PKI.issue("old2", not_before="200101000000Z", not_after="210101000000Z")
    kme = MockKme(pem, key, PKI.ca)
    with Drive(kme_option(kme), f"kme_certificate={pem}", trust=False) as sae:
        expect(sae("take bob 256"), "error denied", "expired")
        assert not kme.requests
    kme.stop()


@test.case("the system's CAs do not help a KME when ca or a pin is set, and are asked without them")
def _(tmp):
    with running() as kme, Drive(kme_option(kme), trust=False) as sae:
        expect(sae("take bob 256"), "error denied", "set ca or kme_certificate")
        assert not kme.requests


@test.case("kme_id is checked before the first key is taken")
def _(tmp):
    with running(kme_id="KMEX") as kme, Drive(kme_option(kme), "kme_id=KMEA") as sae:
        expect(sae("take bob 256"), "error denied", 'names itself "KMEX"', '"KMEA"')
        expect(sae("claim alice k"), "error denied", "KMEX")
        expect(sae("status bob"), "error denied", "KMEX")
        assert all(p.endswith("/status") for p in kme.paths)
    with running() as kme, Drive(kme_option(kme), "kme_id=KMEA") as sae:
        expect(sae("take bob 256"), "ok ")
        expect(sae("take bob 256"), "ok ")
        assert [p.rsplit("/")[-1] for p in kme.paths] == ["status", "enc_keys", "enc_keys"]
    with running(None, kme_id="KMEX") as bad, running(None) as good:
        with Drive(kme_option(bad, good), "kme_id=KMEA") as sae:
            expect(sae("take bob 256"), "ok ")
            assert len(good.keys) == 1 and not bad.keys


@test.case("a KME that refuses our certificate is told apart, and no key is lost")
def _(tmp):
    other = qvtest.Pki(os.path.join(tmp, "other"), name="Other CA")
    pem, key = other.issue("mallory")
    with running() as kme:
        with Drive(kme_option(kme), f"certificate={pem}", f"private_key={key}", identity=False) as sae:
            answer = sae("take bob 256")
            expect(answer, "error denied", "refuses our certificate", pem)
            assert "lost" not in answer, answer
        assert not kme.requests


@test.case("no key text stays in the memory of the process")
def _(tmp):
    with running() as kme, Drive(kme_option(kme)) as sae:
        for _ in range(3):
            expect(sae("take bob 2048"), "ok ")
        expect(sae(f"claim alice {next(iter(kme.keys))}"), "ok ")
        for key in kme.keys.values():
            for form in (key[8:40], base64.b64encode(key)[16:56]):
                masked = bytes(b ^ 0x5a for b in form).hex()
                found = sae("scan " + masked)
                assert found == "ok 0", found


@test.case("configurations that cannot work are refused at open")
def _(tmp):
    empty = os.path.join(tmp, "empty")
    open(empty, "w", encoding="ascii").close()
    table = [
        (["kme=http://localhost:1"], "is not https"), (["kme=a b"], "no address"), (["kme=localhost:99999"], "no address"),
        (["kme=https://me@localhost"], "more than host, port and path"), (["kme=https://localhost/?x"], "more than"),
        (["kme=" + ",".join(["x:1"] * 17)], "17 addresses"), (["kme=x:1", "kme_pin=00"], "a pin is"),
        (["kme=x:1", "kme_pin=sha256//AAAA"], "44 base64"), (["kme=x:1", f"kme_certificate={PKI.ca}"], "set too"),
        (["kme=x:1", "timeout=0"], "from 1 to 600000"), (["kme=x:1", "kme_id="], "1 to 255 bytes"),
        (["kme=x:1", f"password_file={tmp}/none"], "No such file"),
    ]
    for options, part in table:
        with Drive(*options) as sae:
            expect(sae.opened, "error config", part)
    with Drive("kme=x:1", f"kme_certificate={SAE[1]}", trust=False) as sae:
        expect(sae.opened, "error config", "no certificate")
    with Drive("kme=x:1", f"certificate={empty}", identity=False) as sae:
        expect(sae.opened, "error config", "is empty")
    with Drive("kme=x:1", f"certificate={PFX}", f"private_key={SAE[1]}", identity=False) as sae:
        expect(sae.opened, "error config", "not PEM")
    with Drive("kme=x:1", f"certificate={tmp}/none", identity=False) as sae:
        expect(sae.opened, "error config", "No such file")
    with Drive(identity=False) as sae:
        expect(sae.opened, "error config", "kme: missing")


@test.case("it passes the conformance suite of key sources")
def _(tmp):
    def exact(kme, request):
        if request.path.endswith("enc_keys"):
            size = request.json().get("size", 256)
            if not 64 <= size <= 1024:
                return response(400, {"message": "size is out of range"})
        with kme.seen:
            return MockKme.good(kme, request)
    with running(exact) as kme:
        for name in ("alice", "bob"):
            with open(os.path.join(tmp, name), "w", encoding="utf-8") as f:
                f.write(f'kme = "{kme.address}"; certificate = "{SAE[0]}"; private_key = "{SAE[1]}"; ca = "{PKI.ca}";\n')
        done = qvtest.run(["qvisio-module", "check", "keysource/etsi014", "--peer", "bob", "--config",
                           os.path.join(tmp, "alice"), "--peer-config", os.path.join(tmp, "bob")], check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        skips = [line for line in done.stdout.splitlines() if "# SKIP" in line]
        assert len(skips) <= 2, done.stdout


test.run()
