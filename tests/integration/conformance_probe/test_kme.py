# SPDX-License-Identifier: Apache-2.0
"""qkd-kme passes every check of qkd-conformance, and the program says plainly what it cannot do."""

import json
import os
import re

import qvkme
import qvtest

test = qvtest.Test(__file__)

PAGE = os.path.join(qvtest.SOURCE, "doc", "man", "qkd-conformance.1")


def run(*arguments):
    return qvtest.run(["qkd-conformance", *arguments], check=False)


def certificate(tmp, prefix, sae):
    path = os.path.join(tmp, f"sae-{sae}")
    return [f"--{prefix}cert", path + ".pem", f"--{prefix}key", path + ".key"]


def basics(tmp, pair):
    return [f"https://localhost:{pair.a.sae_port}", "--ca", os.path.join(tmp, "ca.pem"), "--master-sae", "11",
            "--slave-sae", "12"]


def start(tmp, **options):
    """SAE 11 at KME-A; 12, 13 and 14 at KME-B."""
    pair = qvkme.KmePair(test, tmp, rate=0, start=False, **options,
                         saes_a='{ id = "13"; kme = "KME-B"; }, { id = "14"; kme = "KME-B"; }',
                         saes_b='{ id = "13"; certificate_serial = "13"; }, { id = "14"; certificate_serial = "14"; }')
    for serial in (13, 14):
        pair.pki.issue(f"sae-{serial}", serial=serial, usage="clientAuth")
    pair.a.start()
    pair.b.start()
    pair.a.wait_stock("11", "12", options["stock"])
    return pair


@test.case("qkd-kme passes everything, and with everything given nothing is skipped")
def _(tmp):
    pair = start(tmp, stock=200, keys="max_per_request = 8;")
    password = os.path.join(tmp, "password")
    qvkme.private_file(password, qvkme.PASSWORD + "\n")
    done = run(*basics(tmp, pair), "--cert", os.path.join(tmp, "sae-11.pfx"), "--password-file", password,
               "--slave-url", f"https://localhost:{pair.b.sae_port}", *certificate(tmp, "slave-", 12),
               "--third-sae", "13", *certificate(tmp, "third-", 13),
               "--additional-slave", "14", *certificate(tmp, "additional-", 14), "--max-keys", "400", "--strict",
               "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["passed"] == len(report["checks"]) > 100, [c for c in report["checks"] if c["result"] != "pass"]
    assert report["keys_taken"] <= 400


@test.case("what is not given is skipped with what to give, and no more keys are taken than allowed")
def _(tmp):
    pair = start(tmp, stock=200)
    arguments = [*basics(tmp, pair), *certificate(tmp, "", 11)]
    done = run(*arguments, "--max-keys", "3", "--format", "tap")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "TAP version 14" and re.fullmatch(r"1\.\.\d+", lines[1]), lines[:2]
    results = [line for line in lines if re.match(r"(not )?ok \d+ - ", line)]
    assert [int(line.split()[1]) for line in results] == list(range(1, int(lines[1][3:]) + 1))
    skips = [line for line in results if "# SKIP" in line]
    assert any("give --slave-cert" in line for line in skips)
    assert any("--max-keys 3 leaves" in line for line in skips), skips
    assert pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"] >= 200 - 3 * 4
    done = run(*arguments, "--only", "5.2,6.1-03,A-01", "--skip", "5.2-04")
    assert re.findall(r"pass +(\S+)", done.stdout) == ["5.2-01", "5.2-02", "5.2-03", "6.1-03", "A-01"], done.stdout
    assert "5 checks, which take up to 0 keys" in done.stdout


@test.case("the wrong master's ID fails its check and nothing else")
def _(tmp):
    pair = start(tmp, stock=50)
    arguments = [*basics(tmp, pair), *certificate(tmp, "", 11), "--master-sae", "99", "--only", "6.1"]
    done = run(*arguments)
    assert done.returncode == 1 and re.findall(r"FAIL +(\S+)", done.stdout) == ["6.1-03"], done.stdout
    assert 'seen: "11" instead of "99"' in done.stdout


@test.case("what it cannot run with is said in one line, with exit status 2")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False)
    master = certificate(tmp, "", 11)
    for arguments, message in (
            (["--cert", "x"], "the URL of the KME is missing"),
            (["https://localhost"], "--cert is missing"),
            (["http://localhost", *master, "--master-sae", "11", "--slave-sae", "12"],
             "http://localhost: expected a URL that starts with https://"),
            (["--only", "5.9"], '--only: there is no check or clause "5.9"; see --list'),
            (["--max-keys", "-1"], "--max-keys -1: expected a whole number from 0 to 1000000"),
            (["--format", "xml"], "--format xml: expected text, tap or json"),
            ([*basics(tmp, pair), *master, "--slave-key", "x"], "--slave-key or --slave-password-file without --slave-cert"),
            ([*basics(tmp, pair), *master], "onnect"),
            ([*basics(tmp, pair), "--cert", os.path.join(tmp, "none.pem")], "none.pem"),
    ):
        done = run(*arguments)
        assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1, (arguments, done)


@test.case("the manual page has the list of checks that the program prints")
def _(tmp):
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    found = re.search(r"^\.Sh CHECKS\n.*?(?=^\.Sh )", page, re.MULTILINE | re.DOTALL)
    assert found and found.group(0) == run("--list", "--format", "mdoc").stdout, \
        "replace section CHECKS with the output of `qkd-conformance --list --format mdoc`"


test.run()
