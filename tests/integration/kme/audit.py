# SPDX-License-Identifier: Apache-2.0
"""The audit log: what is in it, that its chain shows every kind of tampering, and that it outlives crashes."""

import glob
import json
import os
import resource
import secrets
import signal
import threading

import qvkme
import qvtest

test = qvtest.Test(__file__)

ENC = "/api/v1/keys/12/enc_keys"
DEC = "/api/v1/keys/11/dec_keys"


def watched_pair(tmp, options="", **pair_options):
    pair = qvkme.KmePair(test, tmp, start=False, rate=0, **{"stock": 100, **pair_options})
    for kme in (pair.a, pair.b):
        with open(kme.config, "a", encoding="ascii") as f:
            f.write(f'audit: {{ file = "{kme.name}.audit"; {options} }};\n')
        kme.log = os.path.join(tmp, kme.name + ".audit")
        kme.seal = os.path.join(tmp, kme.name + ".seal")
    pair.a.start(), pair.b.start()
    pair.a.wait_stock("11", "12", 50)
    pair.b.wait_stock("12", "11", 50)
    return pair


def lines_of(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def verify(*paths, seal=None, noted=None):
    options = (["--seal-key", seal] if seal else []) + (["--noted", noted] if noted is not None else [])
    done = qvtest.run(["qkd-kme", "--verify-audit", *options, *paths], check=False)
    assert done.returncode in (0, 1, 2) and not done.stderr, done
    return done.returncode, done.stdout


def whole(*paths, **options):
    status, said = verify(*paths, **options)
    assert status == 0 and "the chain is whole" in said, said
    return said.splitlines()[-1].removeprefix("last ")


@test.case("every event of a key is in the log of its KME, in order, and no key is")
def _(tmp):
    pair = watched_pair(tmp)
    keys, _ = pair.share(2)
    ids = [key["key_ID"] for key in keys]
    assert pair.b.call("12", "GET", f"{DEC}?key_ID={ids[0]}")[0] == 400
    assert pair.a.call("11", "GET", "/api/v1/keys/12/enc_keys?number=99")[0] == 503
    pair.a.stop(), pair.b.stop()
    here = [(l["event"], l.get("to"), l.get("api"), l.get("master"), l.get("slave"), l.get("peer"), l.get("key_ID"))
            for l in lines_of(pair.a.log)]
    both = ("11", "12", "KME-B")
    assert here[0][0] == "started" and here[-1][0] == "stopped"
    assert here[1:-2] == [("activated", None, "enc_keys", *both, i) for i in ids] + [
        ("delivered", "master", "enc_keys", *both, i) for i in ids], here
    refused = lines_of(pair.a.log)[-2]
    assert (refused["event"], refused["api"], refused["status"]) == ("refused", "enc_keys", 503) and refused["cause"]
    there = lines_of(pair.b.log)
    assert [(l["event"], l.get("to"), l.get("api"), l.get("key_ID")) for l in there[1:6]] == [
        ("activated", None, "inter-kme", i) for i in ids] + [
        ("delivered", "slave", "dec_keys", i) for i in ids] + [("refused", None, "dec_keys", ids[0])], there
    text = open(pair.a.log, encoding="utf-8").read() + open(pair.b.log, encoding="utf-8").read()
    assert all(key["key"] not in text for key in keys)
    assert [l["sequence"] for l in there] == list(range(1, len(there) + 1))
    for kme in (pair.a, pair.b):
        last = whole(kme.log, seal=kme.seal)
        assert whole(kme.log) == last and whole(kme.log, noted=last) == last
        assert os.stat(kme.log).st_mode & 0o077 == 0


@test.case("each kind of tampering is found: changed, removed, moved, repeated, inserted, cut, made under another key")
def _(tmp):
    pair = watched_pair(tmp)
    pair.share(3)
    log, seal = pair.a.log, pair.a.seal
    noted = whole(log)
    pair.share(2)
    pair.a.stop(), pair.b.stop()
    whole(log, seal=seal, noted=noted)
    good = open(log, "rb").read().splitlines(keepends=True)
    head = open(log + ".head", "rb").read()

    def spoilt(lines, expected, seal=seal, noted=None, keep_head=True):
        with open(log, "wb") as f:
            f.writelines(lines)
        if keep_head:
            with open(log + ".head", "wb") as f:
                f.write(head)
        elif os.path.exists(log + ".head"):
            os.unlink(log + ".head")
        status, said = verify(log, seal=seal, noted=noted)
        assert status == 1 and expected in said, (expected, status, said)

    changed = good[3].replace(b'"11"', b'"13"')
    assert changed != good[3]
    spoilt(good[:3] + [changed] + good[4:], ":4: bad line: \"mac\" is wrong")
    spoilt(good[:3] + [changed] + good[4:], ":5: bad line: \"previous\"", seal=None)
    for i in range(1, len(good) - 1):
        spoilt(good[:i] + good[i + 1:], f":{i + 1}: bad line: number {i + 2} follows number {i}: 1 lines are missing")
    spoilt(good[:2] + [good[3], good[2]] + good[4:], ":3: bad line: number 4 follows number 2")
    spoilt(good[:4] + [good[3]] + good[4:], ":5: bad line: number 4 follows number 4: it was moved, repeated or ins")
    spoilt(good[:4] + [b"\n"] + good[4:], ":5: bad line: too short")
    spoilt(good[:4] + [good[4].replace(b"{", b"{ ", 1)] + good[5:], ":5: bad line")
    spoilt(good[:4] + [b'{"sequence":5,"sequence":5,' + good[4][14:]] + good[5:], ":5: bad line: no JSON: duplicate")
    spoilt(good[:-1] + [good[-1][:-1]], f":{len(good)}: bad line: torn")
    spoilt(good[:-1] + [good[-1][:-40]], f":{len(good)}: bad line: torn")
    spoilt(good[:4] + [good[4][:-9] + b"\n"] + good[5:], ":5: bad line: does not end with")
    spoilt(good[:4] + [b"x" * 5000 + b"\n"] + good[4:], ":5: bad line: longer than")
    spoilt(good[:-1], "lines were cut off")
    spoilt([], "lines were cut off")
    # Even without its head file a log that was cut is told by what was noted elsewhere.
    spoilt(good[:5], "lines were cut off", noted=noted, keep_head=False)
    other = os.path.join(tmp, "other.seal")
    qvkme.private_file(other, secrets.token_hex(32))
    spoilt(good, ".head: bad head file: it was not made under this seal key", seal=other)
    spoilt(good, ":1: bad line: \"mac\" is wrong", seal=other, keep_head=False)
    # Whoever lacks the seal key can make a chain of their own, but not its MACs.
    forged = forge(good)
    assert forged != good
    spoilt(forged, ":1: bad line: \"mac\" is wrong", keep_head=False)


def forge(lines):
    import hashlib
    previous, out = "0" * 64, []
    for line in lines:
        record = json.loads(line)
        record.update(previous=previous, mac=secrets.token_hex(32))
        record.pop("cause", None)
        text = json.dumps(record, separators=(",", ":")).encode()
        previous = hashlib.blake2b(text, digest_size=32).hexdigest()
        out.append(text + b"\n")
    return out


@test.case("whatever was reported delivered before kill -9 is in the log, and the chain goes on")
def _(tmp):
    pair = watched_pair(tmp, stock=600)
    delivered, stop = [], threading.Event()

    def client():
        while not stop.is_set():
            try:
                status, body, _ = pair.a.call("11", "GET", f"{ENC}?number=2")
            except OSError:
                continue
            if status == 200:
                delivered.extend(key["key_ID"] for key in body["keys"])

    with qvtest.beside(*[client] * 4, stop=stop):
        for _ in range(4):
            before = len(delivered)
            qvkme.wait_until(lambda: len(delivered) > before + 15)
            pair.a.kill()
            pair.a.start()
    whole(pair.a.log, seal=pair.a.seal)
    logged = {l["key_ID"] for l in lines_of(pair.a.log) if l["event"] == "delivered"}
    assert set(delivered) <= logged and [l["event"] for l in lines_of(pair.a.log)].count("started") == 5


@test.case("a torn last line is cut off and recorded at the next start; a changed one keeps the KME from starting")
def _(tmp):
    pair = watched_pair(tmp)
    pair.share(1)
    pair.a.kill()
    with open(pair.a.log, "ab") as f:
        f.write(b'{"sequence":6,"time":"2026-')
    assert verify(pair.a.log)[0] == 1
    pair.a.start()
    whole(pair.a.log, seal=pair.a.seal)
    torn = [l for l in lines_of(pair.a.log) if l["event"] == "torn"]
    assert len(torn) == 1 and torn[0]["count"] == 27 and torn[0]["cause"] == '{"sequence":6,"time":"2026-'
    pair.a.stop()
    lines = open(pair.a.log, "rb").read().splitlines(keepends=True)
    with open(pair.a.log, "wb") as f:
        f.writelines(lines[:-1] + [lines[-1].replace(b"stopped", b"stopPed")])
    pair.a.start(wait=False)
    pair.a.process.wait_for("its last line was changed, or made under another seal key; keep it as evidence")
    assert pair.a.process.wait() == 1
    # Put aside, it is followed by a new file that goes on where it ended.
    os.rename(pair.a.log, pair.a.log + ".aside")
    pair.a.start()
    assert lines_of(pair.a.log)[0]["sequence"] == len(lines) + 1
    assert f":{len(lines)}: bad line" in verify(pair.a.log + ".aside", pair.a.log, seal=pair.a.seal)[1]


@test.case("lines that were removed while the KME was down are missed by it and by every later check")
def _(tmp):
    pair = watched_pair(tmp)
    pair.share(2)
    pair.a.stop()
    lines = open(pair.a.log, "rb").read().splitlines(keepends=True)
    with open(pair.a.log, "wb") as f:
        f.writelines(lines[:-3])
    pair.a.start()
    pair.a.process.output()
    missing = lines_of(pair.a.log)[-2]
    assert missing["event"] == "missing" and missing["count"] == 3 and missing["sequence"] == len(lines) + 1
    assert "3 lines are missing" in verify(pair.a.log)[1]


@test.case("a second KME cannot write the same log")
def _(tmp):
    pair = watched_pair(tmp)
    text = open(pair.b.config, encoding="utf-8").read().replace("kme-b.audit", "kme-a.audit")
    pair.b.stop()
    with open(pair.b.config, "w", encoding="utf-8") as f:
        f.write(text)
    pair.b.start(wait=False)
    pair.b.process.wait_for("kme-a.audit: another process writes it")
    assert pair.b.process.wait() == 1


@test.case("files put aside by size make one chain")
def _(tmp):
    pair = watched_pair(tmp, "max_size = 1000;")
    for _ in range(6):
        pair.share(1)
    pair.a.stop()
    files = sorted(glob.glob(pair.a.log + ".0*")) + [pair.a.log]
    assert len(files) >= 4
    whole(*files, seal=pair.a.seal)
    assert "lines are missing" in verify(files[0], *files[2:])[1]
    assert verify(files[1], files[0], *files[2:])[0] == 1


@test.case("a log that was renamed is followed by a new one after SIGHUP, in one chain, under load")
def _(tmp):
    pair = watched_pair(tmp, stock=400)
    stop = threading.Event()

    def client():
        while not stop.is_set():
            pair.share(2)

    files = []
    with qvtest.beside(client, client, stop=stop):
        for number in range(3):
            qvkme.wait_until(lambda: os.path.getsize(pair.a.log) > 3000)
            files.append(f"{pair.a.log}.{number}")
            os.rename(pair.a.log, files[-1])
            pair.a.process.signal(signal.SIGHUP)
            pair.a.process.wait_for("is read anew and in use")
    pair.a.stop()
    whole(*files, pair.a.log, seal=pair.a.seal)


def limit_log(kme, room):
    """Lets the log grow by so many bytes. It is made larger than any other file of the KME first, with a hole."""
    pid = kme.process.pid if room is None or kme.process.running() else None
    limit = resource.RLIM_INFINITY if room is None else os.stat(kme.log).st_size + room
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def grow_log(kme):
    kme.stop()
    content = open(kme.log, "rb").read()
    with open(kme.log, "wb") as f:
        f.seek(64 * 1024 * 1024)
        f.write(b"\n" + content)
    kme.start()


def shrink_log(kme):
    content = open(kme.log, "rb").read()[64 * 1024 * 1024 + 1:]
    with open(kme.log, "wb") as f:
        f.write(content)


@test.case("while the log cannot be written no key is handed out and none is used up; then it goes on")
def _(tmp):
    pair = watched_pair(tmp)
    pair.share(1)
    grow_log(pair.a)
    stock = lambda: pair.a.call("11", "GET", "/api/v1/keys/12/status")[1]["stored_key_count"]
    assert stock() == 99
    limit_log(pair.a, 100)
    refusals = [pair.a.call("11", "GET", ENC) for _ in range(4)]
    assert all(status == 503 for status, _, _ in refusals) and "audit log" in refusals[-1][1]["message"], refusals
    pair.a.process.wait_for("kme-a.audit: cannot be written: File too large; no keys are delivered until it can be")
    # The first one showed that the log is full; those after it are refused before they cost a key.
    assert stock() == 98
    limit_log(pair.a, None)
    taken, claimed = pair.share(2)
    assert taken == claimed and stock() == 96
    pair.a.stop()
    shrink_log(pair.a)
    whole(pair.a.log, seal=pair.a.seal)
    resumed = [l for l in lines_of(pair.a.log) if l["event"] == "resumed"]
    assert len(resumed) == 1 and resumed[0]["count"] > 0


@test.case("with on_failure = \"warn\" keys are handed out while the log cannot be written, and the log tells later")
def _(tmp):
    pair = watched_pair(tmp, 'on_failure = "warn";')
    grow_log(pair.a)
    limit_log(pair.a, 100)
    pair.share(3)
    pair.a.process.wait_for("keys are delivered all the same")
    limit_log(pair.a, None)
    pair.share(1)
    pair.a.stop()
    shrink_log(pair.a)
    whole(pair.a.log, seal=pair.a.seal)
    assert [l["count"] for l in lines_of(pair.a.log) if l["event"] == "resumed"] == [6]


@test.case("wrong arguments of --verify-audit are told")
def _(tmp):
    missing = os.path.join(tmp, "none")
    assert verify(missing)[0] == 2 and "cannot be read" in verify(missing)[1]
    empty = os.path.join(tmp, "empty")
    open(empty, "w", encoding="ascii").close()
    assert "no head file" in verify(empty)[1]
    for noted in ("", "1", "1:", "-1:" + "0" * 64, "1:" + "0" * 63, "99999999999999999999999:" + "0" * 64):
        assert verify(empty, noted=noted)[0] == 2, noted
    assert qvtest.run(["qkd-kme", "--verify-audit"], check=False).returncode == 2
    assert qvtest.run(["qkd-kme", "--noted", "1:2", empty], check=False).returncode == 2


test.run()
