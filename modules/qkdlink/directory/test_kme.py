# SPDX-License-Identifier: Apache-2.0
"""Two KMEs fed from key files: nothing is lost, nothing comes twice, whatever the order of files and whoever dies."""

import base64
import os
import random
import re
import secrets

import qvkme
import qvtest

test = qvtest.Test(__file__)


def key_pair(tmp, after="delete", **options):
    """Two KMEs with a folder of key files each; neither has started."""
    pair = qvkme.KmePair(test, tmp, start=False, **options)
    for kme in (pair.a, pair.b):
        kme.inbox = os.path.join(tmp, "keys-" + kme.name)
        os.mkdir(kme.inbox, 0o700)
        with open(kme.config, encoding="utf-8") as f:
            text = f.read()
        link = f'link: {{ module = "directory"; path = "{kme.inbox}"; after = "{after}"; settle = 0; rescan = 1; }};'
        with open(kme.config, "w", encoding="utf-8") as f:
            f.write(re.sub(r"link: \{.*\};", link, text))
    return pair


def deliver(kme, name, content):
    """As a careful device does: written under another name, and renamed."""
    part = os.path.join(kme.inbox, ".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
        f.write(content)
    os.rename(part, os.path.join(kme.inbox, name))


def key_files(kme):
    return [name for name in os.listdir(kme.inbox) if not name.startswith(".")]


def keys_in(files):
    return {content[i:i + 32] for content in files.values() for i in range(0, len(content), 32)}


def taken_keys(pair, count, files, seen):
    """Shares keys both ways; each must come from the files, equal at both ends, and once."""
    valid = keys_in(files)
    for master, slave, sae, other in ((pair.a, pair.b, "11", "12"), (pair.b, pair.a, "12", "11")):
        for _ in range(count):
            status, taken, _ = master.call(sae, "GET", f"/api/v1/keys/{other}/enc_keys")
            if status == 503:
                break
            key = taken["keys"][0]
            status, claimed, _ = slave.call(other, "GET",
                                            f"/api/v1/keys/{sae}/dec_keys?key_ID={key['key_ID']}")
            assert status == 200 and claimed["keys"][0]["key"] == key["key"], (status, claimed)
            value = base64.b64decode(key["key"])
            assert value in valid and value not in seen, "a key that is not of the files, or comes twice"
            seen.add(value)


def stock(kme, sae, other):
    return kme.call(sae, "GET", f"/api/v1/keys/{other}/status")[1]["stored_key_count"]


@test.case("both KMEs take the same keys from files that come in another order")
def _(tmp):
    pair = key_pair(tmp)
    files = {f"{i:02}.cor": secrets.token_bytes(32 * 10) for i in range(10)}
    names = list(files)
    for name in names:
        deliver(pair.a, name, files[name])
    pair.a.start()
    pair.b.start()
    for name in reversed(names):
        deliver(pair.b, name, files[name])
    qvkme.wait_until(lambda: not key_files(pair.a) and not key_files(pair.b))
    assert stock(pair.a, "11", "12") == 50 and stock(pair.b, "12", "11") == 50
    seen = set()
    taken_keys(pair, 60, files, seen)
    assert seen == keys_in(files), f"{len(seen)} of 100 keys were given out"


@test.case("killed again and again while files come in, no key is lost and none comes twice")
def _(tmp):
    pair = key_pair(tmp)
    dice = random.Random(5)
    files, seen = {}, set()
    pair.a.start()
    pair.b.start()
    for turn in range(12):
        victim = dice.choice((pair.a, pair.b))
        for number in range(3):
            name = f"{turn:02}-{number}.cor"
            files[name] = secrets.token_bytes(32 * dice.randint(1, 700))
            for kme in (pair.a, pair.b):
                deliver(kme, name, files[name])
            if number == 1:
                victim.kill()
        victim.start()
        if turn % 4 == 3:
            taken_keys(pair, 3, files, seen)
    qvkme.wait_until(lambda: not key_files(pair.a) and not key_files(pair.b))
    assert len(seen) == 18
    left = stock(pair.a, "11", "12") + stock(pair.b, "12", "11")
    assert left == len(keys_in(files)) - len(seen), f"{left} keys stored of {len(keys_in(files))}"
    taken_keys(pair, 20, files, seen)


@test.case("what is not taken is told, and a folder that goes and comes back is used again")
def _(tmp):
    pair = key_pair(tmp, after="move")
    pair.a.start()
    deliver(pair.a, "short.cor", b"12345")
    pair.a.process.wait_for(r"short\.cor: skipped: its size, 5 bytes, is no multiple of 32")
    os.rename(pair.a.inbox, pair.a.inbox + "-away")
    pair.a.process.wait_for(r"keys of the link do not come in: .*keys-kme-a: .*No such file")
    os.rename(pair.a.inbox + "-away", pair.a.inbox)
    pair.a.process.wait_for("keys of the link come in again")
    deliver(pair.a, "good.cor", secrets.token_bytes(64))
    qvkme.wait_until(lambda: os.path.exists(os.path.join(pair.a.inbox, "done", "good.cor")))


@test.case("of two KMEs with one journal one takes the keys, and the other when that one has stopped")
def _(tmp):
    pair = key_pair(tmp)
    pair.a.start()
    with open(pair.a.config, encoding="utf-8") as f:
        text = f.read().replace(str(pair.a.sae_port), "0").replace(str(pair.a.kme_port), "0")
    twin = os.path.join(tmp, "twin.conf")
    with open(twin, "w", encoding="utf-8") as f:
        f.write(text.replace("kme-a.db", "twin.db"))
    second = test.start(["qkd-kme", twin])
    second.wait_for("another process takes keys with this journal")
    second.wait_for("is ready")
    pair.a.stop()
    deliver(pair.a, "1.cor", secrets.token_bytes(64))
    qvkme.wait_until(lambda: not key_files(pair.a))


test.run()
