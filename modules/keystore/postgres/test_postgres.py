# SPDX-License-Identifier: Apache-2.0
"""keystore/postgres on a server of the test's own: the suite, rivals, an older schema, and a server that goes away."""

import os
import random
import re
import stat
import subprocess

import qvconform
import qvpostgres
import qvtest

test = qvtest.Test(__file__)
HERE = os.path.dirname(os.path.abspath(__file__))
SEED = int(os.environ.get("QV_SEED", random.randrange(10**9)))
print(f"# seed {SEED}; QV_SEED={SEED} repeats it")


def server():
    if not os.path.exists(os.path.join(qvtest.BUILD, ".libs", "keystore-postgres.so")):
        raise qvtest.Skip("keystore/postgres is not built")
    return qvpostgres.Server(test)


def trial(*words, check=True, **options):
    return qvtest.run(["keystore_trial", *words], check=check, **options)


def refused(*words):
    done = trial("look", "KME-B", "postgres", *words, check=False)
    assert done.returncode == 1, done.stdout
    return done.stderr


@test.case("it passes the conformance suite, and does as memory does")
def _(_tmp):
    connection = "connection=" + server().connection
    qvconform.check("keystore/postgres", connection)
    done = trial("twins", SEED, 1500, "memory", "--", "postgres", connection, "schema=twins")
    assert all(int(n) > 0 for n in done.stdout.split()[:13]), done.stdout


@test.case("threads of one process and of two get each key once; what they left is adopted once")
def _(_tmp):
    pg = server()
    words = ["postgres", "connection=" + pg.connection]
    # Both make the schema, at the same time.
    both = [test.start(["keystore_trial", "rivals", str(SEED + i), "8", "40", *words]) for i in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert pg.sql("SELECT count(*) FROM qvisio.pool WHERE request IS NOT NULL") == ["0"]
    assert pg.sql("SELECT count(*) FROM qvisio.instance") == ["0"]
    pg.sql("INSERT INTO qvisio.instance DEFAULT VALUES;"
           "UPDATE qvisio.pool SET request = 'r', owner = (SELECT max(id) FROM qvisio.instance)"
           " WHERE id = (SELECT min(id) FROM qvisio.pool)")
    first, second = trial("look", "KME-B", *words).stdout, trial("look", "KME-B", *words).stdout
    assert "orphan r trial-" in first and "orphan r trial-" in second, first + second
    assert pg.sql("SELECT count(*) FROM qvisio.instance") == ["0"]


@test.case("a schema of version 1 is brought to the last version with all that it holds")
def _(_tmp):
    pg = server()
    words = ["postgres", "connection=" + pg.connection]
    pg.load(os.path.join(HERE, "version-1.sql"))
    looked = trial("look", "KME-B", *words).stdout
    assert looked.splitlines() == ["lane 0 3 c300", "lane 1 2 c40",
                                   "orphan 11111111-1111-4111-8111-111111111111 KME-B"], looked
    assert trial("look", "KME-C", *words).stdout.splitlines()[0] == "lane 0 0 x7"
    claimed = trial("claim", "12", "11", "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", *words).stdout
    assert claimed == "1:9 32 4000000000000000000 c0ffee\n", claimed
    for gone in "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb":
        assert "delivered or expired" in trial("claim", "12", "11", gone, *words, check=False).stderr
    # The counts are kept on as they are in a new schema.
    trial("rivals", SEED, 4, 10, *words)
    assert pg.sql("SELECT (SELECT sum(free) FROM qvisio.stock) = count(*) FROM qvisio.pool WHERE request IS NULL") == ["t"]


@test.case("a schema of a version to come, or an old one in use, is left alone")
def _(_tmp):
    pg = server()
    connection = "connection=" + pg.connection
    trial("look", "KME-B", "postgres", connection)
    pg.sql("UPDATE qvisio.version SET version = 99")
    assert "has version 99, this program knows" in refused(connection)
    pg.sql("DROP SCHEMA qvisio CASCADE")
    pg.load(os.path.join(HERE, "version-1.sql"))
    # Somebody holds the lock of an instance, as one of an older program would.
    number = 2166136261
    for byte in b"qvisio":
        number = ((number ^ byte) * 16777619) % 2**32
    number -= 2**32 if number >= 2**31 else 0
    holder = subprocess.Popen([os.path.join(qvpostgres.programs(), "psql"), "-X", "-q", "-A", "-t", pg.connection],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        holder.stdin.write(f"SELECT pg_advisory_lock_shared({number}, 1), 'held';\n")
        holder.stdin.flush()
        with qvtest.limit(holder):
            assert "held" in holder.stdout.readline()
        assert "1 processes use it: stop them" in refused(connection)
    finally:
        holder.communicate("\\q\n", timeout=qvtest.TIMEOUT)
    trial("look", "KME-B", "postgres", connection)


@test.case("what is wrong is told, and a password never")
def _(tmp):
    pg = server()
    secret = os.path.join(tmp, "password")
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
        f.write("geheim-77\n")
    os.chmod(secret, 0o644)
    assert "chmod 600" in refused("connection=" + pg.connection, "password_file=" + secret)
    os.chmod(secret, stat.S_IRUSR)
    for connection in ("host=/tmp password=geheim-77", "postgresql://u:geheim-77@/db", "host=/tmp password='geheim-77",
                       "postgresql://u:geheim-77%zz@/db"):
        told = refused("connection=" + connection)
        assert "geheim" not in told and "connection" in told, told
    told = refused("connection=host=/nonexistent", "password_file=" + secret)
    assert "cannot be reached" in told and "geheim" not in told, told
    assert "it takes a-z" in refused("connection=" + pg.connection, "schema=a;b")
    with open(os.path.join(pg.data, "pg_hba.conf"), "w", encoding="ascii") as f:
        f.write("local all qvisio trust\nlocal all other scram-sha-256\n")
    pg.sql("CREATE ROLE other LOGIN PASSWORD 'geheim-77'; GRANT CREATE ON DATABASE postgres TO other;"
           "SELECT pg_reload_conf()")
    as_other = "connection=" + pg.connection.replace("user=qvisio", "user=other")
    trial("look", "KME-B", "postgres", as_other, "password_file=" + secret, "schema=theirs")
    env = dict(os.environ, HOME=tmp)
    env.pop("PGPASSWORD", None)
    done = trial("look", "KME-B", "postgres", as_other, check=False, env=env)
    assert "no password supplied" in done.stderr, done.stderr


@test.case("a server of this test that is ended while somebody uses it leaves no shared memory behind")
def _(_tmp):
    pg = server()
    user = test.start([os.path.join(qvpostgres.programs(), "psql"), "-X", "-q", pg.connection], stdin=subprocess.PIPE)
    user.popen.stdin.write(b"\\echo connected\n")
    user.popen.stdin.flush()
    user.wait_for("connected")
    with open(f"/proc/{pg.process.pid}/maps", encoding="utf-8") as f:
        segments = set(re.findall(r"/dev/shm/\S+", f.read()))
    assert segments
    pg.process.stop()
    assert not [segment for segment in segments if os.path.exists(segment)], segments


test.run()
