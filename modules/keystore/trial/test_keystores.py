# SPDX-License-Identifier: Apache-2.0
"""Every key store does the same, and gives each key to one of those that want it at once."""

import contextlib
import os
import random
import sqlite3

import qvtest

test = qvtest.Test(__file__)
SEED = int(os.environ.get("QV_SEED", random.randrange(10**9)))
STEPS = 4000
print(f"# seed {SEED}; QV_SEED={SEED} repeats it")


def sqlite(tmp):
    if not os.path.exists(os.path.join(qvtest.BUILD, ".libs", "keystore-sqlite.so")):
        raise qvtest.Skip("keystore/sqlite is not built")
    return ["sqlite", "file=" + os.path.join(tmp, "keys.db")]


@test.case("memory and sqlite do the same, whatever comes")
def _(tmp):
    done = qvtest.run(["keystore_trial", "twins", SEED, STEPS, "memory", "--", *sqlite(tmp)])
    assert all(int(n) > 5 for n in done.stdout.split()[:13]), done.stdout


@test.case("threads that want the same keys of memory get each once")
def _(_tmp):
    qvtest.run(["keystore_trial", "rivals", SEED, 16, 300, "memory"])


@test.case("threads that want the same keys of sqlite get each once")
def _(tmp):
    qvtest.run(["keystore_trial", "rivals", SEED, 16, 30, *sqlite(tmp)])


@test.case("a file of version 1 is brought to the last version with all that it holds; one to come is left alone")
def _(tmp):
    words = sqlite(tmp)
    path = words[1].split("=")[1]
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database, \
            open(os.path.join(qvtest.SOURCE, "modules", "keystore", "sqlite", "version-1.sql"), encoding="utf-8") as f:
        database.executescript(f.read())
    os.chmod(path, 0o600)
    looked = qvtest.run(["keystore_trial", "look", "KME-B", *words]).stdout
    assert looked.splitlines() == ["lane 0 3 c300", "lane 1 2 c40",
                                   "orphan 11111111-1111-4111-8111-111111111111 KME-B"], looked
    claimed = qvtest.run(["keystore_trial", "claim", "12", "11", "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", *words]).stdout
    assert claimed == "1:9 32 4000000000000000000 c0ffee\n", claimed
    for gone in "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb":
        done = qvtest.run(["keystore_trial", "claim", "12", "11", gone, *words], check=False)
        assert done.returncode == 1 and "delivered or expired" in done.stderr, done.stderr
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        got = [database.execute("PRAGMA " + name).fetchone()[0] for name in ("user_version", "auto_vacuum")]
        assert got == [2, 2], got
        database.execute("PRAGMA user_version = 99")
    done = qvtest.run(["keystore_trial", "look", "KME-B", *words], check=False)
    assert done.returncode == 1 and "has schema version 99, this program knows" in done.stderr, done.stderr


test.run()
