# SPDX-License-Identifier: Apache-2.0
"""qkd-conformance against KMEs with one fault each: exactly the checks that are meant for it must notice."""

import atexit
import concurrent.futures
import json
import os
import shutil
import subprocess
import tempfile

import qvtest
from faults import FAULTS
from stub_kme import STOCK, Fault, StubKme

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
    return subprocess.run([qvtest.program("qkd-conformance"), *arguments], capture_output=True, text=True, check=False,
                          timeout=qvtest.TIMEOUT)


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

make_pki()
test.run()
