# SPDX-License-Identifier: Apache-2.0
"""Two KMEs with a file each are killed hundreds of times under load; then everything that SAEs got is audited."""

import contextlib
import os
import random
import sqlite3

import qvaudit
import qvkme
import qvtest

test = qvtest.Test(__file__)
SEED = int(os.environ.get("QV_SEED", random.randrange(10**6)))
TURNS = int(os.environ.get("QV_KILLS", 200))
STOCK = 12000
TRIES = 20  # of letting both settle
print(f"# seed {SEED}; QV_SEED={SEED} repeats it, QV_KILLS is the number of moments")


def books(kme):
    """What the file of a stopped KME says."""
    with contextlib.closing(sqlite3.connect(os.path.join(kme.folder, kme.name + ".db"))) as database:
        def ask(sql):
            return database.execute(sql).fetchall()
        return {"free": set(ask("SELECT lane, label FROM pool WHERE request IS NULL")),
                "reserved": ask("SELECT count(*) FROM pool WHERE request IS NOT NULL")[0][0],
                "stock": dict(ask("SELECT lane, free FROM lane")),
                # Of a simulated link: a time, and how many came before.
                "cursors": {lane: cursor.split()[-1] for lane, cursor in ask("SELECT lane, cursor FROM lane")},
                "promises": ask("SELECT count(*) FROM promise WHERE sealed IS NOT NULL")[0][0]}


def books_at_rest(pair):
    """Of both, once nothing is imported or undone any more."""
    for turn in range(TRIES):
        for kme in pair.a, pair.b:
            kme.stop()
        both = books(pair.a), books(pair.b)
        still = all(b["reserved"] == 0 and set(b["cursors"].values()) == {str(STOCK)} for b in both)
        if still:
            return both
        # The one that starts last finds the other one there, and need not wait to undo what it left.
        for kme in (pair.a, pair.b) if turn % 2 else (pair.b, pair.a):
            kme.start()
        pair.a.wait_stock("11", "12", STOCK // 2)
        pair.b.wait_stock("12", "11", STOCK // 2)
        pair.share(1)
    raise AssertionError(f"never at rest: {[(b['reserved'], b['cursors'], b['stock']) for b in both]}")


@test.case("killed at random moments under load: every promised key is claimed once, and equal")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=STOCK, timeout=1000)
    load = qvaudit.Load(SEED, {"11": [pair.a], "12": [pair.b]})
    killer = qvaudit.Killer(SEED, [pair.a, pair.b], longest=0.25)
    load.start(6)
    for turn in range(TURNS):
        load.allowed = load.answered + 20
        killer.turn()
        if turn % 3 == 2:
            # However slow the machine: kills are of no use without keys under way.
            before = load.answered
            load.allowed = before + 20
            killer.rest()
            qvkme.wait_until(lambda: load.answered >= before + 3)
    killer.rest()
    load.stop()
    load.audit()
    load.audit_books(*books_at_rest(pair))
    print(f"# {killer.kills} kills; {load.summary()}")
    assert killer.kills >= TURNS and load.answered >= TURNS // 3 * 3


test.run()
