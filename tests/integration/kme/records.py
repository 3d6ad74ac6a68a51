# SPDX-License-Identifier: Apache-2.0
"""Requests reach the KME whatever way they are cut into TLS records and packets: none is left lying unanswered."""

import json
import socket
import ssl

import qvkme
import qvtest

test = qvtest.Test(__file__)

ME = "/api/v1/sae/info/me"
QUICK = f"GET {ME} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
# Answered by a worker thread: its connection is suspended meanwhile.
SLOW = b"GET /api/v1/keys/12/enc_keys HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Wire:
    """A connection whose records are made first and sent as the test likes."""

    def __init__(self, kme, version=None, first=b""):
        context = kme.context("sae-11")
        if version:
            context.maximum_version = version
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.socket = socket.create_connection(("127.0.0.1", kme.sae_port), timeout=qvtest.TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.text = b""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                self.incoming.write(self.socket.recv(16384))
        # With the client's last message of the handshake.
        if first:
            self.tls.write(first)
        self.socket.sendall(self.outgoing.read())

    def records(self, *texts):
        """One record for each text."""
        for text in texts:
            self.tls.write(text)
        return self.outgoing.read()

    def read(self):
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                got = self.socket.recv(65536)
                if not got:
                    raise EOFError("the connection ended") from None
                self.incoming.write(got)

    def answers(self, count):
        """(status, JSON) of as many answers, in turn."""
        found = []
        while len(found) < count:
            head, end, rest = self.text.partition(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) if end else 0
            if end and len(rest) >= size:
                found.append((int(head.split()[1]), json.loads(rest[:size])))
                self.text = rest[size:]
            else:
                self.text += self.read()
        return found

    def close(self):
        self.socket.close()


VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
OWN = (200, {"SAE_ID": 11})


@test.case("many requests in one packet, a record each or all in one record, quick ones and slow ones, are all answered")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    for version in VERSIONS:
        wire = Wire(pair.a, version)
        wire.socket.sendall(wire.records(*[QUICK] * 100))
        assert wire.answers(100) == [OWN] * 100
        wire.socket.sendall(wire.records(QUICK * 50))
        assert wire.answers(50) == [OWN] * 50
        wire.socket.sendall(wire.records(*[QUICK, SLOW] * 20))
        found = wire.answers(40)
        assert found[0::2] == [OWN] * 20
        assert len({answer["keys"][0]["key_ID"] for status, answer in found[1::2] if status == 200}) == 20
        wire.close()


@test.case("records torn at every byte, and packets that end in the middle of a record, are put together")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    for version in VERSIONS:
        wire = Wire(pair.a, version)
        for byte in wire.records(QUICK, SLOW):
            wire.socket.sendall(bytes([byte]))
        found = wire.answers(2)
        assert found[0] == OWN and found[1][0] == 200
        # Around the sizes that are read at once: each piece ends elsewhere in a record.
        for size in (1023, 1024, 1025, 1500):
            text = wire.records(*[QUICK] * 40)
            for start in range(0, len(text), size):
                wire.socket.sendall(text[start:start + size])
            assert wire.answers(40) == [OWN] * 40
        wire.close()


@test.case("a request that comes with the end of the handshake is answered, and so is the last one before the end")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    for request in (QUICK, SLOW):
        wire = Wire(pair.a, first=request)
        assert wire.answers(1)[0][0] == 200
        wire.socket.sendall(wire.records(request, request))
        wire.socket.shutdown(socket.SHUT_WR)
        assert [status for status, _ in wire.answers(2)] == [200, 200]
        # Not kept until it has been idle for long.
        try:
            assert wire.read() == b""
        except (EOFError, ssl.SSLError):
            pass
        wire.close()


@test.case("a long body in records of every kind is read whole")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    taken = pair.a.call("11", "POST", "/api/v1/keys/12/enc_keys", {"number": 100})[1]["keys"]
    wire = Wire(pair.a)
    body = json.dumps({"key_IDs": [{"key_ID": key["key_ID"]} for key in taken]}).encode()
    head = (f"POST /api/v1/keys/11/dec_keys HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    for size in (1, 700, 1024, 4096, len(body)):
        pieces = [body[start:start + size] for start in range(0, len(body), size)]
        wire.socket.sendall(wire.records(head, *pieces) + wire.records(QUICK))
        found = wire.answers(2)
        # They were made for SAE 12.
        assert found[0][0] in (400, 401) and found[1] == OWN, found
    wire.close()


test.run()
