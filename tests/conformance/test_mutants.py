# SPDX-License-Identifier: Apache-2.0
"""The conformance suite notices what it is there to notice: good modules with one thing broken fail the case meant."""

import base64
import concurrent.futures
import os
import re
import shlex
import tempfile

import qvtest

test = qvtest.Test(__file__)
MUTANTS = os.path.join(qvtest.SOURCE, "tests", "modules", "mutants")

# Kind and module; {mutation: a word of each case that has to fail, separated by |; a '+' first: others may fail too}.
TABLE = {
    ("videosource", "testpattern"): {
        "NONE": "",
        "SUMMARY": "descriptor", "HELP": "option table", "DEFAULT": "+option table", "TWICE": "+option table",
        "NAME": "+option table", "CHOICES": "+option table", "UNIT": "option table", "UNUSED_FILE": "does not exist",
        "EXPORT": "only qv_module", "GLOBAL": "writable global", "CLOSE_NULL": "closing NULL",
        "UNDECLARED": "declared options", "WRONG_TYPE": "+declared options", "LEAK": "leave no descriptor",
        "RANGE_END": "ends of each range", "ALONE": "writable global|side by side", "DEAF": "cancelled read",
        "DEAF_TO_WISHES": "only wanted", "NO_ERROR": "only wanted", "FUTURE": "frames are sound",
        "BACKWARDS": "frames are sound", "SEQUENCE": "frames are sound", "FORMAT": "+frames are sound",
        "UNSOUND": "+frames are sound", "EXIT": "+frames are sound",
    },
    ("videosink", "null"): {
        "CREDULOUS": "do not hold", "PICKY": "+each planar", "RIGID": "size and format", "POLL": "status and poll"},
    ("videocodec", "mjpeg"): {
        "STUCK": "damaged", "CRASH": "damaged", "CODE": "damaged", "NO_ERROR": "damaged", "PLANES": "+come back",
        "TIME": "+come back", "UNSOUND": "+come back", "CREDULOUS": "do not hold", "JPEG": "passed through",
        "WIRE_NAME": "wire name"},
    ("audiosource", "tone"): {
        "DEAF": "cancelled", "CREDULOUS": "+cannot be", "WAITS": "+without waiting", "FUTURE": "sound, in order",
        "OVERLAP": "sound, in order", "FORMAT": "sound, in order", "LONG": "sound, in order"},
    ("audiosink", "null"): {
        "CREDULOUS": "another format", "SHORT": "+any length", "DELAY": "any length", "PACED": "cancelled"},
    ("audiocodec", "pcm"): {"CODE": "damaged", "NOISE": "sound comes back", "PLAN": "+wire name and plan"},
    ("audiofilter", "speexdsp"): {
        "PLAN": "agree on rates", "LONG": "+agree on rates", "CREDULOUS": "+rates that cannot be", "HUM": "silence",
        "LAG": "+as late as it says", "DEAF": "+as late as it says", "ECHO": "an echo is weakened", "LOUD": "+voice passes",
        "METERS": "+meters", "LEVEL": "meters", "FAILS": "+any sound", "RANDOM": "the same sound"},
    ("keysource", "psk"): {
        "SIZE": "multiple of 8", "SAME_ID": "+are distinct", "ID_BLANK": "+are distinct", "ZERO": "+are distinct",
        "SAME_KEY": "+are distinct", "CLAIM_OTHER": "peer claims", "CLAIM_ANY": "peer claims|unknown and malformed",
        "NO_ERROR": "peer claims|unknown and malformed", "STATUS": "status", "SELF": "+own SAE ID",
        "CLAIM_TWICE": "peer claims", "THREADS": "threads can share", "CANCEL": "a cancelled call"},
    ("tls", "openssl"): {
        "ANY_KEY": "different keys", "ANY_IDENTITY": "different keys|does not know", "FACTS": "+psk_dhe_ke",
        "EXPORT": "+psk_dhe_ke", "SHUTDOWN": "close_notify", "TRUNCATION": "close_notify", "DATA": "megabyte",
        "DEAF": "+cancelled", "PATIENT": "+silent peer",
        "LAX_SERVER": "refuses a client", "LAX_CLIENT": "refuses a server"},
    ("keystore", "sqlite"): {
        "FORGETFUL": "+close and open|never closed", "PROPERTY": "set once|close and open|never closed",
        "LATE": "never closed", "STOCK": "+new lane", "IMPORT": "imported once", "FIND": "imported once",
        "CURSOR": "imported once", "OWN": "+reserve takes", "ORPHANS": "+reserve takes",
        "VOLATILE": "close and open",
        "RESERVE_PART": "+reserve takes", "RESERVE_HELD": "released keys", "RESERVE_FOR_ALL": "rival threads",
        "KEEP_RESERVED": "+released keys", "NEVER_DISCARD": "released keys", "FINISH": "finished keys",
        "SETTLE_PART": "whole or not", "SETTLE_AGAIN": "settles once|close and open|never closed",
        "DELIVER_TWICE": "+delivered once", "DELIVER_IN_TURN": "delivered once",
        "DELIVER_TO_ANYONE": "nobody else", "DELIVER_EXPIRED": "expired keys", "PURGE": "expired keys",
        "PURGE_HIDES": "expired keys",
        "DISCARD_OTHERS": "compare their pools", "LACKS_NOTHING": "compare their pools",
        "UNDO_LOSES": "what is undone", "UNDO_DELIVERED": "what is undone",
        "UNDO_KNOWN": "close and open|never closed"},
    ("qkdlink", "simulated"): {
        "KEY": "+same keys", "GREEDY": "+same keys", "MIXED": "+no label and no key", "CONSTANT": "no label and no key",
        "SAME_LABELS": "no label and no key", "REWIND": "opened at a cursor", "NO_ERROR": "none of its own"},
    ("relay", "recursive"): {
        "KEYS": "+keys arrive", "SHORT": "any size", "DIRTY": "what is lost", "NO_ERROR": "+what is lost",
        "CREDULOUS": "damaged", "RESTLESS": "keys arrive", "PLAIN": "+not the keys", "SAME": "+never the same",
        "STRAY": "+keys arrive", "TWICE": "only the origin", "DIGEST": "digests", "COUNT": "keys arrive",
        "TOLERANCE": "what is lost", "LOAD": "keys arrive", "NO_REASON": "no route", "ROOMY": "any size",
        "HOPEFUL": "what is lost", "LANES": "what is lost"},
}
# Most of the time goes by in suites that wait: for what hangs, and for two seconds to open a store in use.
JOBS = 6
HANGS = {("audiosource", "WAITS"), ("tls", "DEAF"), ("tls", "PATIENT")}


def arguments_for(kind, tmp):
    if kind == "keystore":
        return ["file=" + os.path.join(tmp, "keys.db")]
    if kind == "qkdlink":
        path = os.path.join(tmp, "secret")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write("x" * 64)
        return ["secret_file=" + path, "stock=100"]
    if kind != "keysource":
        return []
    keys = "".join(f"key-{i} {base64.b64encode(os.urandom(32)).decode()}\n" for i in range(60))
    arguments = ["--peer", "bob"]
    for name, option in (("alice", "--config"), ("bob", "--peer-config")):
        with open(os.open(os.path.join(tmp, name + ".keys"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(keys)
        with open(os.path.join(tmp, name + ".conf"), "w", encoding="ascii") as f:
            f.write(f'keys = "{name}.keys"; sae_id = "{name}";\n')
        arguments += [option, os.path.join(tmp, name + ".conf")]
    return arguments


def build(kind, name, mutation, folder):
    os.mkdir(folder)
    path = os.path.join(folder, f"{kind}-{name}.so")
    original = os.path.join(qvtest.BUILD, ".libs", f"{kind}-{name}.so")
    qvtest.run([*shlex.split(os.environ.get("QV_CC", "cc")), *shlex.split(os.environ.get("QV_CFLAGS", "")), "-shared",
                "-fPIC", "-fvisibility=hidden", "-D_GNU_SOURCE", "-I", os.path.join(qvtest.SOURCE, "include"),
                f'-DORIGINAL="{os.path.realpath(original)}"', f"-DMUTATE_{mutation}", f'-DMUTATION="{mutation}"', "-o", path,
                os.path.join(MUTANTS, kind + ".c")])
    return path


def failing_cases(kind, name, mutation, tmp):
    folder = os.path.join(tmp, mutation)
    module = build(kind, name, mutation, folder)
    timeout = ["--timeout", "3"] if (kind, mutation) in HANGS else []
    done = qvtest.run(["qvisio-module", "check", *timeout, module, *arguments_for(kind, folder)], check=False, timeout=300)
    failing = re.findall(r"^not ok \d+ - [^:]*: (.*)$", done.stdout, re.M)
    assert done.returncode in (0, 1), done.stderr
    assert (done.returncode == 1) == bool(failing), f"status {done.returncode}\n{done.stdout}{done.stderr}"
    return failing


def judge(kind, name, mutation, expected, tmp):
    """What is wrong with how the suite judged a mutant, or None."""
    failing = failing_cases(kind, name, mutation, tmp)
    words = [w for w in expected.lstrip("+").split("|") if w]
    unseen = [w for w in words if not any(w in case for case in failing)]
    others = [case for case in failing if not any(w in case for w in words)]
    if unseen:
        return f"{mutation}: no failed case is about \"{unseen[0]}\"; failed: {failing}"
    if others and not expected.startswith("+"):
        return f"{mutation}: these failed, too: {others}"
    return None


def add_case(kind, name, judged):
    @test.case(f"mutants of {kind}/{name}")
    def _(_tmp):
        if not judged:
            raise qvtest.Skip(f"{kind}/{name} is not built")
        faults = [f for f in (future.result() for future in judged) if f]
        assert not faults, "\n".join(faults)


with tempfile.TemporaryDirectory(prefix="qvisio-test-") as root, concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
    # Those that wait most go first.
    for (a_kind, a_name), some in sorted(TABLE.items(), key=lambda row: row[0][0] not in ("keystore", "tls")):
        built = os.path.exists(os.path.join(qvtest.BUILD, ".libs", f"{a_kind}-{a_name}.so"))
        place = os.path.join(root, a_kind)
        os.mkdir(place)
        add_case(a_kind, a_name, [pool.submit(judge, a_kind, a_name, mutant, words, place)
                                  for mutant, words in some.items() if built])
    test.run()
