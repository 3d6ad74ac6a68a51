# SPDX-License-Identifier: Apache-2.0
"""A KME for one fault at a time: right by default, in one process, keys in memory.

    stub = StubKme(pki_folder, Fault(...))     # listens on stub.port until stub.close()

It stands for the KMEs of master and slave alike. SAEs are known by the serial numbers of their certificates: 11 is the
master, 12 the slave, 13 has no part, 14 is an additional slave.
"""

import base64
import json
import os
import socket
import ssl
import threading
import urllib.parse
import uuid
import warnings

SAES = {"11", "12", "13", "14"}
KEY_SIZE, MIN_SIZE, MAX_SIZE, PER_REQUEST, STOCK, ADDITIONAL = 256, 64, 1024, 8, 120, 1
BODY_MAX = 1 << 20
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"

SIZE_MESSAGE = "size shall be a multiple of 8"
MANDATORY_MESSAGE = "not all extension_mandatory parameters are supported"
NOT_FOUND_MESSAGE = "one or more keys specified are not found on KME"


class Request:
    """`what` is status, enc_keys or dec_keys; `other` the SAE ID in the path; `text` the body, or None for GET."""

    def __init__(self, caller, method, what, other, params, text):
        self.caller, self.method, self.what, self.other = caller, method, what, other
        self.params, self.text = params, text

    def json(self):
        try:
            return json.loads(self.text) if self.text else None
        except (ValueError, RecursionError):
            return None

    def edit(self, change):
        """Changes the object in the body, if there is one."""
        body = self.json()
        if isinstance(body, dict):
            change(body)
            self.text = json.dumps(body)


class Answer(Exception):
    """Also raised, by whatever ends a request early. `body`: something for JSON, bytes, or None for none."""

    def __init__(self, status, body=None, **headers):
        super().__init__(status)
        self.status, self.body = status, body
        self.headers = {"Content-Type": "application/json", "Cache-Control": "no-store", **headers}


def error(status, message, details=None, **headers):
    return Answer(status, {"message": message, **({"details": details} if details else {})}, **headers)


class Fault:
    """What is wrong, and the numbers of the checks that must notice.

    before(kme, request) may change the request or return an Answer; after(kme, request, answer) may change the answer;
    `switches` are names that the code below asks for; tls(context) changes the server's TLS.
    """

    def __init__(self, name, fails, *, before=None, after=None, tls=None, only=None, certificate=None, switches=(),
                 status=None):
        self.name, self.fails = name, fails.split()
        self.before, self.after, self.tls, self.only, self.certificate = before, after, tls, only, certificate
        self.switches, self.status = frozenset(switches), status or {}


class Key:
    def __init__(self, value, master, slaves):
        self.value, self.master, self.slaves = value, master, set(slaves)
        self.named = frozenset(slaves)


def whole(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class Logic:
    """The API without its transport."""

    def __init__(self, fault):
        self.fault = fault
        self.lock = threading.Lock()
        self.keys = {}
        self.stored = STOCK
        self.memory = {}  # for faults
        self.default_size = fault.status.get("key_size", KEY_SIZE)
        self.size_limits = MIN_SIZE, MAX_SIZE

    def has(self, switch):
        return switch in self.fault.switches

    def handle(self, request):
        with self.lock:
            try:
                answer = self.fault.before(self, request) if self.fault.before else None
                if answer is None:
                    answer = self.route(request)
            except Answer as early:
                answer = early
            if self.fault.after:
                self.fault.after(self, request, answer)
            return answer

    def route(self, request):
        if request.what not in ("status", "enc_keys", "dec_keys"):
            return error(404, "no such resource")
        methods = "GET" if request.what == "status" else "GET, POST"
        if request.method not in methods.split(", "):
            return error(405, "method not allowed", Allow=methods)
        return getattr(self, request.what)(request)

    def check_other(self, request):
        if request.other not in SAES:
            raise error(400, "unknown SAE", [{"SAE_ID": request.other}])

    def status(self, request):
        self.check_other(request)
        return Answer(200, {
            "source_KME_ID": "KME-S", "target_KME_ID": "KME-S", "master_SAE_ID": request.caller,
            "slave_SAE_ID": request.other, "key_size": KEY_SIZE, "stored_key_count": self.stored,
            "max_key_count": STOCK, "max_key_per_request": PER_REQUEST, "max_key_size": MAX_SIZE,
            "min_key_size": MIN_SIZE, "max_SAE_ID_count": ADDITIONAL, **self.fault.status})

    @staticmethod
    def object(request):
        try:
            body = json.loads(request.text)
        except (ValueError, RecursionError) as why:
            raise error(400, "no JSON") from why
        if not isinstance(body, dict):
            raise error(400, "no object")
        return body

    def wanted(self, request):
        """The key request with its defaults."""
        if request.text is None:
            for name in request.params:
                if not request.params[name].isdecimal():
                    raise error(400, f"{name} is no number")
            body = {name: int(value) for name, value in request.params.items()}
        else:
            body = self.object(request) if request.text else {}
        for name in ("number", "size"):
            if name in body and not whole(body[name]):
                raise error(400, f"{name} is no number")
        for name in ("additional_slave_SAE_IDs", "extension_mandatory", "extension_optional"):
            if not isinstance(body.get(name, []), list):
                raise error(400, f"{name} is no array")
        return {"number": 1, "size": self.default_size, "additional_slave_SAE_IDs": [], **body}

    def enc_keys(self, request):
        self.check_other(request)
        wanted = self.wanted(request)
        number, size, more = wanted["number"], wanted["size"], wanted["additional_slave_SAE_IDs"]
        if wanted.get("extension_mandatory"):
            raise error(400, MANDATORY_MESSAGE)
        if len(more) > ADDITIONAL or any(sae not in SAES for sae in more if isinstance(sae, str)) or \
                any(not isinstance(sae, str) for sae in more):
            raise error(400, "additional_slave_SAE_IDs cannot be served")
        if size % 8:
            raise error(400, SIZE_MESSAGE)
        low, high = self.size_limits
        if "size" in (self.object(request) if request.text else request.params) and not low <= size <= high:
            raise error(400, "size is outside the limits", [{"min_key_size": low}])
        if not 1 <= number <= PER_REQUEST:
            raise error(400, "number is outside the limits")
        return self.issue(request, number, size // 8, more)

    def issue(self, request, number, size, more):
        if number > self.stored:
            if self.has("short list"):
                number = self.stored
            else:
                self.stored = 0 if self.has("loses keys on shortage") else self.stored
                raise error(503, "not enough keys", [{"stored_key_count": self.stored}])
        self.stored -= number
        return self.container([self.make(request.caller, [request.other, *more], size) for _ in range(number)])

    def make(self, master, slaves, size):
        value = self.fault.key(size) if hasattr(self.fault, "key") else os.urandom(size)
        name = self.fault.key_id(value) if hasattr(self.fault, "key_id") else str(uuid.uuid4())
        self.keys[name] = Key(value, master, slaves)
        return name, value

    @staticmethod
    def container(pairs):
        return Answer(200, {"keys": [{"key_ID": name, "key": base64.b64encode(value).decode()}
                                     for name, value in pairs]})

    def ids(self, request):
        if request.text is None:
            if "key_ID" not in request.params:
                raise error(400, "key_ID is missing")
            return [request.params["key_ID"]]
        ids = self.object(request).get("key_IDs")
        if not isinstance(ids, list) or not ids:
            raise error(400, "key_IDs is no array")
        for entry in ids:
            if not isinstance(entry, dict) or not isinstance(entry.get("key_ID"), str):
                raise error(400, "key_IDs has an entry without a key_ID")
        return [entry["key_ID"] for entry in ids]

    def dec_keys(self, request):
        ids = self.ids(request)
        keys = [self.keys.get(name) for name in ids]
        found = [(name, key) for name, key in zip(ids, keys) if key and self.finds(request, key)]
        entitled = [key for _, key in found if request.caller in key.named]
        if self.has("serves others") or (self.has("serves masters") and request.caller == request.other):
            entitled = [key for _, key in found]
        if found and len(entitled) < len(found):
            if self.has("others use keys up"):
                for _, key in found:
                    key.slaves.clear()
            raise Answer(401)
        if len(found) < len(ids) and not (self.has("partial lists") and found):
            if self.has("refusals use keys up"):
                for _, key in found:
                    key.slaves.clear()
            raise error(400, NOT_FOUND_MESSAGE)
        for _, key in found:
            if not self.has("keeps after " + request.method) or len(key.named) > 1:
                key.slaves.discard(request.caller)
        return self.container([(name, key.value) for name, key in found])

    def finds(self, request, key):
        if key.master != request.other and not self.has("any master"):
            return False
        return request.caller in key.slaves or request.caller not in key.named


class StubKme:
    def __init__(self, folder, fault):
        self.fault, self.logic = fault, Logic(fault)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        base = os.path.join(folder, fault.certificate or "stub")
        self.context.load_cert_chain(base + ".pem", base + ".key")
        self.context.load_verify_locations(os.path.join(folder, "ca.pem"))
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.num_tickets = 0
        if fault.tls:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of old versions, which is what the fault is about
                fault.tls(self.context)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listener.settimeout(None)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, plain):
        plain.settimeout(30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with plain:
                first = plain.recv(1, socket.MSG_PEEK)
                if first == b"\x16" and not self.logic.has("no TLS"):
                    with self.context.wrap_socket(plain, server_side=True) as tls:
                        while self.exchange(tls, self.caller(tls)):
                            pass
                elif first != b"\x16" and self.logic.has("plain HTTP"):
                    self.exchange(plain, "11")
        except OSError:
            pass

    def caller(self, tls):
        certificate = tls.getpeercert()
        return str(int(certificate["serialNumber"], 16)) if certificate else "11"

    def exchange(self, connection, caller):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        too_large = length > BODY_MAX and not self.logic.has("huge bodies")
        while len(body) < length:
            more = connection.recv(65536)
            if not more:
                return False
            body += b"" if too_large else more
            length -= len(more) if too_large else 0
        answer = error(413, "too large") if too_large else self.answer(caller, method, target, body)
        if answer.status == 0:  # a fault: no HTTP, but whatever bytes there are
            connection.sendall(answer.body or b"")
            return False
        self.send(connection, answer)
        return not too_large

    def answer(self, caller, method, target, body):
        parts = urllib.parse.urlsplit(target)
        segments = parts.path.split("/")
        text = None if method == "GET" else body.decode("utf-8", "replace")
        if len(segments) != 6 or segments[:4] != ["", "api", "v1", "keys"]:
            return self.logic.handle(Request(caller, method, None, None, {}, text))
        other = segments[4] if self.logic.has("raw paths") else urllib.parse.unquote(segments[4])
        request = Request(caller, method, segments[5], other, dict(urllib.parse.parse_qsl(parts.query)), text)
        return self.logic.handle(request)

    @staticmethod
    def send(connection, answer):
        body = answer.body
        if body is None:
            body = b""
            answer.headers.pop("Content-Type", None)
        elif not isinstance(body, bytes):
            body = json.dumps(body).encode()
        lines = [f"HTTP/1.1 {answer.status} X", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
