# SPDX-License-Identifier: Apache-2.0
"""What a TLS module makes of peers that are wrong, hostile, slow or gone, and of settings that it cannot honour."""

import os
import shutil
import signal
import socket
import tempfile

import qvtest
from tls_testing import (MODULES, Keys, Relay, client, expect_classic, expect_failed, expect_keyed, foreign, in_memory,
                         s_client, s_server, server)

test = qvtest.Test(__file__)
shared = tempfile.mkdtemp(prefix="qvisio-test-")
pki = qvtest.Pki(os.path.join(shared, "pki"))
other_pki = qvtest.Pki(os.path.join(shared, "other"), name="Another CA")
good = pki.issue("good", subject="/CN=localhost")
expired = pki.issue("expired", subject="/CN=localhost", not_after="210101000000Z")
elsewhere = pki.issue("elsewhere", subject="/CN=example.org", san="DNS:example.org,IP:192.0.2.1")
untrusted = other_pki.issue("untrusted", subject="/CN=localhost")
client_only = pki.issue("client-only", subject="/CN=localhost", usage="clientAuth")


def certificate(pair):
    return [f"certificate={pair[0]}", f"private_key={pair[1]}"]


def raw(port, data=b"", close=False):
    connection = socket.create_connection(("127.0.0.1", port))
    if data:
        connection.sendall(data)
    if close:
        connection.shutdown(socket.SHUT_WR)
    return connection


def plain_alert(connection):
    """The alert number of a record that is not encrypted; everything up to the end is read."""
    data = b""
    while piece := connection.recv(4096):
        data += piece
    return data[6] if len(data) == 7 and data[0] == 21 else None


for ours in MODULES:
    for theirs in MODULES:
        @test.case(f"{ours} server, {theirs} client: different keys under one key_ID")
        def _(tmp, ours=ours, theirs=theirs):
            keys, wrong = Keys(tmp), Keys(tmp, "wrong.txt")
            for policy in ("require", "prefer"):
                listening = server(test, ours, "--psk", keys.path, f"qkd={policy}", *certificate(good))
                calling = client(test, theirs, listening.port, "--psk", wrong.path, f"qkd={policy}", f"ca={pki.ca}")
                expect_failed(calling.outcome(), "denied", "the server refused", "different keys")
                expect_failed(listening.outcome(), "denied", "this side refused the client", "different keys")

        @test.case(f"{ours} server, {theirs} client: a key that the server cannot find")
        def _(tmp, ours=ours, theirs=theirs):
            keys = Keys(tmp)
            unknown = Keys(tmp, "unknown.txt")
            unknown.keys = {"qkd1/sha256/unknown/alice": os.urandom(32).hex()}
            unknown.write()
            listening = server(test, ours, "--psk", keys.path)
            calling = client(test, theirs, listening.port, "--psk", unknown.path)
            expect_failed(calling.outcome(), "denied", "the server refused", "unknown_psk_identity")
            expect_failed(listening.outcome(), "denied", "this side refused the client", "no key of that identity")
            listening = server(test, ours, "--psk", keys.path, "qkd=prefer", *certificate(good))
            calling = client(test, theirs, listening.port, "--psk", unknown.path, "qkd=prefer", f"ca={pki.ca}")
            expect_classic(calling.outcome())
            expect_classic(listening.outcome())
            calling = client(test, theirs, listening.port, "--psk", unknown.path)
            expect_failed(calling.outcome(), "denied", "this side refused the server", "require")
            expect_failed(listening.outcome(), "denied", "the client refused")

        @test.case(f"{ours} server, {theirs} client: certificates that must be refused")
        def _(tmp, ours=ours, theirs=theirs):
            keys = Keys(tmp)
            for pair, host, alert in ((expired, "localhost", "certificate_expired"),
                                      (elsewhere, "localhost", "bad_certificate"),
                                      (elsewhere, "127.0.0.1", "bad_certificate"),
                                      (untrusted, "localhost", "unknown_ca"),
                                      (client_only, "localhost", "certificate")):
                listening = server(test, ours, "qkd=off", *certificate(pair))
                calling = client(test, theirs, listening.port, "--host", host, "qkd=off", f"ca={pki.ca}")
                expect_failed(calling.outcome(), "denied", "this side refused the certificate of the server")
                expect_failed(listening.outcome(), "denied", "the client refused", alert)
            listening = server(test, ours, "qkd=prefer", "--psk", keys.path, *certificate(elsewhere))
            for options in (["--host", "example.org"], ["--host", "192.0.2.1"], ["server_name=example.org"]):
                calling = client(test, theirs, listening.port, "qkd=off", f"ca={pki.ca}", *options)
                expect_classic(calling.outcome())
                expect_classic(listening.outcome())

        @test.case(f"{ours} server, {theirs} client: client certificates that must be refused")
        def _(tmp, ours=ours, theirs=theirs):
            listening = server(test, ours, "qkd=off", "verify_client=true", f"ca={pki.ca}", *certificate(good))
            for options, words in (([], ["it showed no certificate"]), (certificate(untrusted), ["certificate of"]),
                                   (certificate(expired), ["certificate of"])):
                calling = client(test, theirs, listening.port, "--linger", 1, "qkd=off", f"ca={pki.ca}", *options)
                # In TLS 1.3 a client is done before the server has seen its certificate.
                expect_classic(calling.outcome())
                end = calling.event("end")
                assert end["code"] == "denied" and "the server refused with TLS alert" in end["message"], end
                expect_failed(listening.outcome(), "denied", "this side refused", *words)

        @test.case(f"{ours} server, {theirs} client: a connection cut without close_notify")
        def _(tmp, ours=ours, theirs=theirs):
            keys = Keys(tmp)
            listening = server(test, ours, "--psk", keys.path)
            calling = client(test, theirs, listening.port, "--psk", keys.path, "--send", 5000, "--cut", 1)
            expect_keyed(listening.outcome(), keys.sha256)
            end = listening.event("end")
            assert end["code"] == "truncated" and end["bytes"] == 5000, end
            listening = server(test, ours, "--psk", keys.path, "--cut", 1)
            calling = client(test, theirs, listening.port, "--psk", keys.path, "--send", 5000, "--linger", 1)
            expect_keyed(calling.outcome(), keys.sha256)
            end = calling.event("end")
            assert end["code"] == "truncated" and "without close_notify" in end["message"], end

        @test.case(f"{ours} server, {theirs} client: a connection cut at every kind of place")
        def _(tmp, ours=ours, theirs=theirs):
            keys = Keys(tmp)
            listening = server(test, ours, "--psk", keys.path)
            for cut in (1, 5, 60, 130, 200, 260, 300, 1000, 5200):
                relay = Relay(listening.port, cut_after=cut)
                calling = client(test, theirs, relay.port, "--psk", keys.path, "--send", 5000, "--linger", 1)
                end = calling.event("end", "failed")
                assert end["code"] == "truncated", (cut, end)
                calling.process.wait()

for module in MODULES:
    @test.case(f"{module}: a TLS 1.2 client and a TLS 1.2 server")
    def _(tmp, module=module):
        keys = Keys(tmp)
        for policy in ("require", "prefer", "off"):
            listening = server(test, module, "--psk", keys.path, f"qkd={policy}", *certificate(good))
            process = s_client(test, listening.port, "-tls1_2")
            expect_failed(listening.outcome(), "protocol", "this side refused the client", "does not offer TLS 1.3")
            process.wait_for("alert protocol version")
        _process, port = s_server(test, "-tls1_2", "-cert", good[0], "-key", good[1])
        for policy in ("require", "prefer", "off"):
            psk = [] if policy == "off" else ["--psk", keys.path]
            calling = client(test, module, port, *psk, f"qkd={policy}", f"ca={pki.ca}")
            expect_failed(calling.outcome(), "protocol", "TLS 1.3")

    @test.case(f"{module}: garbage in the place of a handshake")
    def _(tmp, module=module):
        keys = Keys(tmp)
        listening = server(test, module, "--psk", keys.path)
        for data in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\0" * 64, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
                     b"\x16\x03\x01\xff\xff" + b"\x01" * 70000, b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x00\x20" + b"x" * 32):
            connection = raw(listening.port)
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            outcome = listening.outcome()
            expect_failed(outcome, outcome["code"])
            assert outcome["code"] in ("protocol", "truncated", "denied"), outcome
            connection.close()
        connection = raw(listening.port, close=True)
        expect_failed(listening.outcome(), "truncated", "the client ended the connection during the handshake")
        connection.close()
        calling = client(test, module, listening.port, "--psk", keys.path, "--send", 100)
        expect_keyed(calling.outcome(), keys.sha256)

    @test.case(f"{module} client: garbage, alerts and silence from a server")
    def _(tmp, module=module):
        keys = Keys(tmp)
        for answer, codes in ((b"HTTP/1.1 400 Bad Request\r\n\r\n", ("protocol",)), (b"", ("truncated",)),
                              (b"\x15\x03\x03\x00\x02\x02\x73", ("denied",)), (b"\x16\x03\x03\x00\x04\x02\0\0\0", ("protocol",)),
                              (b"\x15\x03\x03\x00\x02\x02\x50", ("protocol",))):
            listener = socket.create_server(("127.0.0.1", 0))
            calling = client(test, module, listener.getsockname()[1], "--psk", keys.path)
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            outcome = calling.outcome()
            expect_failed(outcome, outcome["code"], "server")
            assert outcome["code"] in codes, (answer, outcome)
            connection.close()
            listener.close()

    @test.case(f"{module}: a silent client times out, and holds up nobody")
    def _(tmp, module=module):
        keys = Keys(tmp)
        listening = server(test, module, "--psk", keys.path, "handshake_timeout=1500")
        silent = raw(listening.port)
        half = raw(listening.port, b"\x16\x03\x01\x02\x00\x01")
        calling = client(test, module, listening.port, "--psk", keys.path, "--send", 1000)
        expect_keyed(calling.outcome(), keys.sha256)
        outcome = listening.outcome()
        expect_keyed(outcome, keys.sha256)
        assert outcome["number"] == 3, outcome
        for _unused in range(2):
            expect_failed(listening.event("failed"), "timeout", "the client did not finish", "1500 ms")
        assert plain_alert(silent) == 90 and plain_alert(half) == 90
        silent.close()
        half.close()

    @test.case(f"{module}: a silent server times out")
    def _(tmp, module=module):
        keys = Keys(tmp)
        listener = socket.create_server(("127.0.0.1", 0))
        calling = client(test, module, listener.getsockname()[1], "--psk", keys.path, "handshake_timeout=300")
        expect_failed(calling.outcome(), "timeout", "the server did not finish", "300 ms")
        listener.close()

    @test.case(f"{module}: a handshake is cancelled by the host")
    def _(tmp, module=module):
        keys = Keys(tmp)
        listening = server(test, module, "--psk", keys.path, "handshake_timeout=60000")
        silent = raw(listening.port)
        listening.process.signal(signal.SIGUSR1)
        expect_failed(listening.outcome(), "cancelled", "TLS handshake", "cancelled")
        assert plain_alert(silent) == 90
        silent.close()
        listener = socket.create_server(("127.0.0.1", 0))
        calling = client(test, module, listener.getsockname()[1], "--psk", keys.path, "handshake_timeout=60000")
        connection, _ = listener.accept()
        hello = connection.recv(65536)
        calling.process.signal(signal.SIGUSR1)
        expect_failed(calling.outcome(), "cancelled")
        assert hello and plain_alert(connection) == 90
        connection.close()
        listener.close()

    @test.case(f"{module}: settings that cannot be honoured are errors at open")
    def _(tmp, module=module):
        keys = Keys(tmp)
        broken = os.path.join(tmp, "broken.pem")
        with open(broken, "w", encoding="ascii") as f:
            f.write("no certificate\n")
        readable = os.path.join(tmp, "readable.key")
        shutil.copy(good[1], readable)
        os.chmod(readable, 0o644)
        encrypted = os.path.join(tmp, "encrypted.key")
        qvtest.run(["openssl", "pkey", "-in", good[1], "-aes256", "-passout", "pass:x", "-out", encrypted])
        os.chmod(encrypted, 0o600)
        os.chmod(broken, 0o600)
        cases = [
            (["qkd=off", f"certificate={good[0]}"], "certificate: private_key is missing"),
            (["qkd=off", f"certificate={broken}", f"private_key={good[1]}"], "broken.pem"),
            (["qkd=off", f"certificate={good[0]}", f"private_key={broken}"], "broken.pem"),
            (["qkd=off", f"certificate={good[0]}", f"private_key={expired[1]}"], "does not belong to the certificate"),
            (["qkd=off", f"certificate={good[0]}", f"private_key={readable}"], "chmod 600"),
            (["qkd=off", f"certificate={good[0]}", f"private_key={encrypted}"], "without a passphrase"),
            (["qkd=off", f"certificate={good[0]}", "private_key=/nonexistent"], "No such file"),
            (["qkd=off", f"ca={broken}"], "ca: "),
        ]
        if module == "gnutls":
            cases.append((["hash=sha384"], "GnuTLS takes no external PSKs with sha384"))
        for options, words in cases:
            calling = client(test, module, 1, "--psk", keys.path, *options)
            expect_failed(calling.outcome(), "config", words)
        listening = server(test, module, "qkd=off")
        connection = raw(listening.port)
        expect_failed(listening.outcome(), "config", "set certificate and private_key")
        connection.close()

    @test.case(f"{module}: a private key that its group may read gets a warning")
    def _(tmp, module=module):
        readable = os.path.join(tmp, "group.key")
        shutil.copy(good[1], readable)
        os.chmod(readable, 0o640)
        listening = server(test, module, "qkd=off", f"certificate={good[0]}", f"private_key={readable}")
        assert "the whole group may read" in listening.process.output() + "\n".join(listening.process.lines)

    @test.case(f"{module}: keys and policies that do not fit together")
    def _(tmp, module=module):
        keys = Keys(tmp)
        short = Keys(tmp, "short.txt")
        short.keys = {"qkd1/sha256/short/alice": "00" * 15}
        short.write()
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        for psk, options, words in (([], [], "there is no QKD key"), (["--psk", keys.path], ["qkd=off"], "off"),
                                    (["--psk", short.path], [], "15 bytes")):
            expect_failed(client(test, module, port, *psk, *options).outcome(), "invalid", words)
        listener.close()

    @test.case(f"{module}: secrets are not written where SSLKEYLOGFILE says")
    def _(tmp, module=module):
        keys = Keys(tmp)
        log = os.path.join(tmp, "secrets.log")
        listening = server(test, module, "--psk", keys.path, env={"SSLKEYLOGFILE": log})
        calling = client(test, module, listening.port, "--psk", keys.path, "--send", 10, env={"SSLKEYLOGFILE": log})
        expect_keyed(calling.outcome(), keys.sha256)
        calling.event("end")
        assert not os.path.exists(log) or os.path.getsize(log) == 0

    @test.case(f"{module}: no session ticket is sent, and none is needed")
    def _(tmp, module=module):
        keys = Keys(tmp)
        listening = server(test, module, "qkd=prefer", "--psk", keys.path, *certificate(good))
        process = foreign(test, ["openssl", "s_client", "-connect", f"127.0.0.1:{listening.port}", "-msg"])
        expect_classic(listening.outcome())
        process.popen.stdin.write(b"hello\n")
        process.popen.stdin.flush()
        process.wait_for("^hello")
        assert "NewSessionTicket" not in "\n".join(process.lines)
        process.popen.stdin.close()

for ours in MODULES:
    for theirs in MODULES:
        @test.case(f"{ours} server, {theirs} client: after the handshake no QKD key is left in memory")
        def _(tmp, ours=ours, theirs=theirs):
            for kex in ("psk_dhe_ke", "psk_ke"):
                keys = Keys(tmp)
                secret = bytes.fromhex(keys.keys[keys.sha256])
                listening = server(test, ours, "--psk", keys.path, f"kex={kex}")
                calling = client(test, theirs, listening.port, "--psk", keys.path, f"kex={kex}", "--send", 1000, "--linger", 1)
                expect_keyed(calling.outcome(), keys.sha256)
                expect_keyed(listening.outcome(), keys.sha256)
                assert calling.event("talked", "end")["event"] == "talked"
                assert in_memory(calling.process.pid, secret) == 0, f"{theirs} client, {kex}"
                assert in_memory(listening.process.pid, secret) == 0, f"{ours} server, {kex}"

try:
    test.run()
finally:
    shutil.rmtree(shared, ignore_errors=True)
