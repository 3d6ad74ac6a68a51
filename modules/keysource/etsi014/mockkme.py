# SPDX-License-Identifier: Apache-2.0
"""A KME that misbehaves as it is told, for faults that a working one cannot be made to show.

It runs in the test's own process, so that a test can count what it saw: connections, requests, keys given out."""

import base64
import json
import os
import re
import socket
import ssl
import threading


class Request:
    def __init__(self, method, path, body, connection):
        self.method, self.path, self.body, self.connection = method, path, body, connection

    def json(self):
        return json.loads(self.body)


class MockKme:
    """`answer(kme, request)` returns the bytes of the whole response, or None to close without one."""

    def __init__(self, certificate, key, ca, answer=None, kme_id="KMEA", require_client=True):
        self.answer = answer or MockKme.good
        self.kme_id = kme_id
        self.connections = 0
        self.requests = []
        self.keys = {}  # key_ID -> bytes, as given out by enc_keys
        self.claimed = []
        self.seen = threading.Condition()
        self.release = threading.Event()  # for answers that wait
        self._sockets = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        if require_client:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(ca)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(None)
        self.port = self._listener.getsockname()[1]
        self.address = f"localhost:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            with self.seen:
                self.connections += 1
                self._sockets.append(raw)
                self.seen.notify_all()
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        raw.settimeout(None)
        try:
            with self._context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False) as connection:
                self._sockets.append(connection)
                try:
                    connection.do_handshake()
                except ssl.SSLError:
                    self._drain(connection)
                    raise
                while self._one(connection):
                    pass
        except (OSError, ssl.SSLError, ValueError):
            pass

    @staticmethod
    def _drain(connection):
        """Lets the alert arrive: closing with unread input would send a reset that overtakes it."""
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    def _one(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        while len(body) < int(length.group(1) if length else 0):
            more = connection.recv(65536)
            if not more:
                return False
            body += more
        method, path = head.split(b" ")[:2]
        request = Request(method.decode(), path.decode(), body, connection)
        with self.seen:
            self.requests.append(request)
            self.seen.notify_all()
        response = self.answer(self, request)
        if response is None:
            return False
        connection.sendall(response)
        return True

    def wait(self, condition):
        with self.seen:
            if not self.seen.wait_for(lambda: condition(self), timeout=60):
                raise AssertionError(f"the KME saw {[r.path for r in self.requests]}")

    def close_connections(self):
        """Closes what is open, as a KME does with idle connections."""
        for s in self._sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        self._sockets.clear()

    def stop(self):
        self.release.set()
        # close() alone leaves a thread in accept(), and the port open.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.close_connections()

    @property
    def paths(self):
        return [r.path for r in self.requests]

    # Answers

    def new_key(self, size=256):
        key_id = "%08x-0000-4000-8000-%012x" % (len(self.keys), self.port)
        self.keys[key_id] = os.urandom(size // 8)
        return key_id

    def container(self, key_id):
        return {"keys": [{"key_ID": key_id, "key": base64.b64encode(self.keys[key_id]).decode()}]}

    def status(self, peer, **more):
        return {"source_KME_ID": self.kme_id, "target_KME_ID": "KMEB", "master_SAE_ID": "alice", "slave_SAE_ID": peer,
                "key_size": 256, "stored_key_count": 1000, "max_key_count": 5000, "max_key_per_request": 10,
                "max_key_size": 1024, "min_key_size": 64, "max_SAE_ID_count": 0, **more}

    def good(self, request):
        kind = request.path.rsplit("/", 1)[1]
        if kind == "status":
            return response(200, self.status(request.path.split("/")[4]))
        if kind == "enc_keys":
            return response(200, self.container(self.new_key(request.json().get("size", 256))))
        if kind == "dec_keys":
            key_id = request.json()["key_IDs"][0]["key_ID"]
            if key_id not in self.keys or key_id in self.claimed:
                return response(400, {"message": "one or more keys specified are not found on KME"})
            self.claimed.append(key_id)
            return response(200, self.container(key_id))
        return response(404, {"message": "no such resource"})


def response(status, body, headers=()):
    """Bytes of a response; `body` is bytes or something for JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
