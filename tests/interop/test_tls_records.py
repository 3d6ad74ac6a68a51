# SPDX-License-Identifier: Apache-2.0
"""Recorded sessions, decrypted by an independent program: the two directions never share a key, and no two records
share key and nonce. The peer is a foreign one, since only those write their secrets down."""

import json
import os

import qvtest
from tls_testing import (GNUTLS_PSK, MODULES, Keys, Relay, client, expect_keyed, gnutls_cli, gnutls_serv, s_client,
                         s_server, say, server)

test = qvtest.Test(__file__)
LINES = 20


def decrypt(tmp, relay, log):
    paths = []
    for name, data in relay.recorded.items():
        paths.append(os.path.join(tmp, name))
        with open(paths[-1], "wb") as f:
            f.write(data)
    return [json.loads(line) for line in qvtest.run(["tls_records", log, *paths]).stdout.splitlines()]


def check(records):
    """Raises AssertionError unless the records are what section 5 of RFC 8446 wants."""
    assert records
    for record in records:
        assert record["opens"], ("a record does not open with its own side's key", record)
        assert not record["opens_other"], ("a record opens with the other side's key", record)
    used = [(record["key"], record["nonce"]) for record in records]
    assert len(used) == len(set(used)), "two records share key and nonce"
    keys = {side: {record["key"] for record in records if record["from"] == side} for side in ("client", "server")}
    assert not keys["client"] & keys["server"], "both directions use one key"
    for side in keys:
        assert len(keys[side]) == 2, (side, "handshake and application data have a key each", keys)
        assert sum(record["type"] == 23 for record in records if record["from"] == side) >= LINES, side


def examine(tmp, keys, relay, log):
    records = decrypt(tmp, relay, log)
    check(records)
    # The key of the KME itself protects nothing directly.
    raw_key = keys.keys[keys.sha256]
    assert all(record["key"] != raw_key for record in records)
    texts = "".join(bytes.fromhex(record["text"]).decode("latin1") for record in records)
    assert "line 7" in texts, "what was said is in the records"
    return records


def speak(process, relay):
    """Says many lines, each answered before the next; ends the session."""
    for number in range(LINES):
        say(process, f"line {number}")
        process.wait_for(f"line {number}$")
    process.popen.stdin.close()
    process.stop()
    relay.wait()


for module in MODULES:
    for kex in ("psk_dhe_ke", "psk_ke"):
        @test.case(f"{module} server with {kex}, recorded with s_client")
        def _(tmp, module=module, kex=kex):
            keys = Keys(tmp)
            log = os.path.join(tmp, "log")
            listening = server(test, module, "--psk", keys.path, f"kex={kex}")
            relay = Relay(listening.port)
            mode = ["-allow_no_dhe_kex"] if kex == "psk_ke" else []
            process = s_client(test, relay.port, "-quiet", "-keylogfile", log, "-psk", keys.keys[keys.sha256],
                               "-psk_identity", keys.sha256, *mode)
            expect_keyed(listening.outcome(), keys.sha256)
            speak(process, relay)
            listening.event("end")
            examine(tmp, keys, relay, log)

    @test.case(f"{module} server, recorded with gnutls-cli")
    def _(tmp, module=module):
        keys = Keys(tmp)
        log = os.path.join(tmp, "log")
        listening = server(test, module, "--psk", keys.path)
        relay = Relay(listening.port)
        process = gnutls_cli(test, relay.port, "--pskusername", keys.sha256, "--pskkey", keys.keys[keys.sha256],
                             "--priority", GNUTLS_PSK, env={"SSLKEYLOGFILE": log})
        expect_keyed(listening.outcome(), keys.sha256)
        speak(process, relay)
        listening.event("end")
        examine(tmp, keys, relay, log)

    @test.case(f"{module} client, recorded with s_server and gnutls-serv")
    def _(tmp, module=module):
        keys = Keys(tmp)
        logs = [os.path.join(tmp, name) for name in ("one", "two")]
        _process, one = s_server(test, "-nocert", "-rev", "-keylogfile", logs[0], "-psk", keys.keys[keys.sha256],
                                 "-psk_identity", keys.sha256)
        _process, two = gnutls_serv(test, "--pskpasswd", keys.path, "--priority", GNUTLS_PSK,
                                    env={"SSLKEYLOGFILE": logs[1]})
        for port, log in ((one, logs[0]), (two, logs[1])):
            relay = Relay(port)
            calling = client(test, module, relay.port, "--psk", keys.path, "--lines", LINES)
            expect_keyed(calling.outcome(), keys.sha256)
            calling.event("end")
            relay.wait()
            examine(tmp, keys, relay, log)

    @test.case(f"{module}: one key in two sessions still gives other traffic keys")
    def _(tmp, module=module):
        keys = Keys(tmp)
        log = os.path.join(tmp, "log")
        listening = server(test, module, "--psk", keys.path, "kex=psk_ke")
        seen = set()
        for number in range(2):
            relay = Relay(listening.port)
            process = s_client(test, relay.port, "-quiet", "-allow_no_dhe_kex", "-keylogfile", log, "-psk",
                               keys.keys[keys.sha256], "-psk_identity", keys.sha256)
            expect_keyed(listening.outcome(), keys.sha256)
            speak(process, relay)
            listening.event("end")
            used = {record["key"] for record in decrypt(tmp, relay, log)}
            assert len(used) == 4 and not used & seen, number
            seen |= used


@test.case("the examination itself notices a key used in both directions, and a nonce used twice")
def _(tmp):
    module = MODULES[0]
    keys = Keys(tmp)
    log = os.path.join(tmp, "log")
    listening = server(test, module, "--psk", keys.path)
    relay = Relay(listening.port)
    process = s_client(test, relay.port, "-quiet", "-keylogfile", log, "-psk", keys.keys[keys.sha256],
                       "-psk_identity", keys.sha256)
    expect_keyed(listening.outcome(), keys.sha256)
    speak(process, relay)
    listening.event("end")
    records = decrypt(tmp, relay, log)
    check(records)
    ours, theirs = ([r for r in records if r["from"] == side] for side in ("client", "server"))
    # As the original did it: one key and one start of the nonce for both directions.
    shared = [dict(r, key=o["key"], nonce=o["nonce"]) for o, r in zip(ours, theirs)]
    repeated = theirs + [theirs[-1]]
    # A log in which both sides have one secret opens the one side's records only.
    with open(log, encoding="ascii") as f:
        text = f.read()
    mine = next(line for line in text.splitlines() if line.startswith("CLIENT_TRAFFIC_SECRET_0")).split()
    doctored = os.path.join(tmp, "doctored")
    with open(doctored, "w", encoding="ascii") as f:
        f.writelines((" ".join(["SERVER_TRAFFIC_SECRET_0", *mine[1:]]) if line.startswith("SERVER_TRAFFIC_SECRET_0")
                      else line) + "\n" for line in text.splitlines())
    for wrong in (ours + shared, ours + repeated, decrypt(tmp, relay, doctored)):
        try:
            check(wrong)
        except AssertionError:
            continue
        raise AssertionError("not noticed")

test.run()
