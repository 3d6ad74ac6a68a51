# SPDX-License-Identifier: Apache-2.0
"""A disk that is full, and a key store that cannot be written: clear errors, and nothing lost or doubled."""

import os
import time

import qvkme
import qvtest

test = qvtest.Test(__file__)
ROOM = "1500k"


def start_in_small_room(kme):
    """KME with its file on a small file system that only this process sees; the folder as seen from here."""
    room = os.path.join(kme.folder, "room")
    os.mkdir(room, 0o700)
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    probe = qvtest.run([*unshare, "mount", "-t", "tmpfs", "none", room], check=False)
    if probe.returncode != 0:
        raise qvtest.Skip("no mount namespace of its own: " + probe.stderr.strip())
    with open(kme.config, encoding="utf-8") as f:
        text = f.read().replace(f'file = "{kme.name}.db"', f'file = "room/{kme.name}.db"')
    with open(kme.config, "w", encoding="utf-8") as f:
        f.write(text)
    kme.process = test.start([*unshare, "sh", "-c", f'mount -t tmpfs -o size={ROOM},mode=0700 none "$1" && exec "$2" "$3"',
                              "sh", room, qvtest.program("qkd-kme"), kme.config])
    kme.wait_ready()
    return f"/proc/{kme.process.pid}/root{room}"


def fill(room):
    with open(os.path.join(room, "ballast"), "ab", buffering=0) as f:
        try:
            while f.write(bytes(4096)):
                pass
        except OSError:
            pass


def take(kme, own, other):
    return kme.call(own, "GET", f"/api/v1/keys/{other}/enc_keys")[:2]


def claim(kme, own, other, key):
    return kme.call(own, "GET", f"/api/v1/keys/{other}/dec_keys?key_ID={key['key_ID']}")[:2]


def take_until_refused(kme, own, other):
    """Whatever was left in the log of the database is used up first."""
    taken = []
    deadline = time.monotonic() + qvtest.TIMEOUT
    while time.monotonic() < deadline:
        status, body = take(kme, own, other)
        if status != 200:
            assert status == 503 and body["message"], (status, body)
            return taken
        taken += body["keys"]
    raise AssertionError(f"keys do not end: {len(taken)} were had")


@test.case("a full disk gives 503, in both directions; with room again all goes on, and nothing is lost or doubled")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False, rate=0, stock=1000, timeout=2000)
    room = start_in_small_room(pair.a)
    pair.b.start()
    pair.a.wait_stock("11", "12", 500)
    pair.b.wait_stock("12", "11", 1000)
    kept = [take(pair.a, "11", "12")[1]["keys"][0] for _ in range(5)]
    given = [take(pair.b, "12", "11")[1]["keys"][0] for _ in range(5)]
    fill(room)
    kept += take_until_refused(pair.a, "11", "12")
    fill(room)
    given += take_until_refused(pair.b, "12", "11")
    pair.a.process.wait_for("full")
    status, body = claim(pair.a, "11", "12", given[0])
    assert status == 503 and body["message"], (status, body)
    os.remove(os.path.join(room, "ballast"))
    qvkme.wait_until(lambda: take(pair.a, "11", "12")[0] == 200)
    qvkme.wait_until(lambda: take(pair.b, "12", "11")[0] == 200)
    for key in kept:
        assert claim(pair.b, "12", "11", key) == (200, {"keys": [key]})
        assert claim(pair.b, "12", "11", key)[0] == 400
    for key in given:
        assert claim(pair.a, "11", "12", key) == (200, {"keys": [key]})
        assert claim(pair.a, "11", "12", key)[0] == 400
    assert len({key["key"] for key in kept + given}) == len(kept + given)


@test.case("a store that cannot be opened or made is told with its name and why")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False)
    database = os.path.join(tmp, "kme-a.db")
    with open(pair.a.config, encoding="utf-8") as f:
        text = f.read()

    def refused():
        process = test.start(["qkd-kme", pair.a.config])
        assert process.wait() == 1
        return process.output()

    with open(pair.a.config, "w", encoding="utf-8") as f:
        f.write(text.replace('"kme-a.db"', '"none/kme-a.db"'))
    assert "none/kme-a.db: the key store cannot be opened or made: No such file or directory" in refused()
    with open(pair.a.config, "w", encoding="utf-8") as f:
        f.write(text)
    os.mkdir(database)
    assert f"{database}: " in refused()
    os.rmdir(database)
    with open(os.open(database, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
        f.write(b"no database " * 1000)
    assert "file is not a database" in refused()


test.run()
