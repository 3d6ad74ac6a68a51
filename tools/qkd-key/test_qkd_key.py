# SPDX-License-Identifier: Apache-2.0
"""qkd-key over the key source psk, and over etsi014 with the sample configuration."""

import base64
import json
import os
import pty
import re
import signal
import sys

import qvtest

sys.path.insert(0, os.path.join(qvtest.SOURCE, "modules", "keysource", "etsi014"))
from mockkme import MockKme, response  # noqa: E402

test = qvtest.Test(__file__)
KEYS = {f"k{i}": bytes([i] * 31 + [255]) for i in range(1, 6)}


def private(path, text):
    with open(path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(text)
    return path


def psk(tmp, *more):
    """Arguments for the psk module, and a fresh key file."""
    path = os.path.join(tmp, "keys")
    if not os.path.exists(path):
        private(path, "".join(f"{name} {base64.b64encode(key).decode()}\n" for name, key in KEYS.items()))
    return ["-m", "psk", "-o", f"keys={path}", *more]


def run(*arguments, **options):
    return qvtest.run(["qkd-key", *arguments], check=False, **options)


def expect(done, status, *parts):
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    for part in parts:
        assert part in done.stderr, (part, done.stderr)
    if status:
        assert done.stderr.count("\n") == 1, done.stderr
    for key in KEYS.values():
        assert base64.b64encode(key).decode() not in done.stderr
    return done


@test.case("get prints key_ID and base64, claim at the other end the same")
def _(tmp):
    done = expect(run(*psk(tmp), "get", "bob", "--number", "2"), 0)
    assert done.stdout == "".join(f"{n} {base64.b64encode(KEYS[n]).decode()}\n" for n in ("k1", "k2")), done.stdout
    claimed = expect(run(*psk(tmp, "-o", f"record={tmp}/bob"), "claim", "alice", "k1", "k2"), 0)
    assert claimed.stdout == done.stdout
    expect(run(*psk(tmp, "-o", f"record={tmp}/bob"), "claim", "alice", "k2"), 4, "claimed before")


@test.case("--output makes a file of mode 600, prints key_IDs, and never overwrites")
def _(tmp):
    out = os.path.join(tmp, "out")
    os.umask(0)
    done = expect(run(*psk(tmp), "get", "bob", "-n", "2", "-O", out), 0)
    assert done.stdout == "k1\nk2\n", done.stdout
    assert os.stat(out).st_mode & 0o777 == 0o600
    with open(out, encoding="ascii") as f:
        assert f.read().splitlines()[1] == "k2 " + base64.b64encode(KEYS["k2"]).decode()
    expect(run(*psk(tmp), "get", "bob", "-O", out), 1, "never overwritten")
    done = expect(run(*psk(tmp), "get", "bob", "--raw", "-O", out + "2"), 0)
    assert done.stdout == "k3\n"
    with open(out + "2", "rb") as f:
        assert f.read() == KEYS["k3"]
    # What was written is itself a key file.
    expect(run("-m", "psk", "-o", f"keys={out}", "status", "bob"), 0)


@test.case("--json writes a key container, and the status as JSON")
def _(tmp):
    done = expect(run(*psk(tmp), "--json", "get", "bob", "-n", "2"), 0)
    keys = json.loads(done.stdout)["keys"]
    assert [k["key_ID"] for k in keys] == ["k1", "k2"] and base64.b64decode(keys[1]["key"]) == KEYS["k2"]
    done = expect(run(*psk(tmp, "-o", 'sae_id=al"ice\\'), "--json", "status", "bob"), 0)
    status = json.loads(done.stdout)
    assert status["stored_key_count"] == 3 and status["master_SAE_ID"] == 'al"ice\\', status
    done = expect(run(*psk(tmp), "status", "bob"), 0)
    assert re.search(r"^stored_key_count +3$", done.stdout, re.M), done.stdout


@test.case("--raw on standard output names the keys on standard error")
def _(tmp):
    done = qvtest.run(["qkd-key", *psk(tmp), "get", "bob", "-n", "2", "--raw"], text=False)
    assert done.stdout == KEYS["k1"] + KEYS["k2"]
    assert done.stderr == b"key_ID k1\nkey_ID k2\n"


@test.case("a failure on the way keeps the keys that came before, and an empty file is removed")
def _(tmp):
    out = os.path.join(tmp, "out")
    done = expect(run(*psk(tmp), "get", "bob", "-n", "7", "-O", out, "--json"), 3, "5 of 7 keys written", "are used")
    assert done.stdout.split() == list(KEYS)
    with open(out, encoding="ascii") as f:
        assert len(json.load(f)["keys"]) == 5
    expect(run(*psk(tmp), "get", "bob", "-O", out + "2"), 3, "are used")
    assert not os.path.exists(out + "2")


@test.case("a full disk or a closed pipe says which key is lost")
def _(tmp):
    with open("/dev/full", "wb") as full:
        done = qvtest.run(["qkd-key", *psk(tmp), "get", "bob"], stdout=full, check=False)
    assert done.returncode == 1 and "key k1 was obtained and is lost" in done.stderr, done.stderr
    reading, writing = os.pipe()
    os.close(reading)
    done = qvtest.run(["qkd-key", *psk(tmp), "get", "bob"], stdout=writing, check=False)
    os.close(writing)
    assert done.returncode == 1 and "Broken pipe" in done.stderr, (done.returncode, done.stderr)


@test.case("no key on a terminal unless asked, and none is used up by asking")
def _(tmp):
    def on_terminal(*more):
        leader, terminal = pty.openpty()
        done = qvtest.run(["qkd-key", *psk(tmp), "get", "bob", *more], stdout=terminal, check=False)
        os.close(terminal)
        shown = b""
        try:
            while True:
                shown += os.read(leader, 4096)
        except OSError:
            pass
        os.close(leader)
        return done, shown.decode()
    done, shown = on_terminal()
    assert done.returncode == 2 and "--show" in done.stderr and not shown, (done.stderr, shown)
    done, shown = on_terminal("--show")
    assert done.returncode == 0 and shown.startswith("k1 "), (done.stderr, shown)
    done, shown = on_terminal("-O", os.path.join(tmp, "out"))
    assert done.returncode == 0 and shown == "k2\r\n", (done.stderr, shown)


@test.case("wrong usage is told, with what would be right")
def _(tmp):
    table = [
        ([], "status, get or claim"), (["take", "bob"], '"take" is not'), (["get"], "SAE ID of the peer"),
        (["claim", "alice"], "key_ID is missing"), (["get", "a", "b"], "one SAE ID"), (["get", "bob"], "--config FILE or"),
        (["get", "bob", "-c", "x", "-m", "psk"], "not both"), (["get", "bob", "-c", "x", "-o", "a=b"], "edit x"),
        (["get", "bob", "-m", "psk", "-n", "0"], "from 1 to"), (["get", "bob", "-m", "psk", "-n", "1x"], "from 1 to"),
        (["get", "bob", "-m", "psk", "-b", "12"], "multiple of 8"), (["status", "bob", "-m", "psk", "-n", "1"], "for get"),
        (["status", "bob", "-m", "psk", "--raw"], "status has none"),
        (["get", "bob", "-m", "psk", "--raw", "--json"], "exclude"),
        (["get", "bob", "-m", "nonesuch"], "nonesuch"), (["get", "bob", "-m", "psk"], "keys: missing"),
        (["get", "bob", "-m", "psk", "-o", "kees=x"], "keys"), (["get", "bob", "-c", os.path.join(tmp, "none")], "none"),
    ]
    for arguments, part in table:
        done = run(*arguments)
        assert done.returncode == 2, (arguments, done)
        assert part in done.stderr and done.stderr.startswith("qkd-key: "), (arguments, done.stderr)
    done = run("get", "bob", "--nonesuch")
    assert done.returncode == 2 and "--help" in done.stderr
    assert run("--help").stdout.startswith("Usage: qkd-key") and "Qvisio" in run("--version").stdout


@test.case("configuration mistakes have file and line")
def _(tmp):
    table = [('x = 1;\n', ":1: x"), ('key_sourc: { module = "psk"; };\n', 'key_source'),
             ('module_path = "/x";\n', "no group key_source"), ('key_source = 3;\n', ":1"),
             ('key_source: {\n module = "psk";\n keys = 3;\n};\n', ":3: key_source.keys"),
             ('key_source: {\n module = "psk";\n};\n', "key_source.keys: missing"),
             ('key_source: {\n keys = "x";\n};\n', "module"), ('key_source: {\n', ":")]
    for text, part in table:
        path = private(os.path.join(tmp, "conf"), text)
        expect(run("-c", path, "status", "bob"), 2, path, part)
        os.unlink(path)


def sample(tmp, kme):
    """The sample configuration, with the machine's folder and address exchanged for the test's."""
    with open(os.path.join(qvtest.SOURCE, "etc", "qkd-key.conf"), encoding="utf-8") as f:
        text = f.read()
    for old, new in (("/etc/qvisio", tmp), ("localhost:13000", kme)):
        assert old in text
        text = text.replace(old, new)
    return text


def need_etsi014():
    if not os.path.exists(os.path.join(qvtest.BUILD, ".libs", "keysource-etsi014.so")):
        raise qvtest.Skip("etsi014 is not built")


@test.case("the sample configuration works as it stands, and each of its alternatives")
def _(tmp):
    need_etsi014()
    pki = qvtest.Pki(tmp)
    kme = MockKme(*pki.issue("kme"), pki.ca)
    pki.issue("alice", pfx_password="secret")
    private(os.path.join(tmp, "alice.password"), "secret\n")
    path = private(os.path.join(tmp, "qkd-key.conf"), sample(tmp, kme.address))
    done = expect(run("-c", path, "status", "bob"), 0)
    assert re.search(r"^source_KME_ID +KMEA$", done.stdout, re.M)
    pem = sample(tmp, kme.address).replace("    certificate", "    // certificate").replace("    password", "    // password")
    pem = pem.replace("    // // certificate", "    certificate").replace("    // private_key", "    private_key")
    pem = re.sub(r'    // (certificate = "[^"]*\.pem")', r"    \1", pem)
    pem = pem.replace('// kme_id', 'kme_id').replace("// sae_id = \"alice\";\n\n", "sae_id = \"alice\";\n\n")
    path = private(os.path.join(tmp, "pem.conf"), pem)
    expect(run("-c", path, "get", "bob"), 0)
    with open(os.path.join(qvtest.SOURCE, "etc", "qkd-key.conf"), encoding="utf-8") as f:
        tail = f.read().split("carried by hand instead:\n")[1]
    tail = re.sub(r"(?m)^// ?", "", tail).replace("/etc/qvisio", tmp).replace("/var/lib/qvisio", tmp)
    private(os.path.join(tmp, "call.keys"), f"k1 {base64.b64encode(KEYS['k1']).decode()}\n")
    path = private(os.path.join(tmp, "psk.conf"), tail)
    expect(run("-c", path, "get", "bob"), 0)
    kme.stop()


@test.case("a password in argv is refused; KME answers become exit statuses")
def _(tmp):
    need_etsi014()
    pki = qvtest.Pki(tmp)
    answers = {401: b"", 503: {"message": "none"}, 400: {"message": "one or more keys specified are not found on KME"}}
    status = 401
    kme = MockKme(*pki.issue("kme"), pki.ca, lambda k, r: response(status, answers[status]))
    pem, key = pki.issue("alice")
    base = ["-m", "etsi014", "-o", f"kme={kme.address}", "-o", f"certificate={pem}", "-o", f"ca={pki.ca}"]
    expect(run(*base, "-o", "password=x", "status", "bob"), 2, "command line")
    base += ["-o", f"private_key={key}"]
    expect(run(*base, "get", "bob"), 5, "HTTP 401")
    status = 503
    expect(run(*base, "get", "bob"), 3, "HTTP 503: none")
    status = 400
    expect(run(*base, "claim", "alice", "k"), 4, "not found on KME")
    kme.stop()


@test.case("SIGINT and SIGTERM end a request that waits, and say what became of the key")
def _(tmp):
    need_etsi014()
    pki = qvtest.Pki(tmp)
    pem, key = pki.issue("alice")
    kme = MockKme(*pki.issue("kme"), pki.ca, lambda k, r: k.release.wait(qvtest.TIMEOUT) and None)
    out = os.path.join(tmp, "out")
    for count, number in enumerate((signal.SIGINT, signal.SIGTERM), 1):
        process = test.start(["qkd-key", "-m", "etsi014", "-o", f"kme={kme.address}", "-o", f"certificate={pem}", "-o",
                              f"private_key={key}", "-o", f"ca={pki.ca}", "get", "bob", "-O", out])
        kme.wait(lambda k: len(k.requests) == count)
        process.signal(number)
        assert process.wait() == 7, process.output()
        assert "cancelled" in process.output() and "lost" in process.output()
        assert not os.path.exists(out)
    kme.stop()


test.run()
