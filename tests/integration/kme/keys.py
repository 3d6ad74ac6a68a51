# SPDX-License-Identifier: Apache-2.0
"""The key API of a KME (ETSI GS QKD 014): two KMEs hand the same keys to two SAEs, once."""

import base64
import uuid

import qvkme
import qvtest

test = qvtest.Test(__file__)

NOT_FOUND = "one or more keys specified are not found on KME"
ENC = "/api/v1/keys/12/enc_keys"
DEC = "/api/v1/keys/11/dec_keys"


def ids_of(keys):
    return {"key_IDs": [{"key_ID": key["key_ID"]} for key in keys]}


@test.case("both ends get the same keys under random UUIDs, in both directions")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    taken, claimed = pair.share(3)
    assert taken == claimed, (taken, claimed)
    assert len({k["key"] for k in taken}) == 3 and len({k["key_ID"] for k in taken}) == 3
    for key in taken:
        assert uuid.UUID(key["key_ID"]).version == 4
        assert len(base64.b64decode(key["key"], validate=True)) == 32
    status, body, headers = pair.b.call("12", "GET", "/api/v1/keys/11/enc_keys")
    assert status == 200 and headers["Content-Type"] == "application/json"
    again = pair.a.call("11", "GET", f"/api/v1/keys/12/dec_keys?key_ID={body['keys'][0]['key_ID']}")
    assert again[1] == body and body["keys"][0]["key"] not in {k["key"] for k in taken}


@test.case("a key is delivered once, and a request with an unknown key delivers and consumes nothing")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    _, taken, _ = pair.a.call("11", "POST", ENC, {"number": 2})
    wanted = ids_of(taken["keys"])
    unknown = {"key_IDs": wanted["key_IDs"] + [{"key_ID": str(uuid.uuid4())}]}
    for odd in (unknown, {"key_IDs": [wanted["key_IDs"][0]] * 2}, {"key_IDs": [{"key_ID": "none"}]}):
        status, error, _ = pair.b.call("12", "POST", DEC, odd)
        assert status == 400 and error["message"] == NOT_FOUND, (odd, status, error)
    # UUIDs are the same in upper case.
    upper = {"key_IDs": [{"key_ID": k["key_ID"].upper()} for k in taken["keys"]]}
    status, claimed, _ = pair.b.call("12", "POST", DEC, upper)
    assert status == 200 and claimed == taken, (status, claimed)
    status, error, _ = pair.b.call("12", "POST", DEC, wanted)
    assert status == 400 and error["message"] == NOT_FOUND, (status, error)


@test.case("status tells sizes and stock, and the stock falls with each key")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=40, keys="max_per_request = 20; max_stored = 1000;")
    pair.a.wait_stock("11", "12", 40)
    status, body, _ = pair.a.call("11", "GET", "/api/v1/keys/12/status")
    assert status == 200
    assert body == {"source_KME_ID": "KME-A", "target_KME_ID": "KME-B", "master_SAE_ID": "11", "slave_SAE_ID": "12",
                    "key_size": 256, "stored_key_count": 40, "max_key_count": 1000, "max_key_per_request": 20,
                    "max_key_size": 1024, "min_key_size": 64, "max_SAE_ID_count": 16}, body
    pair.share(3)
    assert pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"] == 37
    # The other direction has a pool of its own.
    assert pair.b.call("12", "GET", "/api/v1/keys/11/status")[1]["stored_key_count"] == 40


@test.case("sizes other than the link's keys are cut or joined, the same at both ends")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    seen = set()
    for size in (64, 128, 200, 256, 264, 512, 1024):
        taken, claimed = pair.share(2, size)
        assert taken == claimed
        for key in taken:
            raw = base64.b64decode(key["key"])
            assert len(raw) * 8 == size
            seen.add(raw)
    # No key is a piece of another.
    assert len(seen) == 14 and not any(a != b and a in b for a in seen for b in seen)


@test.case("numbers and sizes outside the limits get 400 and consume nothing")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=10)
    pair.a.wait_stock("11", "12", 10)
    for body, message in (({"size": 257}, "size shall be a multiple of 8"),
                          ({"size": 56}, "size is outside what this KME gives"),
                          ({"size": 1032}, "size is outside what this KME gives"),
                          ({"number": 0}, "number is outside what this KME gives"),
                          ({"number": 129}, "number is outside what this KME gives"),
                          ({"number": -1}, "number is no positive whole number"),
                          ({"number": "1"}, "number is no positive whole number"),
                          ({"number": 1.5}, "number is no positive whole number"),
                          ({"number": None}, "number is no positive whole number"),
                          ({"size": True}, "size is no positive whole number"),
                          ({"extension_mandatory": [{"abc_x": 1}]},
                           "not all extension_mandatory parameters are supported"),
                          ({"extension_mandatory": {}}, "extension_mandatory is no array"),
                          ({"extension_optional": [1]}, "extension_optional holds something that is no object"),
                          ({"additional_slave_SAE_IDs": ["99"]}, "the slave SAE is not known to this KME"),
                          ({"additional_slave_SAE_IDs": [13]},
                           "additional_slave_SAE_IDs holds something that is no string"),
                          ([], "the request body is no JSON object")):
        status, error, _ = pair.a.call("11", "POST", ENC, body)
        assert status == 400 and error["message"] == message, (body, status, error)
    for query in ("number=-1", "number=", "number=1x", "size=abc", "number=1&number=2", "size=99999999999999999999"):
        status, error, _ = pair.a.call("11", "GET", ENC + "?" + query)
        assert status == 400, (query, status, error)
    for name in ("additional_slave_SAE_IDs", "extension_mandatory", "extension_optional"):
        status, error, _ = pair.a.call("11", "GET", f"{ENC}?number=1&{name}=12")
        assert status == 400 and error["message"] == f"{name} is not taken from the URL: use POST", (name, status, error)
    assert pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"] == 10
    # Optional extensions may be ignored, and an empty POST has all defaults.
    for body in ({"extension_optional": [{"abc_x": 1}]}, {}, None, {"additional_slave_SAE_IDs": []}):
        assert pair.a.call("11", "POST", ENC, body)[0] == 200, body
    assert len(pair.a.call("11", "GET", ENC + "?number=2&size=128")[1]["keys"]) == 2


@test.case("an empty pool gives 503 that says what there is, whole or nothing")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=5, start=False)
    pair.a.start(), pair.b.start()
    pair.a.wait_stock("11", "12", 5)
    pair.b.wait_stock("12", "11", 5)
    status, error, _ = pair.a.call("11", "GET", ENC + "?number=6")
    assert status == 503 and error["details"] == [
        {"requested_key_count": 6}, {"stored_key_count": 5}, {"target_KME_ID": "KME-B"}], (status, error)
    assert len(pair.a.call("11", "GET", ENC + "?number=5")[1]["keys"]) == 5
    assert pair.a.call("11", "GET", ENC)[0] == 503


@test.case("two SAEs of one KME share keys without a link")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=0, start=False,
                         saes_a='{ id = "urn:x/é"; certificate_common_name = "cn-sae"; }')
    pair.pki.issue("cn-sae", usage="clientAuth")
    pair.a.start()
    path = "/api/v1/keys/urn%3Ax%2F%C3%A9/enc_keys"
    status, taken, _ = pair.a.call("11", "POST", path, {"number": 2, "size": 320})
    assert status == 200, (status, taken)
    status, claimed, _ = pair.a.call("cn-sae", "POST", DEC, ids_of(taken["keys"]))
    assert status == 200 and claimed == taken, (status, claimed)
    assert pair.a.call("11", "GET", "/api/v1/keys/urn%3Ax%2F%C3%A9/status")[1]["slave_SAE_ID"] == "urn:x/é"
    # An ID that looks like a number is one for programs of the Rust KME; others are strings.
    assert pair.a.call("11", "GET", "/api/v1/sae/info/me")[1] == {"SAE_ID": 11}
    assert pair.a.call("cn-sae", "GET", "/api/v1/sae/info/me")[1] == {"SAE_ID": "urn:x/é"}


@test.case("paths, methods and unknown SAEs get 404, 405 with Allow and 400, with an Error body")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    for path in ("/", "/api/v1/keys/12", "/api/v1/keys/12/enc_keys/", "/api/v2/keys/12/status", "/a/b/c/d/e/f/g/h/i/j",
                 "//api/v1/keys/12/status", "/api/v1/keys/12/STATUS", "/inter-kme/v1/undo"):
        status, error, _ = pair.a.call("11", "GET", path)
        assert status == 404 and error["message"] == "no such resource", (path, status, error)
    for method, path, allow in (("POST", "/api/v1/keys/12/status", "GET"), ("DELETE", ENC, "GET, POST"),
                                ("PUT", DEC, "GET, POST"), ("POST", "/api/v1/sae/info/me", "GET")):
        status, error, headers = pair.a.call("11", method, path)
        assert status == 405 and headers["Allow"] == allow and error["message"], (method, path, status, headers)
    for path in ("/api/v1/keys/99/enc_keys", "/api/v1/keys/99/status", "/api/v1/keys//enc_keys"):
        status, error, _ = pair.a.call("11", "GET", path)
        assert status == 400 and error["message"] == "the slave SAE is not known to this KME", (path, status, error)
    for path in ("/api/v1/keys/%/status", "/api/v1/keys/%00/status", "/api/v1/keys/%ff/status",
                 DEC, DEC + "?key_ID=a&key_ID=b"):
        assert pair.a.call("11", "GET", path)[0] == 400, path


test.run()
