# SPDX-License-Identifier: Apache-2.0
"""Who may do what at a KME: SAEs and peers are known by their certificates."""

import http.client
import json
import os
import ssl

import qvkme
import qvtest

test = qvtest.Test(__file__)

ENC = "/api/v1/keys/12/enc_keys"
DEC = "/api/v1/keys/11/dec_keys"


def refused(kme, certificate):
    """Whether the KME ends the connection instead of answering."""
    try:
        kme.call(certificate, "GET", "/api/v1/sae/info/me")
    except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
        return True
    return False


def curl(kme, sae, *arguments):
    base = os.path.join(kme.folder, f"sae-{sae}")
    done = qvtest.run(["curl", "-sS", "--cacert", os.path.join(kme.folder, "ca.pem"), "--cert", base + ".pem", "--key",
                       base + ".key", "-w", "\n%{http_code}", *arguments])
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), body


@test.case("curl takes a key by certificate, and a PFX file serves as well")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    status, body = curl(pair.a, 11, f"https://localhost:{pair.a.sae_port}{ENC}")
    assert status == 200
    key = json.loads(body)["keys"][0]
    done = qvtest.run(["curl", "-sS", "--cacert", os.path.join(tmp, "ca.pem"), "--cert-type", "P12", "--cert",
                       os.path.join(tmp, "sae-12.pfx") + ":" + qvkme.PASSWORD,
                       f"https://localhost:{pair.b.sae_port}{DEC}?key_ID={key['key_ID']}"])
    assert json.loads(done.stdout)["keys"] == [key]


@test.case("a certificate of another CA, an expired one, a server's one and none are refused in the handshake")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    other = qvtest.Pki(os.path.join(tmp, "other"))
    other.issue("stranger", serial=11)
    pair.pki.issue("old", serial=11, not_after="210101000000Z")
    pair.pki.issue("server-only", serial=11, usage="serverAuth")
    for certificate in ("other/stranger", "old", "server-only", None):
        assert refused(pair.a, certificate), certificate
    assert pair.a.call("11", "GET", "/api/v1/sae/info/me")[1] == {"SAE_ID": 11}
    # TLS 1.1 is not spoken.
    done = qvtest.run(["openssl", "s_client", "-connect", f"127.0.0.1:{pair.a.sae_port}", "-tls1_1", "-cipher",
                       "DEFAULT@SECLEVEL=0"], check=False, input="")
    assert done.returncode != 0 or "Cipher is (NONE)" in done.stdout, done.stdout


@test.case("a valid certificate that is no SAE's gets 401 without a body, on every path")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    pair.pki.issue("sae-13", serial=13, usage="clientAuth")
    for path in (ENC, "/api/v1/keys/12/status", DEC + "?key_ID=x", "/api/v1/sae/info/me", "/none"):
        status, body, headers = pair.a.call("13", "GET", path)
        assert status == 401 and body is None and headers["Content-Length"] == "0", (path, status, body)
    # Nor is an SAE of the other KME one of this.
    assert pair.a.call("12", "GET", ENC)[0] == 401
    # Nor is the KME's own certificate.
    assert pair.a.call("kme-b", "GET", ENC)[0] == 401


@test.case("an SAE that the master did not name gets 401, and the right one still gets the key")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False, saes_b='{ id = "spy"; certificate_uri = "urn:sae:spy"; }')
    pair.pki.issue("spy", san="URI:urn:sae:spy", usage="clientAuth")
    pair.a.start(), pair.b.start()
    pair.a.wait_stock("11", "12", 10)
    pair.b.wait_stock("12", "11", 10)
    _, taken, _ = pair.a.call("11", "GET", ENC)
    path = f"{DEC}?key_ID={taken['keys'][0]['key_ID']}"
    assert pair.b.call("spy", "GET", "/api/v1/sae/info/me")[1] == {"SAE_ID": "spy"}
    status, body, _ = pair.b.call("spy", "GET", path)
    assert status == 401 and body is None
    # The right SAE, naming a master that did not take the key.
    assert pair.b.call("12", "GET", path.replace("/11/", "/spy/"))[0] == 401
    assert pair.b.call("12", "GET", path)[1] == taken
    # Delivered keys are not there for the spy either.
    assert pair.b.call("spy", "GET", path)[0] == 401


@test.case("a certificate that matches two SAEs is nobody's; serial numbers in hexadecimal work")
def _(tmp):
    serial = 0x8a1b2c3d4e5f60718293a4b5c6d7e8f901020304
    pair = qvkme.KmePair(test, tmp, start=False, saes_a=f'{{ id = "long"; certificate_serial = "0x{serial:040x}"; }}, '
                         '{ id = "named"; certificate_common_name = "named"; }')
    pair.pki.issue("long", serial=serial, usage="clientAuth")
    pair.pki.issue("named", usage="clientAuth")
    pair.pki.issue("both", subject="/CN=named", serial=11, usage="clientAuth")
    pair.pki.issue("two-names", subject="/CN=named/CN=other", usage="clientAuth")
    pair.a.start()
    assert pair.a.call("long", "GET", "/api/v1/sae/info/me")[1] == {"SAE_ID": "long"}
    assert pair.a.call("named", "GET", "/api/v1/sae/info/me")[1] == {"SAE_ID": "named"}
    assert pair.a.call("both", "GET", "/api/v1/sae/info/me")[0] == 401
    assert pair.a.call("two-names", "GET", "/api/v1/sae/info/me")[0] == 401


@test.case("qkd-key takes and claims keys through the key source module etsi014")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)

    def qkd_key(kme, sae, *arguments):
        base = os.path.join(tmp, f"sae-{sae}")
        return json.loads(qvtest.run(["qkd-key", "-m", "etsi014", "-o", f"kme={kme.address}", "-o",
                                      f"certificate={base}.pem", "-o", f"private_key={base}.key", "-o",
                                      f"ca={tmp}/ca.pem", "-j", *arguments]).stdout)

    taken = qkd_key(pair.a, 11, "-n", "2", "get", "12")
    ids = [key["key_ID"] for key in taken["keys"]]
    assert qkd_key(pair.b, 12, "claim", "11", *ids)["keys"] == taken["keys"]


@test.case("the inter-KME API answers only its peers, for their own SAEs and their own lane")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    request = "6f2f1f7e-60a5-4e0e-9d0f-2d6c5c0b8b11"

    def activation(**changes):
        body = {"request": request, "master_SAE_ID": "11", "slave_SAE_IDs": ["12"],
                "keys": [{"key_ID": "0a0f7d51-5f7d-4b9d-8d53-1f0f6a3f2c11", "bytes": 32, "labels": ["0:400"]}]}
        body.update(changes)
        return body

    def call(certificate, path, body):
        connection = http.client.HTTPSConnection("localhost", pair.b.kme_port, timeout=qvtest.TIMEOUT,
                                                 context=pair.b.context(certificate))
        return pair.b.call(None, "POST", path, body, connection=connection)

    # SAEs and strangers of the same CA are no peers, nor is this KME itself.
    pair.pki.issue("kme-c", san="DNS:kme-c")
    for certificate in ("sae-11", "kme-b", "kme-c"):
        assert call(certificate, "/inter-kme/v1/activate", activation())[0] == 401, certificate
    own_lane = [{"key_ID": request, "bytes": 32, "labels": ["1:400"]}]
    for changes, expected in (({"master_SAE_ID": "12"}, 403), ({"master_SAE_ID": "99"}, 403),
                              ({"slave_SAE_IDs": ["11"]}, 404), ({"slave_SAE_IDs": ["12", "99"]}, 404),
                              ({"keys": own_lane}, 409),
                              ({"keys": []}, 400), ({"request": "x"}, 400)):
        status, error, _ = call("kme-a", "/inter-kme/v1/activate", activation(**changes))
        assert status == expected and error["message"], (changes, status, error)
    assert call("kme-a", "/inter-kme/v1/none", {})[0] == 404
    # Asked twice, the same is done once; undone, it is never done again.
    for _ in range(2):
        assert call("kme-a", "/inter-kme/v1/activate", activation())[0] == 200
    for _ in range(2):
        assert call("kme-a", "/inter-kme/v1/undo", {"request": request})[0] == 200
    assert call("kme-a", "/inter-kme/v1/activate", activation())[0] == 410
    # Its link key went back into the pool.
    again = activation(request="16f3a1de-92a5-4a66-a3f2-7a54ad3fd9c1")
    assert call("kme-a", "/inter-kme/v1/activate", again)[0] == 200
    status, keys, _ = pair.b.call("12", "GET", DEC + "?key_ID=0a0f7d51-5f7d-4b9d-8d53-1f0f6a3f2c11")
    assert status == 200 and len(keys["keys"]) == 1
    assert call("kme-a", "/inter-kme/v1/undo", {"request": again["request"]})[0] == 409


@test.case("a peer that shows another KME's certificate is not trusted with a request")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False)
    pair.pki.issue("kme-b", san="DNS:kme-other,DNS:localhost,IP:127.0.0.1")
    pair.a.start(), pair.b.start()
    pair.a.wait_stock("11", "12", 10)
    assert pair.a.call("11", "GET", ENC)[0] == 503
    pair.a.process.said("KME \"KME-B\" cannot be reached.*kme-b")
    # Nothing was taken for it.
    assert pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"] >= 500


test.run()
