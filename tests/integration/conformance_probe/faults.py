# SPDX-License-Identifier: Apache-2.0
"""One thing wrong in each, and which checks must notice: at least one fault for every check."""

import base64
import hashlib
import json
import os
import ssl
import uuid

from stub_kme import ADDITIONAL, KEY_SIZE, MAX_SIZE, MIN_SIZE, PER_REQUEST, SAES, UNKNOWN_ID, Answer, Fault, error

OTHER_SIZE = KEY_SIZE - 8  # what the probe asks for to see whether size is obeyed
ODD_SIZE = KEY_SIZE + 1
NO_JSON = '{"number":1'


# What is done to requests before they are handled.

def lenient(name, wrong):
    """Takes a member out of a key request when wrong(value), instead of refusing it."""
    def before(_, request):
        if request.what == "enc_keys":
            request.edit(lambda body: body.pop(name) if name in body and wrong(body[name]) else None)
    return before


def lenient_parameter(name, wrong):
    def before(_, request):
        if request.what == "enc_keys" and request.text is None and wrong(request.params.get(name, "1")):
            del request.params[name]
    return before


def refuse(match, answer=lambda: error(400, "no")):
    def before(_, request):
        return answer() if match(request) else None
    return before


def enc(method, match=lambda body: True):
    """Whether a request is for enc_keys by this method with such a body or parameters."""
    def matches(request):
        return request.what == "enc_keys" and request.method == method and \
            match(request.params if method == "GET" else request.json())
    return matches


def change(match, edit):
    def before(_, request):
        if match(request):
            edit(request)
    return before


def drop(*names):
    def edit(request):
        for name in names:
            request.params.pop(name, None)
            request.edit(lambda body, name=name: body.pop(name, None))
    return edit


def put(name, value):
    return lambda request: request.edit(lambda body: body.update({name: value}))


def set_text(text):
    def edit(request):
        request.text = text
    return edit


def set_other(sae):
    def edit(request):
        request.other = sae
    return edit


# What is done to answers.

def answered(what, status, edit, match=lambda request: True):
    def after(_, request, answer):
        if request.what == what and answer.status == status and match(request):
            edit(answer)
    return after


def refused(edit, match=lambda request: True):
    def after(_, request, answer):
        if answer.status == 400 and match(request):
            edit(answer)
    return after


def typed(content_type):
    return lambda answer: answer.headers.update({"Content-Type": content_type})


def bodied(body):
    def edit(answer):
        answer.body = body
    return edit


def with_status(status):
    def edit(answer):
        answer.status = status
    return edit


def without(name):
    return lambda answer: answer.body.pop(name)


def with_member(name, value):
    return lambda answer: answer.body.update({name: value})


def each_key(edit):
    def on_answer(answer):
        for entry in answer.body["keys"]:
            edit(entry)
    return on_answer


def other_key(answer):
    answer.body["keys"][0]["key"] = base64.b64encode(os.urandom(KEY_SIZE // 8)).decode()


def second_as_first(name):
    def edit(answer):
        answer.body["keys"][1][name] = answer.body["keys"][0][name]
    return edit


def wrong_first(kme, request, answer):
    """The first key that is claimed by POST and has one slave comes out wrong."""
    if request.what == "dec_keys" and request.method == "POST" and answer.status == 200 and \
            len(kme.keys[answer.body["keys"][0]["key_ID"]].named) == 1 and not kme.memory.get("done"):
        kme.memory["done"] = True
        other_key(answer)


def additional_differs(_, request, answer):
    if request.what == "dec_keys" and request.caller == "14" and answer.status == 200:
        other_key(answer)


def dec(method, text):
    """Requests for dec_keys with this in their body, or in their parameters."""
    def matches(request):
        return request.what == "dec_keys" and request.method == method and \
            text in (request.text if method == "POST" else json.dumps(request.params))
    return matches


def key_ids(match):
    """Requests for dec_keys whose body has such key_IDs."""
    def matches(request):
        body = request.json()
        return request.what == "dec_keys" and isinstance(body, dict) and match(body.get("key_IDs"))
    return matches


def entries(match):
    return key_ids(lambda ids: isinstance(ids, list) and len(ids) == 1 and match(ids[0]))


def unsupported(answer):
    answer.status = 500


def makes(name, **functions):
    """A fault in how keys or key_IDs are made."""
    fault = Fault(name, functions.pop("fails"))
    for attribute, function in functions.items():
        setattr(fault, attribute, function)
    return fault


def only_version(version, forbidden=0):
    def tls(context):
        context.minimum_version = version
        context.options |= forbidden
        context.set_ciphers("ALL:@SECLEVEL=0")
    return tls


def old_only(context):
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")


def set_verify(mode):
    return lambda context: setattr(context, "verify_mode", mode)


def at_most_1_2(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2


USERS_OF_STATUS = "5.2,5.3,6.1,6.2,6.5"  # clauses whose checks look at it


def broken_status(check, name, *values):
    """Faults in one member of Status: missing, and with each of the values."""
    yield Fault(f"Status without {name}", check, after=answered("status", 200, without(name)), only=USERS_OF_STATUS)
    for value in values:
        yield Fault(f"Status with {name} = {value!r}", check, after=answered("status", 200, with_member(name, value)),
                    only=USERS_OF_STATUS)


def uuid_of(data):
    return str(uuid.UUID(bytes=data[:16]))


def is_text(value):
    return isinstance(value, str)


def negative(value):
    return isinstance(value, int) and value < 0


def absent(name):
    return lambda body: isinstance(body, dict) and name not in body


def counting(number, sized):
    """A body or parameters with this number, with or without a size."""
    return lambda body: isinstance(body, dict) and str(body.get("number")) == str(number) and ("size" in body) == sized


def sizing(size, numbered=False):
    return lambda body: isinstance(body, dict) and str(body.get("size")) == str(size) and \
        ("number" in body) == numbered


def unknown_sae(what):
    return lambda request: request.what == what and request.other not in SAES


def repeated(request):
    return request.what == "dec_keys" and request.caller == "12" and UNKNOWN_ID not in (request.text or "")


TRANSPORT = [
    Fault("speaks no TLS at all", "5.1-01", switches=["no TLS"]),
    Fault("speaks nothing newer than TLS 1.1", "5.1-01 5.1-03", tls=old_only),
    Fault("has a certificate of another CA", "5.1-02", certificate="other/stub"),
    Fault("has a certificate for another host", "5.1-02", certificate="elsewhere"),
    Fault("speaks TLS 1.1 too", "5.1-03", tls=only_version(ssl.TLSVersion.TLSv1_1)),
    Fault("speaks TLS 1.0 too", "5.1-04", tls=only_version(ssl.TLSVersion.TLSv1, ssl.OP_NO_TLSv1_1)),
    Fault("answers without TLS", "5.1-05", switches=["plain HTTP"]),
    Fault("lets clients come without a certificate", "5.1-06", tls=set_verify(ssl.CERT_OPTIONAL)),
    Fault("looks at no certificate", "5.1-06 5.1-07", tls=set_verify(ssl.CERT_NONE), only="5.1"),
]

STATUS = [
    Fault("Status is refused", "5.2-01", before=refuse(lambda r: r.what == "status" and r.method == "GET" and r.other == "12", lambda: error(503, "no"))),
    Fault("Status is an array", "5.2-01", after=answered("status", 200, bodied([]))),
    Fault("Status is no JSON", "5.2-01", after=answered("status", 200, bodied(b"{"))),
    Fault("Status is text/html", "5.2-02", after=answered("status", 200, typed("text/html"))),
    Fault("percent-encoded IDs are not decoded", "5.2-03", switches=["raw paths"]),
    Fault("an unknown SAE has a Status", "5.2-04", before=change(unknown_sae("status"), set_other("12"))),
    *broken_status("6.1-01", "source_KME_ID", 5, ""),
    *broken_status("6.1-02", "target_KME_ID", None),
    *broken_status("6.1-03", "master_SAE_ID", 11, "12"),
    *broken_status("6.1-04", "slave_SAE_ID", "13"),
    *broken_status("6.1-05", "key_size", 0),
    *broken_status("6.1-06", "stored_key_count", "60"),
    *broken_status("6.1-07", "max_key_count", -1),
    *broken_status("6.1-08", "max_key_per_request", 0),
    *broken_status("6.1-09", "max_key_size", 1024.0),
    *broken_status("6.1-10", "min_key_size", "64"),
    *broken_status("6.1-11", "max_SAE_ID_count", None),
    Fault("status_extension is a string", "6.1-12", after=answered("status", 200, with_member("status_extension", "x"))),
    Fault("the default size is below min_key_size", "6.1-13", status={"key_size": 48}),
    Fault("more keys are stored than can be", "6.1-14", after=answered("status", 200, with_member("max_key_count", 1))),
]

REQUESTS = [
    Fault("broken JSON gets a key", "6.2-01", before=change(lambda r: r.text == NO_JSON, set_text("{}"))),
    Fault("an array gets a key", "6.2-02",
          before=change(enc("POST", lambda b: isinstance(b, list)), set_text("{}"))),
    Fault("number may be a string", "6.2-03", before=lenient("number", is_text)),
    Fault("number may have a fraction", "6.2-04", before=lenient("number", lambda v: isinstance(v, float))),
    Fault("number may be negative", "6.2-05", before=lenient("number", negative)),
    Fault("size may be a string", "6.2-06", before=lenient("size", is_text)),
    Fault("size may be negative", "6.2-07", before=lenient("size", lambda v: v == -256)),
    Fault("number in the URL may be a word", "6.2-08", before=lenient_parameter("number", str.isalpha)),
    Fault("size in the URL may be a word", "6.2-09", before=lenient_parameter("size", str.isalpha)),
    Fault("additional_slave_SAE_IDs may be a string", "6.2-10", before=lenient("additional_slave_SAE_IDs", is_text)),
    Fault("additional_slave_SAE_IDs may hold objects", "6.2-11", before=lenient("additional_slave_SAE_IDs",
                                                                                lambda v: v == [{}])),
    Fault("additional slaves get nothing", "6.2-12", before=lenient("additional_slave_SAE_IDs", lambda v: v == ["14"])),
    Fault("additional slaves get another key", "6.2-12", after=additional_differs),
    Fault("additional slaves are ignored", "6.2-12 6.2-13", status={"max_SAE_ID_count": 0},
          before=lenient("additional_slave_SAE_IDs", lambda v: isinstance(v, list) and all(map(is_text, v)))),
    Fault("too many additional slaves are cut off", "6.2-13",
          before=lenient("additional_slave_SAE_IDs", lambda v: isinstance(v, list) and len(v) > ADDITIONAL)),
    Fault("extension_mandatory is ignored", "6.2-14", before=lenient("extension_mandatory",
                                                                     lambda v: isinstance(v, list))),
    Fault("extension_mandatory may be an object", "6.2-15", before=lenient("extension_mandatory",
                                                                           lambda v: isinstance(v, dict))),
    Fault("extension_optional must be known", "6.2-16",
          before=refuse(enc("POST", lambda b: isinstance(b, dict) and isinstance(b.get("extension_optional"), list) and
                            isinstance((b["extension_optional"] or [None])[0], dict)))),
    Fault("extension_optional may be a string", "6.2-17", before=lenient("extension_optional", is_text)),
    Fault("empty arrays are refused", "6.2-18",
          before=refuse(enc("POST", lambda b: isinstance(b, dict) and b.get("extension_mandatory") == []))),
    Fault("number may be 0", "6.2-19", before=lenient("number", lambda v: v == 0)),
    Fault("an endless number is cut off", "6.2-20", before=lenient("number", lambda v: isinstance(v, int) and v > 1 << 63)),
]

GET_KEY = [
    Fault("GET needs parameters", "5.3-01", before=refuse(enc("GET", lambda p: not p))),
    Fault("keys are text/plain", "5.3-02", after=answered("enc_keys", 200, typed("text/plain"))),
    Fault("POST needs a body", "5.3-03",
          before=refuse(lambda r: r.what == "enc_keys" and r.method == "POST" and not r.text)),
    Fault("POST needs a member", "5.3-04", before=refuse(lambda r: r.what == "enc_keys" and r.text == "{}")),
    Fault("POST ignores number", "5.3-05", before=change(enc("POST", counting(2, False)), drop("number"))),
    Fault("GET ignores number", "5.3-06", before=change(enc("GET", counting(2, False)), drop("number"))),
    Fault("the default size is another one", "5.3-07", before=change(enc("POST", absent("size")), put("size", 128))),
    Fault("POST ignores size", "5.3-08", before=change(enc("POST", sizing(OTHER_SIZE)), drop("size"))),
    Fault("GET ignores size", "5.3-09", before=change(enc("GET", sizing(OTHER_SIZE)), drop("size"))),
    Fault("POST ignores size when number is given", "5.3-10",
          before=change(enc("POST", sizing(OTHER_SIZE, True)), drop("size"))),
    Fault("GET ignores number when size is given", "5.3-11", before=change(enc("GET", counting(2, True)), drop("number"))),
    Fault("min_key_size is refused", "5.3-12", before=refuse(enc("POST", sizing(MIN_SIZE)))),
    Fault("max_key_size is refused", "5.3-13", before=refuse(enc("POST", sizing(MAX_SIZE)))),
    Fault("max_key_size is cut off", "5.3-13", before=change(enc("POST", sizing(MAX_SIZE)), drop("size"))),
    Fault("an odd size is rounded", "5.3-14", before=change(enc("POST", sizing(ODD_SIZE)), drop("size"))),
    Fault("a size that is too large is cut off", "5.3-15", before=change(enc("POST", sizing(MAX_SIZE + 8)), drop("size"))),
    Fault("a size that is too small is raised", "5.3-16", before=change(enc("POST", sizing(MIN_SIZE - 8)), drop("size"))),
    Fault("too many keys by POST are cut off", "5.3-17",
          before=change(enc("POST", counting(PER_REQUEST + 1, False)), drop("number"))),
    Fault("too many keys by GET are cut off", "5.3-18",
          before=change(enc("GET", counting(PER_REQUEST + 1, False)), drop("number"))),
    Fault("max_key_per_request is refused", "5.3-19", before=refuse(enc("POST", counting(PER_REQUEST, False)))),
    Fault("keys for an unknown SAE", "5.3-20", before=change(unknown_sae("enc_keys"), set_other("12"))),
    Fault("a shortage gives a short list", "5.3-21", switches=["short list"]),
    Fault("a shortage is answered with 500", "5.3-21", after=answered("enc_keys", 503, unsupported)),
    Fault("a shortage uses keys up", "5.3-22", switches=["loses keys on shortage"]),
]

CONTAINER = [
    Fault("the container has another name for keys", "6.3-01",
          after=answered("enc_keys", 200, lambda a: bodied({"key": a.body["keys"]})(a))),
    Fault("the container is empty", "6.3-01", after=answered("enc_keys", 200, with_member("keys", []))),
    makes("key_IDs are numbered", fails="6.3-02", key_id=lambda value: "key-" + os.urandom(4).hex()),
    Fault("key_IDs are numbers", "6.3-02", after=answered("enc_keys", 200, each_key(lambda k: k.update(key_ID=7)))),
    Fault("two keys have one key_ID", "6.3-03",
          after=answered("enc_keys", 200, second_as_first("key_ID"), enc("GET", counting(2, False)))),
    Fault("base64 is not padded", "6.3-04",
          after=answered("enc_keys", 200, each_key(lambda k: k.update(key=k["key"].rstrip("="))))),
    Fault("base64 is for URLs", "6.3-04",
          after=answered("enc_keys", 200, each_key(lambda k: k.update(key="_" + k["key"][1:])))),
    Fault("keys are arrays", "6.3-04", after=answered("enc_keys", 200, each_key(lambda k: k.update(key=[1])))),
    Fault("one key is delivered twice", "6.3-05",
          after=answered("enc_keys", 200, second_as_first("key"), enc("GET", counting(2, False)))),
    makes("keys repeat themselves", fails="6.3-06", key=lambda size: os.urandom(size - size // 2)[:size // 2] * 2
          if size % 2 == 0 else os.urandom(size)),
    makes("keys are nearly all zeros", fails="6.3-06", key=lambda size: bytes(size - 4) + os.urandom(4)),
    makes("key_ID is a truncated SHA-1 of the key", fails="6.3-07",
          key_id=lambda value: uuid_of(hashlib.sha1(value).digest())),
    makes("key_ID is an MD5 of the key in base64", fails="6.3-07",
          key_id=lambda value: uuid_of(hashlib.md5(base64.b64encode(value)).digest())),
    makes("key_ID is the end of a SHA-256 of the key in hexadecimal", fails="6.3-07",
          key_id=lambda value: uuid_of(hashlib.sha256(value.hex().encode()).digest()[16:])),
    makes("key_ID is a UUID of version 5 of the key", fails="6.3-07",
          key_id=lambda value: str(uuid.uuid5(uuid.NAMESPACE_OID, value.hex()))),
    makes("key_ID is the start of the key, fields swapped", fails="6.3-07",
          key_id=lambda value: str(uuid.UUID(bytes_le=value[:16].ljust(16, b"\0"), version=4)) if len(value) >= 16
          else str(uuid.uuid4())),
    Fault("key_extension is a string", "6.3-08",
          after=answered("enc_keys", 200, each_key(lambda k: k.update(key_extension="x")))),
    Fault("key_container_extension is an array", "6.3-08",
          after=answered("enc_keys", 200, with_member("key_container_extension", []))),
]

CLAIM = [
    Fault("the slave gets another key by POST", "5.4-01", after=wrong_first),
    Fault("the slave's keys are text/plain", "5.4-02", after=answered("dec_keys", 200, typed("text/plain"))),
    Fault("the slave gets another key by GET", "5.4-03",
          after=answered("dec_keys", 200, other_key, lambda r: r.method == "GET")),
    Fault("a list is cut off", "5.4-04", after=answered("dec_keys", 200, lambda a: a.body["keys"].pop(),
                                                        key_ids(lambda ids: len(ids) == 3))),
    Fault("POST keeps keys", "5.4-05", switches=["keeps after POST"]),
    Fault("GET keeps keys", "5.4-06", switches=["keeps after GET"]),
    Fault("an unknown key is answered with 404 by POST", "5.4-07",
          after=refused(with_status(404), entries(lambda e: e == {"key_ID": UNKNOWN_ID}))),
    Fault("an unknown key is answered with 404 by GET", "5.4-08",
          after=refused(with_status(404), dec("GET", UNKNOWN_ID))),
    Fault("a list is delivered in part", "5.4-09", switches=["partial lists"]),
    Fault("a refused list uses keys up", "5.4-10", switches=["refusals use keys up"]),
    Fault("an SAE that was not named gets 403", "5.4-11", after=answered("dec_keys", 401, with_status(403),
                                                                         lambda r: r.caller == "13")),
    Fault("anybody gets a key", "5.4-11 5.4-14", switches=["serves others"]),
    Fault("an SAE that was not named uses keys up", "5.4-12", switches=["others use keys up"]),
    Fault("a key is found under any master", "5.4-13", switches=["any master"]),
    Fault("the master gets a second copy", "5.4-14", switches=["serves masters"]),
]

KEY_IDS = [
    Fault("a broken list is a fault of the server", "6.4-01", after=refused(unsupported, lambda r: r.text == '{"key_IDs":[')),
    Fault("an array of key_IDs is no request", "6.4-02",
          after=refused(with_status(404), lambda r: isinstance(r.json(), list) and r.what == "dec_keys")),
    Fault("no key_IDs get no keys", "6.4-03",
          before=refuse(lambda r: r.what == "dec_keys" and r.text == "{}", lambda: Answer(200, {"keys": []}))),
    Fault("key_IDs may be a string", "6.4-04", before=refuse(key_ids(is_text), lambda: Answer(200, {"keys": []}))),
    Fault("key_IDs may be empty", "6.4-05", before=refuse(key_ids(lambda i: i == []), lambda: Answer(200, {"keys": []}))),
    Fault("an entry that is a string is a fault of the server", "6.4-06", after=refused(unsupported, entries(is_text))),
    Fault("an entry without a key_ID is skipped", "6.4-07",
          before=refuse(entries(lambda e: e == {}), lambda: Answer(200, {"keys": []}))),
    Fault("a key_ID that is a number is a fault of the server", "6.4-08",
          after=refused(unsupported, entries(lambda e: e == {"key_ID": 1}))),
    Fault("a key_ID that is no UUID is not found", "6.4-09",
          after=refused(with_status(404), entries(lambda e: e == {"key_ID": "one"}))),
    Fault("GET without a key_ID is not found", "6.4-10",
          after=refused(with_status(404), lambda r: r.what == "dec_keys" and r.method == "GET" and not r.params)),
    Fault("key_IDs_extension is refused", "6.4-11", before=refuse(lambda r: "key_IDs_extension" in (r.text or ""))),
    Fault("key_ID_extension is refused", "6.4-12", before=refuse(lambda r: "key_ID_extension" in (r.text or ""))),
]

ERRORS = [
    Fault("an Error has no message", "6.5-01",
          after=refused(bodied({"error": "x"}), lambda r: r.text == NO_JSON)),
    Fault("an Error's message is an object", "6.5-01",
          after=refused(bodied({"message": {}}), lambda r: r.text == NO_JSON)),
    Fault("an Error has no body", "6.5-01 6.5-02", after=refused(bodied(None), lambda r: r.text == NO_JSON)),
    Fault("an Error is text/html", "6.5-02", after=refused(typed("text/html"))),
    Fault("an Error's details are an object", "6.5-03", after=refused(with_member("details", {}))),
    Fault("an Error's details are strings", "6.5-03", after=refused(with_member("details", ["x"]))),
    Fault("401 has a body", "6.5-04", after=answered("dec_keys", 401, bodied({"message": "no"}))),
    Fault("another message for an odd size", "6.5-05",
          after=refused(with_member("message", "odd"), enc("POST", sizing(ODD_SIZE)))),
    Fault("another message for a mandatory extension", "6.5-06",
          after=refused(with_member("message", "odd"), lambda r: "extension_mandatory" in (r.text or ""))),
    Fault("another message for an unknown key", "6.5-07",
          after=refused(with_member("message", "odd"), entries(lambda e: e == {"key_ID": UNKNOWN_ID}))),
    Fault("another message for a key delivered before", "6.5-08",
          after=refused(with_member("message", "odd"), repeated)),
    Fault("503 has no message", "6.5-09", after=answered("enc_keys", 503, bodied({}))),
    Fault("503 has details that are a string", "6.5-09", after=answered("enc_keys", 503, with_member("details", "x"))),
]


def no_allow(method):
    def after(_, request, answer):
        if request.method == method:
            answer.headers.pop("Allow", None)
    return after


def is_deep(request):
    return request.text is not None and "[" * 1000 in request.text


ADVICE = [
    Fault("speaks nothing newer than TLS 1.2", "A-01", tls=at_most_1_2),
    Fault("an unknown path has no Error", "A-02", after=answered(None, 404, bodied(None))),
    Fault("an unknown path is refused", "A-02", after=answered(None, 404, with_status(400))),
    Fault("POST of a status is served", "A-03", before=change(lambda r: r.what == "status" and r.method == "POST",
                                                              lambda r: setattr(r, "method", "GET"))),
    Fault("405 has no Allow for DELETE", "A-04", after=no_allow("DELETE")),
    Fault("405 has no Allow for PUT", "A-05", after=no_allow("PUT")),
    Fault("4 MiB are read", "A-06", switches=["huge bodies"]),
    Fault("deep JSON ends the connection", "A-07", before=refuse(is_deep, lambda: Answer(0))),
    Fault("keys may be cached", "A-08", after=answered("enc_keys", 200, lambda a: a.headers.pop("Cache-Control"))),
]

FAULTS = TRANSPORT + STATUS + REQUESTS + GET_KEY + CONTAINER + CLAIM + KEY_IDS + ERRORS + ADVICE
