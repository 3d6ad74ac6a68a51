# SPDX-License-Identifier: Apache-2.0
"""The key source etsi014 and qkd-key against a pair of real KMEs."""

import base64
import json
import os
import sys

import qvconform
import qvkme
import qvtest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from drive import Drive, expect  # noqa: E402

test = qvtest.Test(__file__)
for part in (".libs/keysource-etsi014.so", "qkd-kme"):
    if not os.path.exists(os.path.join(qvtest.BUILD, part)):
        print(f"1..0 # SKIP {part} is not built")
        sys.exit(0)


def settings(folder, sae, address, **more):
    base = os.path.join(folder, f"sae-{sae}")
    return {"kme": address, "certificate": base + ".pem", "private_key": base + ".key",
            "ca": os.path.join(folder, "ca.pem"), **more}


def options(*arguments, **more):
    return [f"{name}={value}" for name, value in settings(*arguments, **more).items()]


def config(path, values, role):
    lines = "".join(f'{name} = "{value}";\n' for name, value in values.items())
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'key_source: {{\nmodule = "etsi014";\n{lines}}};\n' if role else lines)
    return path


def run(*arguments):
    return qvtest.run(["qkd-key", *arguments], check=False)


@test.case("qkd-key takes at one KME and claims at the other, with PEM and with PKCS#12")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    a = config(os.path.join(tmp, "a.conf"), settings(tmp, 11, pair.a.address, kme_id="KME-A"), True)
    password = os.path.join(tmp, "password")
    qvkme.private_file(password, qvkme.PASSWORD + "\n")
    b = config(os.path.join(tmp, "b.conf"), {
        "kme": pair.b.address, "certificate": os.path.join(tmp, "sae-12.pfx"), "password_file": password,
        "kme_certificate": os.path.join(tmp, "kme-b.pem")}, True)
    status = json.loads(run("-c", a, "--json", "status", "12").stdout)
    assert status["source_KME_ID"] == "KME-A" and status["target_KME_ID"] == "KME-B", status
    assert status["master_SAE_ID"] == "11" and status["slave_SAE_ID"] == "12", status
    taken = run("-c", a, "-n", "3", "-b", "512", "get", "12")
    assert taken.returncode == 0, taken.stderr
    ids = [line.split()[0] for line in taken.stdout.splitlines()]
    assert len(ids) == 3 and all(len(base64.b64decode(line.split()[1])) == 64 for line in taken.stdout.splitlines())
    claimed = run("-c", b, "claim", "11", *ids)
    assert claimed.returncode == 0 and claimed.stdout == taken.stdout, claimed.stderr
    again = run("-c", b, "claim", "11", ids[0])
    assert again.returncode == 4 and ids[0] in again.stderr, again.stderr
    wrong = run("-c", a, "-b", "8388600", "get", "12")
    assert wrong.returncode == 2, wrong.stderr


@test.case("errors of a real KME: a stranger's certificate, an unknown peer, the wrong KME")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    pair.pki.issue("sae-99", serial=99, usage="clientAuth")
    with Drive(*options(tmp, 99, pair.a.address)) as sae:
        expect(sae("take 12 256"), "error denied", "HTTP 401")
    with Drive(*options(tmp, 11, pair.a.address)) as sae:
        assert sae("self 12") == "ok 11"
        answer = sae("take 77 256")
        assert answer.startswith("error ") and "HTTP 4" in answer, answer
        expect(sae("claim 12 00000000-0000-4000-8000-000000000000"), "error not-found", "not found")
    with Drive(*options(tmp, 11, pair.a.address, kme_id="KME-B")) as sae:
        expect(sae("take 12 256"), "error denied", "KME-A", "KME-B")


@test.case("several keys are taken and claimed in one request, each in its place; with one missing, none")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    with Drive(*options(tmp, 11, pair.a.address)) as sae, Drive(*options(tmp, 12, pair.b.address)) as peer:
        taken = dict(key.split(":") for key in sae("several 16 12").removeprefix("ok ").split(","))
        assert len(taken) == 16 and len(set(taken.values())) == 16, taken
        ids = list(reversed(taken))
        first, rest = ids[:3], ids[3:]
        claimed = peer("all 11 " + ",".join(first))
        assert claimed == "ok " + ",".join(f"{key_id}:{taken[key_id]}" for key_id in first), claimed
        expect(peer("all 11 " + ",".join(rest[:2] + first[:1])), "error not-found")
        for key_id in rest:
            expect(peer("claim 11 " + key_id), f"ok {key_id} 32 {taken[key_id]}")


@test.case("the conformance suite passes between two real KMEs")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    qvconform.check("keysource/etsi014", "--peer", "12",
                    "--config", config(os.path.join(tmp, "a"), settings(tmp, 11, pair.a.address), False),
                    "--peer-config", config(os.path.join(tmp, "b"), settings(tmp, 12, pair.b.address), False))


@test.case("a KME killed amid requests: no key comes twice, and every one that came can be claimed")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    seen = {}
    with Drive(*options(tmp, 11, pair.a.address)) as sae, Drive(*options(tmp, 12, pair.b.address)) as peer:
        for _round in range(3):
            for _ in range(3):
                sae.send("threads 8 12")
            first = sae.answer()
            pair.a.kill()
            for answer in [first] + [sae.answer() for _ in range(23)]:
                if answer.startswith("ok "):
                    key_id, size, start = answer.split()[1:]
                    assert key_id not in seen, answer
                    seen[key_id] = start
                else:
                    expect(answer, "error ")
            pair.a.start()
            expect(sae("take 12 256"), "ok ")
        assert seen
        for key_id, start in seen.items():
            assert peer(f"claim 11 {key_id}") == f"ok {key_id} 32 {start}"
            expect(peer(f"claim 11 {key_id}"), "error not-found")


@test.case("with a dead address first, the living KME serves")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    with Drive(*options(tmp, 11, f"localhost:{qvtest.free_port()},{pair.a.address}")) as sae:
        expect(sae("take 12 256"), "ok ")
        assert "asking the next" in sae.end()


test.run()
