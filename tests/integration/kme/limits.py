# SPDX-License-Identifier: Apache-2.0
"""Limits of the KME and of single SAEs, from one key of 8 bits to 512 of 8192; extensions of requests."""

import base64

import qvkme
import qvtest

test = qvtest.Test(__file__)

ENC = "/api/v1/keys/12/enc_keys"
STATUS = "/api/v1/keys/12/status"
UNMET = "not all extension_mandatory request options could be met"
UNSUPPORTED = "not all extension_mandatory parameters are supported"
UNHANDLED = "not all extension_optional request options handled"


@test.case("an SAE over its rate gets 503 with Retry-After and uses nothing up; others do not notice")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=150, extra={"11": "max_keys_per_second = 1; burst = 100;"})
    assert net.call("11", "GET", STATUS)[1]["max_key_per_request"] == 100
    assert net.call("11", "GET", ENC + "?number=100")[0] == 200
    status, error, headers = net.call("11", "GET", ENC + "?number=100")
    wait = error["details"][1]["retry_after_seconds"]
    assert status == 503 and error["message"] == "this SAE asks for more than it may", (status, error)
    assert error["details"][0] == {"max_keys_per_second": 1} and 1 <= wait <= 100, error
    assert headers["Retry-After"] == str(wait), headers
    assert net.stock("11", "12") == 50
    assert len(net.call("14", "GET", ENC + "?number=40")[1]["keys"]) == 40
    qvkme.wait_until(lambda: net.call("11", "GET", ENC)[0] == 200)


@test.case("a request that fails for want of keys does not count toward the rate")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=10, extra={"11": "max_keys_per_second = 1; burst = 20;"})
    for _ in range(3):
        status, error, headers = net.call("11", "GET", ENC + "?number=20")
        assert status == 503 and error["message"] == "not enough keys are stored now", (status, error)
        assert headers["Retry-After"] is None
    assert net.call("11", "GET", ENC + "?number=10")[0] == 200


@test.case("an SAE over its requests a second gets 503, also for its status")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=10, extra={"14": "max_requests_per_second = 1;"})
    qvkme.wait_until(lambda: net.call("14", "GET", STATUS)[0] == 503)
    for _ in range(20):
        assert net.call("11", "GET", STATUS)[0] == 200
    qvkme.wait_until(lambda: net.call("14", "GET", STATUS)[0] == 200)


@test.case("an SAE's largest key and number in its entry count for it alone, and its status says so")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=30, extra={"11": "max_key_size = 512; max_keys_per_request = 3;"})
    status = net.call("11", "GET", STATUS)[1]
    assert (status["max_key_size"], status["max_key_per_request"]) == (512, 3), status
    for sae, body, details in (("11", {"size": 520}, [{"min_key_size": 64}, {"max_key_size": 512}]),
                               ("11", {"number": 4}, [{"min_number": 1}, {"max_key_per_request": 3}])):
        code, error, _ = net.call(sae, "POST", ENC, body)
        assert code == 400 and error["details"] == details, (code, error)
        assert net.call("14", "POST", ENC, body)[0] == 200, body
    assert net.call("11", "POST", ENC, {"size": 512, "number": 3})[0] == 200


@test.case("from one key of 8 bits to 512 of 8192, for slaves here, there and at two KMEs")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=33000,
                           keys="min_size = 8; max_size = 8192; max_per_request = 512;")
    for size, number in ((8, 1), (8, 512), (8192, 512)):
        for slaves in (["12"], ["14"]) if size == 8 else (["12", "13", "14"],):
            code, body, _ = net.call("11", "POST", f"/api/v1/keys/{slaves[0]}/enc_keys",
                                     {"size": size, "number": number, "additional_slave_SAE_IDs": slaves[1:]})
            assert code == 200 and len(body["keys"]) == number, (size, number, code, str(body)[:200])
            assert {len(base64.b64decode(key["key"])) * 8 for key in body["keys"]} == {size}
            for sae in slaves:
                assert net.claim(sae, "11", body["keys"]) == (200, body), (size, number, sae)
    assert len({key["key"] for key in body["keys"]}) == 512


@test.case("qvisio_route: what is mandatory is kept or refused, what is optional is tried, and the answer says how")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=40)
    for mandatory, optional, status, seen in (
            ([{"qvisio_route": "direct"}], [], 200, "direct"),
            ([], [{"qvisio_route": "direct"}], 200, "direct"),
            ([], [{"qvisio_route": "relayed"}], 200, "direct"),
            ([], [{"qvisio_route": "any"}], 200, "direct"),
            ([{"qvisio_route": "any"}], [], 200, "direct"),
            ([], [{"abc_x": {"y": [1]}}, {}], 200, None),
            ([], [], 200, None),
            ([{}], [], 200, None),
            ([{"qvisio_route": "relayed"}], [], 400, UNMET),
            ([{"qvisio_route": "tunnel"}], [], 400, UNMET),
            ([{"qvisio_route": 1}], [], 400, UNMET),
            ([{"qvisio_route": "direct"}, {"qvisio_route": "relayed"}], [], 400, UNMET),
            ([], [{"qvisio_route": "tunnel"}], 400, UNHANDLED),
            ([{"qvisio_route": "direct", "abc_x": 1}], [], 400, UNSUPPORTED),
            ([{"abc_x": 1}], [], 400, UNSUPPORTED),
            ([{"": 1}], [], 400, UNSUPPORTED)):
        for slaves in ([], ["13"]):
            code, body, _ = net.call("11", "POST", ENC, {"extension_mandatory": mandatory,
                                                         "extension_optional": optional,
                                                         "additional_slave_SAE_IDs": slaves})
            assert code == status, (mandatory, optional, code, body)
            if status == 200:
                assert body.get("key_container_extension") == ({"qvisio_route": seen} if seen else None), body
            else:
                assert body["message"] == seen and body["details"], (mandatory, optional, body)
    # Who claims a key is told too, where there is but one way.
    for master, slave in (("11", "12"), ("11", "14")):
        key_id = net.call(master, "GET", f"/api/v1/keys/{slave}/enc_keys")[1]["keys"][0]["key_ID"]
        code, body, _ = net.call(slave, "POST", f"/api/v1/keys/{master}/dec_keys", {
            "key_IDs": [{"key_ID": key_id}], "key_IDs_extension": {"qvisio_route": "any"}})
        assert code == 200 and body["key_container_extension"] == {"qvisio_route": "direct"}, body
    # SAEs of one KME: a relay has nothing to do there.
    for choice, status in (("direct", 200), ("relayed", 400)):
        code, body, _ = net.call("11", "POST", "/api/v1/keys/14/enc_keys",
                                 {"extension_mandatory": [{"qvisio_route": choice}]})
        assert code == status, (choice, code, body)


@test.case("a peer without a link: no route leads there, for one slave and among several")
def _(tmp):
    net = qvkme.KmeNetwork(test, tmp, stock=20, unlinked=("KME-A", "KME-C"))
    for path, others in (("13", []), ("12", ["13"])):
        for way in (None, "direct", "relayed"):
            body = {"additional_slave_SAE_IDs": others,
                    **({"extension_mandatory": [{"qvisio_route": way}]} if way else {})}
            code, error, _ = net.call("11", "POST", f"/api/v1/keys/{path}/enc_keys", body)
            if way:
                assert code == 400 and error["message"] == UNMET and error["details"], (body, code, error)
            else:
                assert code == 503 and error["message"] == "no route leads to the KME of the slave SAE", (body, error)
                assert error["details"] == [{"target_KME_ID": "KME-C"}], error
    assert net.stock("11", "13") == 0 and net.stock("11", "12") == 20
    assert net.call("11", "GET", ENC)[0] == 200
    assert net.call("12", "POST", "/api/v1/keys/13/enc_keys", {"additional_slave_SAE_IDs": ["11"]})[0] == 200


test.run()
