# SPDX-License-Identifier: Apache-2.0
"""The TLS modules against programs that others wrote: openssl s_client and s_server, gnutls-cli and gnutls-serv."""

import os
import shutil
import tempfile

import qvtest
from tls_testing import (GNUTLS_PSK, GNUTLS_PSK_ONLY, MODULES, Keys, client, expect_classic, expect_failed,
                         expect_keyed, gnutls_cli, gnutls_serv, s_client, s_server, say, server)

test = qvtest.Test(__file__)
shared = tempfile.mkdtemp(prefix="qvisio-test-")
pki = qvtest.Pki(os.path.join(shared, "pki"))
pem, key = pki.issue("server", subject="/CN=localhost")
CERTIFICATE = [f"certificate={pem}", f"private_key={key}"]
SUITES_256 = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"


def openssl_psk(keys, identity):
    return ["-psk", keys.keys[identity], "-psk_identity", identity]


def gnutls_psk(keys, identity, priority):
    return ["--pskusername", identity, "--pskkey", keys.keys[identity], "--priority", priority]


def converse(listening, process):
    """A line said to our server comes back."""
    outcome = listening.outcome()
    assert outcome["event"] == "session", outcome
    say(process, "hello from outside")
    process.wait_for("hello from outside")
    return outcome


def reverse(test, module, port, keys, *options, expect="olleh"):
    """Our client says hello to a server that answers with `expect`."""
    psk = ["--psk", keys.path] if keys else []
    calling = client(test, module, port, *psk, "--say", "hello", "--expect", expect, *options)
    outcome = calling.outcome()
    if outcome["event"] == "session":
        talked = calling.event("talked", "end")
        assert talked["event"] == "talked", talked
    return outcome


for module in MODULES:
    @test.case(f"{module} server, openssl s_client with a key")
    def _(tmp, module=module):
        keys = Keys(tmp)
        listening = server(test, module, "--psk", keys.path)
        outcome = converse(listening, s_client(test, listening.port, "-quiet", *openssl_psk(keys, keys.sha256)))
        expect_keyed(outcome, keys.sha256)
        assert outcome["cipher"] == "TLS_CHACHA20_POLY1305_SHA256" and outcome["group"] == "x25519", outcome

    @test.case(f"{module} server without Diffie-Hellman, openssl s_client and gnutls-cli with a key")
    def _(tmp, module=module):
        keys = Keys(tmp)
        listening = server(test, module, "kex=psk_ke", "--psk", keys.path)
        outcome = converse(listening, s_client(test, listening.port, "-quiet", "-allow_no_dhe_kex",
                                               *openssl_psk(keys, keys.sha256)))
        expect_keyed(outcome, keys.sha256)
        assert outcome["group"] == "", outcome
        outcome = converse(listening, gnutls_cli(test, listening.port,
                                                 *gnutls_psk(keys, keys.sha256, GNUTLS_PSK_ONLY)))
        expect_keyed(outcome, keys.sha256)
        assert outcome["group"] == "", outcome

    @test.case(f"{module} server, gnutls-cli with a key")
    def _(tmp, module=module):
        keys = Keys(tmp)
        listening = server(test, module, "--psk", keys.path)
        outcome = converse(listening, gnutls_cli(test, listening.port, *gnutls_psk(keys, keys.sha256, GNUTLS_PSK)))
        expect_keyed(outcome, keys.sha256)
        assert outcome["cipher"] == "TLS_CHACHA20_POLY1305_SHA256", outcome

    @test.case(f"{module} server under each policy, classic openssl s_client and gnutls-cli")
    def _(tmp, module=module):
        keys = Keys(tmp)
        for policy in ("require", "prefer", "off"):
            listening = server(test, module, f"qkd={policy}", "--psk", keys.path, *CERTIFICATE)
            for call in (lambda: s_client(test, listening.port, "-quiet", "-CAfile", pki.ca, "-verify_return_error",
                                          "-verify_hostname", "localhost"),
                         lambda: gnutls_cli(test, listening.port, "--x509cafile", pki.ca, "--sni-hostname", "localhost",
                                            "--verify-hostname", "localhost")):
                process = call()
                if policy == "require":
                    expect_failed(listening.outcome(), "denied", "it offers no QKD key", "require")
                    assert process.wait() != 0
                else:
                    outcome = converse(listening, process)
                    expect_classic(outcome)
                    assert outcome["self_certificate"] and outcome["cipher"] == "TLS_AES_256_GCM_SHA384", outcome

    @test.case(f"{module} client, openssl s_server with the key")
    def _(tmp, module=module):
        keys = Keys(tmp)
        _process, port = s_server(test, "-nocert", "-rev", "-ciphersuites", SUITES_256,
                                  *openssl_psk(keys, keys.sha256))
        outcome = reverse(test, module, port, keys)
        expect_keyed(outcome, keys.sha256)
        assert outcome["cipher"] == "TLS_CHACHA20_POLY1305_SHA256" and outcome["group"] == "x25519", outcome

    @test.case(f"{module}: a HelloRetryRequest for another group, as server and as client")
    def _(tmp, module=module):
        keys = Keys(tmp)
        listening = server(test, module, "--psk", keys.path)
        outcome = converse(listening, s_client(test, listening.port, "-quiet", "-groups", "ffdhe2048:P-384",
                                               *openssl_psk(keys, keys.sha256)))
        expect_keyed(outcome, keys.sha256)
        assert outcome["group"] == "secp384r1", outcome
        _process, port = s_server(test, "-nocert", "-rev", "-groups", "P-384", *openssl_psk(keys, keys.sha256))
        outcome = reverse(test, module, port, keys)
        expect_keyed(outcome, keys.sha256)
        assert outcome["group"] == "secp384r1", outcome

    @test.case(f"{module} client, gnutls-serv with the key, with and without Diffie-Hellman")
    def _(tmp, module=module):
        keys = Keys(tmp)
        for kex, priority in (("psk_dhe_ke", GNUTLS_PSK), ("psk_ke", GNUTLS_PSK_ONLY)):
            _process, port = gnutls_serv(test, "--pskpasswd", keys.path, "--priority", priority)
            outcome = reverse(test, module, port, keys, f"kex={kex}", expect="hello")
            expect_keyed(outcome, keys.sha256)
            assert bool(outcome["group"]) == (kex == "psk_dhe_ke"), outcome

    @test.case(f"{module} client under each policy, classic openssl s_server and gnutls-serv")
    def _(tmp, module=module):
        keys = Keys(tmp)
        _process, one = s_server(test, "-cert", pem, "-key", key, "-rev")
        _process, two = gnutls_serv(test, "--x509certfile", pem, "--x509keyfile", key)
        for port, expect in ((one, "olleh"), (two, "hello")):
            for policy in ("require", "prefer", "off"):
                outcome = reverse(test, module, port, None if policy == "off" else keys, f"qkd={policy}",
                                  f"ca={pki.ca}", expect=expect)
                if policy == "require":
                    expect_failed(outcome, "denied", "this side refused the server", "require")
                else:
                    expect_classic(outcome)
                    assert outcome["peer_verified"] and outcome["peer_subject"] == "CN=localhost", outcome

    @test.case(f"{module} client that prefers a key, servers that have both")
    def _(tmp, module=module):
        keys = Keys(tmp)
        _process, one = s_server(test, "-cert", pem, "-key", key, "-rev", *openssl_psk(keys, keys.sha256))
        _process, two = gnutls_serv(test, "--x509certfile", pem, "--x509keyfile", key, "--pskpasswd", keys.path,
                                    "--priority", "NORMAL:+ECDHE-PSK:+DHE-PSK:-VERS-ALL:+VERS-TLS1.3")
        for port, expect in ((one, "olleh"), (two, "hello")):
            expect_keyed(reverse(test, module, port, keys, "qkd=prefer", f"ca={pki.ca}", expect=expect), keys.sha256)

try:
    test.run()
finally:
    shutil.rmtree(shared, ignore_errors=True)
