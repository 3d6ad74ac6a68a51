# SPDX-License-Identifier: Apache-2.0
"""What a client can send or withhold: it gets an Error body, and nobody else notices."""

import json
import os
import signal
import socket
import ssl

import qvkme
import qvtest

test = qvtest.Test(__file__)

ENC = "/api/v1/keys/12/enc_keys"
DEC = "/api/v1/keys/11/dec_keys"

NO_JSON = [b"{", b"}", b"\x00", b"{}{}", b"{'number': 1}", b'{"number": 01}', b'{"number": 1,}', b'{"number": NaN}',
           b'{"number": 1} x', b'{"\xff": 1}', b'{"a\x00b": 1}', b'{"a\\u0000": 1}', b'{"number": 1, "number": 2}',
           b'{"\\ud800": 1}', b"\xef\xbb\xbf{}", b"[" * 60000, b'{"a":' * 10000, b'{"number": 1e999}',
           b'{"number": 99999999999999999999999}', b"<xml/>", b"number=1", bytes(range(256)) * 8]
NO_OBJECT = [b"[]", b"[1]", b"[{}]"]
NO_REQUEST = [b"1", b'"x"', b"null", b"true"]


def raw_exchange(pair, data):
    """Sends bytes over TLS as SAE 11 and returns what comes until the KME closes."""
    with socket.create_connection(("127.0.0.1", pair.a.sae_port), timeout=qvtest.TIMEOUT) as plain:
        with pair.a.context("sae-11").wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(data)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
            except (ssl.SSLError, ConnectionError):
                pass
            return answer


@test.case("a table of malformed JSON gets 400 with an Error body and takes no key")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=20)
    pair.a.wait_stock("11", "12", 20)
    connection = pair.a.connect("11")
    for path in (ENC, "/api/v1/keys/12/dec_keys"):
        for body in NO_JSON + NO_OBJECT + NO_REQUEST:
            status, error, _ = pair.a.call("11", "POST", path, body, connection=connection)
            assert status == 400 and error["message"].startswith("the request body is no JSON"), (path, body[:40], status,
                                                                                                  error)
    for body in ({}, {"key_IDs": []}, {"key_IDs": {}}, {"key_IDs": [[]]}, {"key_IDs": ["x"]}, {"key_IDs": [{}]},
                 {"key_IDs": [{"key_ID": 5}]}, {"key_IDs": [{"key_ID": "x"}] * 129}, {"key_IDs": None}, None):
        status, error, _ = pair.a.call("11", "POST", "/api/v1/keys/12/dec_keys", body, connection=connection)
        assert status == 400 and error["message"], (body, status, error)
    assert pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"] == 20


@test.case("a body that is too large gets 413, announced or chunked, and the limit itself is fine")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, sae_extra="  max_body = 2000;\n")
    fitting = json.dumps({"number": 1, "x": ""})
    fitting = json.dumps({"number": 1, "x": "y" * (2000 - len(fitting))})
    assert pair.a.call("11", "POST", ENC, fitting)[0] == 200
    status, error, _ = pair.a.call("11", "POST", ENC, fitting + " ")
    assert status == 413 and error["details"] == [{"max_bytes": "2000"}], (status, error)
    connection = pair.a.connect("11")
    connection.request("POST", ENC, body=(b"x" * 500 for _ in range(20)), encode_chunked=True,
                       headers={"Transfer-Encoding": "chunked"})
    answer = connection.getresponse()
    assert answer.status == 413 and json.loads(answer.read())["message"]
    answer = raw_exchange(pair, f"POST {ENC} HTTP/1.1\r\nHost: x\r\nContent-Length: {10 ** 21}\r\n\r\n".encode())
    assert b" 413 " in answer[:20], answer
    assert pair.a.call("11", "GET", ENC)[0] == 200


@test.case("garbage instead of HTTP, endless headers and odd targets end a connection, never the KME")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, sae_extra="  idle_timeout = 2;\n")
    for data in (b"\r\n\r\n\r\n", os.urandom(2000), b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                 b"GET " + b"/" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 100000 + b"\r\n\r\n",
                 b"GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 b"GET http://x/api HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 b"GET /?" + b"&".join(b"a=%d" % i for i in range(40)) +
                 b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 b"POST " + ENC.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"):
        answer = raw_exchange(pair, data)
        assert not answer or answer.startswith(b"HTTP/1."), (data[:40], answer[:80])
        assert b" 200 " not in answer[:20], (data[:40], answer[:80])
    assert pair.a.call("11", "GET", ENC)[0] == 200


def silent_clients(pair):
    """Connections without a handshake, in the midst of one, and in the midst of a request."""
    silent = [socket.create_connection(("127.0.0.1", pair.a.sae_port)) for _ in range(175)]
    for client in silent[150:]:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    begun = []
    for _ in range(25):
        plain = socket.create_connection(("127.0.0.1", pair.a.sae_port))
        client = pair.a.context("sae-11").wrap_socket(plain, server_hostname="localhost")
        client.sendall(b"POST " + ENC.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        begun.append(client)
    return silent, begun


@test.case("200 silent clients, some in the midst of a handshake or a request, do not hold up another")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    silent, begun = silent_clients(pair)
    assert pair.a.call("11", "GET", ENC)[0] == 200
    # They are still there: the answer did not wait for their end.
    for client in silent:
        client.setblocking(False)
        try:
            assert client.recv(1) == b"never", "closed before the answer"
        except BlockingIOError:
            pass
    for client in silent + begun:
        client.close()


@test.case("silent clients are ended after idle_timeout")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, sae_extra="  idle_timeout = 3;\n")
    silent, begun = silent_clients(pair)
    for client in silent + begun:
        client.settimeout(qvtest.TIMEOUT)
        try:
            while client.recv(4096):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        client.close()
    assert pair.a.call("11", "GET", ENC)[0] == 200


@test.case("a peer that does not answer holds up only those who need it")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, timeout=60000, saes_a='{ id = "13"; certificate_serial = "13"; }')
    pair.pki.issue("sae-13", serial=13, usage="clientAuth")
    pair.b.process.signal(signal.SIGSTOP)
    waiting = []
    for _ in range(8):
        client = pair.a.connect("11")
        client.request("GET", ENC)
        waiting.append(client)
    assert pair.a.call("11", "GET", "/api/v1/keys/13/enc_keys")[0] == 200
    pair.b.process.signal(signal.SIGCONT)
    for client in waiting:
        assert client.getresponse().status == 200


test.run()
