# SPDX-License-Identifier: Apache-2.0
"""Certificates that are wrong in each way, toward SAEs, from peers and toward peers; TLS versions; revocation."""

import datetime
import http.client
import os
import re
import ssl

import qvkme
import qvtest

test = qvtest.Test(__file__)

ME = "/api/v1/sae/info/me"
ENC = "/api/v1/keys/12/enc_keys"
STATUS = "/api/v1/keys/12/status"
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
BAD = ("other/stranger", "old", "future", "server-only", "revoked", "signed-by-sae", None)


def issue_bad(pair, serial, usage):
    """Certificates that would be the right ones, but for one thing. All with the same serial number, except the revoked."""
    pki, other = pair.pki, qvtest.Pki(os.path.join(pair.folder, "other"))
    other.issue("stranger", serial=serial, usage=usage)
    pki.issue("old", serial=serial, usage=usage, not_after="210101000000Z")
    pki.issue("future", serial=serial, usage=usage, not_before="480101000000Z")
    pki.issue("server-only", serial=serial, usage="serverAuth")
    pki.issue("revoked", serial=0x77, usage=usage)
    # An SAE's key is no CA's.
    own = qvtest.Pki.__new__(qvtest.Pki)
    own.folder, own.ca, own.ca_key = pki.folder, pki.path("sae-12.pem"), pki.path("sae-12.key")
    own.issue("signed-by-sae", serial=serial, usage=usage)
    with open(pki.path("signed-by-sae.pem"), "a", encoding="ascii") as f:
        f.write(open(pki.path("sae-12.pem"), encoding="ascii").read())
    pki.revoke("revoked")


def use_crl(kme, group, crl="crl.pem"):
    text = open(kme.config, encoding="utf-8").read()
    head, tail = text.split(group + ": {", 1)
    with open(kme.config, "w", encoding="utf-8") as f:
        f.write(head + group + f': {{ crl = "{crl}";' + tail)


def get(kme, port, certificate, version, path, method="GET"):
    """Status of the answer, or None when the connection is ended instead."""
    context = kme.context(certificate)
    context.minimum_version = context.maximum_version = version
    connection = http.client.HTTPSConnection("localhost", port, timeout=qvtest.TIMEOUT, context=context)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    except (ssl.SSLError, ConnectionError):
        return None
    finally:
        connection.close()


@test.case("toward SAEs and toward KMEs: each wrong certificate ends the handshake, with TLS 1.2 and with 1.3")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False, both='{ id = "77"; certificate_serial = "0x77"; }')
    issue_bad(pair, 11, "clientAuth")
    use_crl(pair.a, "sae_api"), use_crl(pair.a, "kme_api")
    pair.a.start()
    for version in VERSIONS:
        assert get(pair.a, pair.a.sae_port, "sae-11", version, ME) == 200
        assert get(pair.a, pair.a.kme_port, "kme-b", version, "/inter-kme/v1/undo", "POST") == 400
        for port in (pair.a.sae_port, pair.a.kme_port):
            for certificate in BAD:
                assert get(pair.a, port, certificate, version, ME) is None, (port, certificate, version)
        # Good ones of somebody else.
        assert get(pair.a, pair.a.sae_port, "sae-12", version, ME) == 401
        assert get(pair.a, pair.a.sae_port, "kme-b", version, ME) == 401
        assert get(pair.a, pair.a.kme_port, "sae-11", version, "/inter-kme/v1/undo", "POST") == 401
    assert pair.a.call("11", "GET", ME)[0] == 200


@test.case("TLS 1.2 and 1.3, and nothing older")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False)
    pair.a.start()
    base = os.path.join(tmp, "sae-11")
    for port in (pair.a.sae_port, pair.a.kme_port):
        for option, spoken in (("-tls1", None), ("-tls1_1", None), ("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            done = qvtest.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", option, "-cipher",
                               "DEFAULT@SECLEVEL=0", "-cert", base + ".pem", "-key", base + ".key"], check=False, input="")
            found = re.search(r"New, (\S+), Cipher is (?!\(NONE\))", done.stdout)
            assert (found and found[1]) == spoken, (option, done.stdout)
    for most in ("1.2", "1.3"):
        done = qvtest.run(["curl", "-sS", "--tls-max", most, "--cacert", os.path.join(tmp, "ca.pem"), "--cert",
                           base + ".pem", "--key", base + ".key", "-w", "%{http_code}", "-o", os.devnull,
                           f"https://localhost:{pair.a.sae_port}{ME}"])
        assert done.stdout == "200", done.stdout


def expect_peer_refused(pair, before, what):
    """A request that needs the peer fails whole, and the log of the caller says why the peer is not trusted."""
    assert pair.a.call("11", "GET", ENC)[0] == 503, what
    reason = pair.a.process.wait_for(r"no keys for SAE 11 with SAE 12: .*(cannot be reached|did not answer): (.*)")[2]
    assert reason, what
    qvkme.wait_until(lambda: pair.a.call("11", "GET", STATUS)[1]["stored_key_count"] == before)
    return reason


@test.case("a peer whose certificate is wrong in any way is not given a request, and no key is used up")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=20, start=False)
    names = dict(san="DNS:kme-b,DNS:localhost,IP:127.0.0.1")
    other = qvtest.Pki(os.path.join(tmp, "other"))
    other.issue("kme-b", **names)
    pair.pki.issue("old", not_after="210101000000Z", **names)
    pair.pki.issue("future", not_before="480101000000Z", **names)
    pair.pki.issue("client-only", usage="clientAuth", **names)
    pair.pki.issue("misnamed", san="DNS:kme-c,DNS:localhost,IP:127.0.0.1")
    pair.pki.issue("revoked", **names)
    pair.pki.revoke("revoked")
    use_crl(pair.a, "kme_api")
    pair.a.start()
    pair.a.wait_stock("11", "12", 20)
    good = open(pair.b.config, encoding="utf-8").read()
    for name, words in (("other/kme-b", "self-signed|issuer"), ("old", "expired"), ("future", "not yet valid"),
                        ("client-only", "purpose|unsuitable"), ("misnamed", "kme-b"), ("revoked", "revoked")):
        bad = good.split("kme_api: {")
        bad[1] = bad[1].replace('"kme-b.pem"', f'"{name}.pem"', 1).replace('"kme-b.key"', f'"{name}.key"', 1)
        with open(pair.b.config, "w", encoding="utf-8") as f:
            f.write("kme_api: {".join(bad))
        pair.b.start()
        reason = expect_peer_refused(pair, 20, name)
        assert re.search(words, reason), (name, reason)
        pair.b.stop()
    with open(pair.b.config, "w", encoding="utf-8") as f:
        f.write(good)
    pair.b.start()
    assert pair.a.call("11", "GET", ENC)[0] == 200


@test.case("a peer that revokes this KME's certificate refuses it, on connections that were there before too")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=20, start=False)
    pair.pki.revoke()
    use_crl(pair.b, "kme_api")
    pair.a.start(), pair.b.start()
    pair.a.wait_stock("11", "12", 20)
    assert pair.a.call("11", "GET", ENC)[0] == 200
    pair.pki.revoke("kme-a")
    pair.b.process.popen.send_signal(1)
    pair.b.process.wait_for("is read anew and in use")
    assert pair.a.call("11", "GET", ENC)[0] == 503
    assert pair.a.call("11", "GET", STATUS)[1]["stored_key_count"] == 19


@test.case("an expired CRL: no start with one, and when it expires nobody is admitted, until there is a new one")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False)
    use_crl(pair.a, "sae_api")
    pair.pki.revoke(next_update="210101000000Z")
    done = qvtest.run(["qkd-kme", "--check", pair.a.config], check=False)
    assert done.returncode == 1 and "expired at 2021-01-01 00:00:00Z: it could hide a revocation" in done.stderr
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
    pair.pki.revoke(next_update=soon.strftime("%y%m%d%H%M%SZ"))
    pair.a.start()
    kept = pair.a.connect("11")
    assert pair.a.call("11", "GET", ME, connection=kept)[0] == 200
    port = kept.sock.getsockname()[1]
    qvkme.wait_until(lambda: get(pair.a, pair.a.sae_port, "sae-11", VERSIONS[1], ME) == 401)
    assert pair.a.call("11", "GET", ME, connection=kept)[0] == 401 and kept.sock.getsockname()[1] == port
    pair.pki.revoke()
    pair.a.process.popen.send_signal(1)
    pair.a.process.wait_for("is read anew and in use")
    assert pair.a.call("11", "GET", ME, connection=kept)[0] == 200 and kept.sock.getsockname()[1] == port
    assert pair.a.call("11", "GET", ME)[0] == 200


test.run()
