# SPDX-License-Identifier: Apache-2.0
"""The TLS modules against each other: every pairing, policy and key exchange mode."""

import os
import shutil
import tempfile

import qvtest
from tls_testing import (MODULES, Keys, client, expect_classic, expect_failed, expect_keyed, expect_same, server)

test = qvtest.Test(__file__)
shared = tempfile.mkdtemp(prefix="qvisio-test-")
pki = qvtest.Pki(os.path.join(shared, "pki"))
server_pem, server_key = pki.issue("server", subject="/O=Qvisio, Ltd./CN=localhost")
client_pem, client_key = pki.issue("client", subject="/C=FR/O=Qvisio \\+ Sons/CN=client")
SERVER_CERTIFICATE = [f"certificate={server_pem}", f"private_key={server_key}", f"ca={pki.ca}"]
CLIENT_CERTIFICATE = [f"certificate={client_pem}", f"private_key={client_key}", f"ca={pki.ca}"]
KEYED, CLASSIC, REFUSED = "keyed", "classic", "refused"
POLICIES = {("require", "require"): KEYED, ("require", "prefer"): KEYED, ("require", "off"): REFUSED,
            ("prefer", "require"): KEYED, ("prefer", "prefer"): KEYED, ("prefer", "off"): CLASSIC,
            ("off", "require"): REFUSED, ("off", "prefer"): CLASSIC, ("off", "off"): CLASSIC}


def pair(keys, ours, theirs, server_options, client_options, client_policy="require"):
    """Runs one session; returns both outcomes and, if there is one, checks that data went both ways and it ended well."""
    listening = server(test, ours, "--psk", keys.path, *server_options)
    psk = [] if client_policy == "off" else ["--psk", keys.path]
    calling = client(test, theirs, listening.port, *psk, "--send", 300000, f"qkd={client_policy}", *client_options)
    near, far = calling.outcome(), listening.outcome()
    if near["event"] == far["event"] == "session":
        expect_same(near, far)
        for end in (calling.event("end"), listening.event("end")):
            assert end["code"] == "end" and end["bytes"] == 300000, end
    return near, far


for ours in MODULES:
    for theirs in MODULES:
        @test.case(f"{ours} server, {theirs} client: keyed, with both key exchange modes")
        def _(tmp, ours=ours, theirs=theirs):
            keys = Keys(tmp)
            for kex in ("psk_dhe_ke", "psk_ke"):
                near, far = pair(keys, ours, theirs, [f"kex={kex}"], [f"kex={kex}"])
                expect_keyed(near, keys.sha256)
                expect_keyed(far, keys.sha256)
                assert near["cipher"] == "TLS_CHACHA20_POLY1305_SHA256", near
                assert near["group"] == ("x25519" if kex == "psk_dhe_ke" else ""), near

        @test.case(f"{ours} server, {theirs} client: modes that differ are refused")
        def _(tmp, ours=ours, theirs=theirs):
            keys = Keys(tmp)
            near, far = pair(keys, ours, theirs, ["kex=psk_ke"], ["kex=psk_dhe_ke"])
            expect_failed(near, "denied", "the server refused", "unknown_psk_identity")
            expect_failed(far, "denied", "this side refused the client", "psk_ke")
            near, far = pair(keys, ours, theirs, ["kex=psk_dhe_ke"], ["kex=psk_ke"])
            # An OpenSSL client cannot help offering psk_dhe_ke too, so it finds out what the server took.
            expect_failed(near, "denied", "psk_ke" if theirs == "openssl" else "the server refused")

        @test.case(f"{ours} server, {theirs} client: each policy with each")
        def _(tmp, ours=ours, theirs=theirs):
            keys = Keys(tmp)
            for (mine, other), expected in POLICIES.items():
                near, far = pair(keys, ours, theirs, [f"qkd={mine}", *SERVER_CERTIFICATE], [f"ca={pki.ca}"], other)
                if expected == KEYED:
                    expect_keyed(near, keys.sha256)
                    expect_keyed(far, keys.sha256)
                elif expected == CLASSIC:
                    expect_classic(near)
                    expect_classic(far)
                    assert near["peer_verified"] and not near["self_certificate"], near
                    assert far["self_certificate"] and not far["peer_verified"], far
                    assert near["peer_subject"] == "CN=localhost,O=Qvisio\\, Ltd.", near
                    assert near["cipher"].startswith("TLS_AES_256_GCM" if other == "off" else "TLS_CHACHA20"), near
                else:
                    expect_failed(near, "denied", "require" if other == "require" else "the server refused")
                    expect_failed(far, "denied", "require" if mine == "require" else "the client refused")

        @test.case(f"{ours} server, {theirs} client: certificates on both sides")
        def _(tmp, ours=ours, theirs=theirs):
            keys = Keys(tmp)
            options = ["qkd=prefer", "verify_client=true", *SERVER_CERTIFICATE]
            near, far = pair(keys, ours, theirs, options, CLIENT_CERTIFICATE, "off")
            expect_classic(near)
            assert near["self_certificate"] and near["peer_verified"], near
            assert far["self_certificate"] and far["peer_verified"], far
            assert far["peer_subject"] == "CN=client,O=Qvisio \\+ Sons,C=FR", far
            near, far = pair(keys, ours, theirs, options, CLIENT_CERTIFICATE, "prefer")
            expect_keyed(near, keys.sha256)
            expect_keyed(far, keys.sha256)

        @test.case(f"{ours} server, {theirs} client: a key for SHA-384")
        def _(tmp, ours=ours, theirs=theirs):
            keys = Keys(tmp)
            near, far = pair(keys, ours, theirs, [], ["--identity", keys.sha384])
            if theirs == "gnutls":
                expect_failed(near, "unsupported", "sha384", "sha256")
            elif ours == "gnutls":
                expect_failed(near, "denied", "the server refused", "handshake_failure")
                expect_failed(far, "denied", "this side refused the client", "sha384")
            else:
                expect_keyed(near, keys.sha384)
                assert near["cipher"] == "TLS_AES_256_GCM_SHA384", near

try:
    test.run()
finally:
    shutil.rmtree(shared, ignore_errors=True)
