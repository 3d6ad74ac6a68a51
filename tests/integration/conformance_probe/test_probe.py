# SPDX-License-Identifier: Apache-2.0
"""qkd-conformance against KMEs with one fault each: exactly the checks that are meant for it must notice."""

import atexit
import concurrent.futures
import json
import os
import shutil
import socket
import tempfile

import qvtest
from faults import FAULTS
from stub_kme import STOCK, Answer, Fault, StubKme

test = qvtest.Test(__file__)

FOLDER = tempfile.mkdtemp(prefix="qvisio-stub-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
WORKERS = 4


def make_pki():
    pki = qvtest.Pki(FOLDER)
    pki.issue("stub")
    pki.issue("elsewhere", san="DNS:elsewhere.example")
    qvtest.Pki(os.path.join(FOLDER, "other")).issue("stub")
    for serial in (11, 12, 13, 14):
        pki.issue(f"sae-{serial}", serial=serial, usage="clientAuth")


def certificate(prefix, sae):
    path = os.path.join(FOLDER, f"sae-{sae}")
    return [f"--{prefix}cert", path + ".pem", f"--{prefix}key", path + ".key"]


def everything(port):
    return [f"https://localhost:{port}", "--ca", os.path.join(FOLDER, "ca.pem"), "--master-sae", "11", "--slave-sae", "12",
            "--third-sae", "13", "--additional-slave", "14", *certificate("", 11), *certificate("slave-", 12),
            *certificate("third-", 13), *certificate("additional-", 14), "--max-keys", str(3 * STOCK)]


def run(*arguments):
    return qvtest.run(["qkd-conformance", *arguments], check=False)


def probe(fault, *arguments):
    """(exit status, report) of a run against a stub with the fault."""
    stub = StubKme(FOLDER, fault)
    try:
        only = ["--only", fault.only] if fault.only else []
        done = run(*everything(stub.port), "--format", "json", *only, *arguments)
    finally:
        stub.close()
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def numbers(report, *results):
    return sorted(check["number"] for check in report["checks"] if check["result"] in results)


def explain(report):
    return "\n".join(f"{c['number']} {c['result']}: {c['seen']}" for c in report["checks"]
                     if c["result"] in ("fail", "advice"))


@test.case("a KME without a fault passes everything, and nothing is skipped")
def _(tmp):
    status, report = probe(Fault("none", ""))
    assert numbers(report, "fail", "advice", "skip") == [], [c for c in report["checks"] if c["result"] != "pass"]
    assert status == 0 and report["passed"] == len(report["checks"]) > 100
    assert 0 < report["keys_taken"] <= 3 * STOCK


@test.case("there is a fault for every check, and none for a check that does not exist")
def _(tmp):
    listed = {check["number"] for check in json.loads(run("--list", "--format", "json").stdout)}
    covered = {number for fault in FAULTS for number in fault.fails}
    assert listed == covered, (sorted(listed - covered), sorted(covered - listed))
    alone = {fault.fails[0] for fault in FAULTS if len(fault.fails) == 1}
    assert listed - alone == {"5.1-07"}, sorted(listed - alone)


pool = concurrent.futures.ThreadPoolExecutor(WORKERS)
outcomes = {}


def outcome(fault):
    """Of a run that was started with all the others when the first was asked for."""
    if not outcomes:
        outcomes.update({each.name: pool.submit(probe, each) for each in FAULTS})
    return outcomes[fault.name].result()


def add_case(fault):
    @test.case(f"{fault.name}: {' '.join(fault.fails)}")
    def _(tmp):
        status, report = outcome(fault)
        assert numbers(report, "fail", "advice") == sorted(fault.fails), explain(report)
        assert status == (1 if report["failed"] else 0)


for one in FAULTS:
    add_case(one)

@test.case("advice that is not followed fails nothing, unless --strict says so")
def _(tmp):
    fault = Fault("keys may be cached", "", only="A-08", after=lambda kme, request, answer: answer.headers.pop("Cache-Control"))
    status, report = probe(fault)
    assert status == 0 and numbers(report, "advice") == ["A-08"] and report["failed"] == 0
    status, report = probe(fault, "--strict")
    assert status == 1 and numbers(report, "fail") == ["A-08"] and report["advice"] == 0
    stub = StubKme(FOLDER, fault)
    tap = run(*everything(stub.port), "--only", "A-08", "--format", "tap").stdout
    stub.close()
    assert "\nnot ok 1 - A-08 keys are not for caches # TODO advice beyond the text\n  ---\n" in tap, tap
    assert '\n  seen: "no Cache-Control"\n  ...\n' in tap, tap


HEAD = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\n"
HOSTILE = {
    "an endless body": (HEAD + b"\r\n" + b" " * (1 << 22), "the answer is larger than 256 KiB"),
    "an endless header": (HEAD + b"X: y\r\n" * 100000 + b"\r\n", "no answer: "),
    "a header line that is too long": (HEAD + b"X: " + b"y" * 90000 + b"\r\n\r\n{}", "no answer: "),
    "something that is no HTTP": (b"\0" * 1000, "no answer: "),
    "half an answer": (HEAD + b"Content-Length: 1000\r\n\r\n{", "no answer: "),
    "as many numbers as fit": (HEAD + b"\r\n[" + b"1," * 120000 + b"1]", "the body is "),
    "arrays in arrays": (HEAD + b"\r\n" + b"[" * 100000, "the body is no JSON"),
    "bytes that are no UTF-8": (HEAD + b"\r\n{\"\xff\": 1}", "the body is no JSON"),
    "control characters": (b"HTTP/1.1 400 X\r\n\r\n{\"message\": \"\\u001b[31m\\u0007\\u202e\\n\"}",
                           'HTTP 400, message "?[31m??'),
}


@test.case("hostile answers end no run, and what is shown of them is plain text")
def _(tmp):
    for name, (data, seen) in HOSTILE.items():
        fault = Fault(name, "", before=lambda kme, request, data=data: Answer(0, data), only="5.2-01,5.3-01,5.4-01,6.3")
        status, report = probe(fault, "--timeout", "5")
        first = next(check for check in report["checks"] if check["number"] == "5.2-01")
        connected = first["seen"] if first["result"] != "skip" else "no answer: " + first["seen"]
        assert status in (0, 1) and seen in connected, (name, status, first)
        assert all(c["seen"].isascii() and c["seen"].isprintable() for c in report["checks"]), name


@test.case("numbers beyond all bounds are reckoned with by nobody")
def _(tmp):
    for number in (2**53 + 1, 2**63 - 1, 2**64):
        names = ("key_size", "min_key_size", "max_key_size", "max_key_per_request", "stored_key_count",
                 "max_SAE_ID_count", "max_key_count")

        def after(kme, request, answer, number=number):
            if request.what == "status":
                answer.body.update({name: number for name in names})
        status, report = probe(Fault("huge", "", after=after, only="5.3,6.1,6.2,6.5"))
        assert status == 0, explain(report)
        assert any("not known" in check["seen"] for check in report["checks"])


@test.case("a KME that does not answer is given up after the timeout, with exit status 2")
def _(tmp):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = run(*everything(silent.getsockname()[1]), "--timeout", "1")
    assert done.returncode == 2 and "imed out" in done.stderr and done.stderr.count("\n") == 1, done


make_pki()
test.run()
