# SPDX-License-Identifier: Apache-2.0
"""Every key store does the same, and gives each key to one of those that want it at once."""

import os
import random

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


test.run()
