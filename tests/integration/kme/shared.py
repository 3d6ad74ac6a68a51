# SPDX-License-Identifier: Apache-2.0
"""Two processes of one KME share a PostgreSQL database, serve together, and die; and so does the database."""

import os
import random
import re
import signal
import time

import qvaudit
import qvkme
import qvpostgres
import qvtest

test = qvtest.Test(__file__)
SEED = int(os.environ.get("QV_SEED", random.randrange(10**6)))
TURNS = int(os.environ.get("QV_KILLS", 45))
STOCK = 5000
print(f"# seed {SEED}; QV_SEED={SEED} repeats it, QV_KILLS is the number of moments")


class Site:
    """KME-A as two processes on one database, behind a balancer for its peers; KME-B with a file."""

    def __init__(self, tmp, **options):
        if not os.path.exists(os.path.join(qvtest.BUILD, ".libs", "keystore-postgres.so")):
            raise qvtest.Skip("keystore/postgres is not built")
        self.database = qvpostgres.Server(test)
        self.pair = qvkme.KmePair(test, tmp, start=False, **options)
        self.a, self.b = self.pair.a, self.pair.b
        self.a2 = qvkme.Kme(test, tmp, "kme-a", "KME-A")
        self.a2.config = os.path.join(tmp, "kme-a2.conf")
        self.a2.name = "kme-a2"
        self.balancer = qvaudit.Balancer([self.a.kme_port, self.a2.kme_port])
        with open(self.a.config, encoding="utf-8") as f:
            text = re.sub(r'store: .*', f'store: {{ module = "postgres"; connection = "{self.database.connection}"; '
                          'timeout = 1000; };', f.read())
        with open(self.a.config, "w", encoding="utf-8") as f:
            f.write(text)
        with open(self.a2.config, "w", encoding="utf-8") as f:
            f.write(text.replace(str(self.a.sae_port), str(self.a2.sae_port))
                    .replace(str(self.a.kme_port), str(self.a2.kme_port)))
        with open(self.b.config, encoding="utf-8") as f:
            text = f.read().replace(str(self.a.kme_port), str(self.balancer.port))
        with open(self.b.config, "w", encoding="utf-8") as f:
            f.write(text)
        self.kmes = [self.a, self.a2, self.b]
        for kme in self.kmes:
            kme.start(wait=False)
        for kme in self.kmes:
            kme.wait_ready()

    def sql(self, text):
        return self.database.sql("SET search_path = qvisio; " + text)

    def load(self):
        return qvaudit.Load(SEED, {"11": [self.a, self.a2], "12": [self.b]})

    def wait_stock(self, count):
        for kme, own, other in ((self.a, "11", "12"), (self.a2, "11", "12"), (self.b, "12", "11")):
            kme.wait_stock(own, other, count)

    def check_counts(self):
        """The books of the database, with nothing under way."""
        counted = self.sql("SELECT lane, sum(free) FROM stock GROUP BY lane ORDER BY lane")
        there = self.sql("SELECT lane, count(*) FROM pool WHERE request IS NULL GROUP BY lane ORDER BY lane")
        assert counted == there, (counted, there)


@test.case("two processes on one database serve together: every key is once, and no link key comes in twice")
def _(tmp):
    site = Site(tmp, rate=0, stock=STOCK)
    site.wait_stock(STOCK)
    load = site.load()
    load.start(6)
    qvkme.wait_until(lambda: load.answered > 150)
    load.stop()
    load.audit()
    print(f"# {load.summary()}")
    assert not any(promise.ambiguous for promise in load.promises.values())
    # Whatever one of them gave out, the other claims.
    status, body, _ = site.b.call("12", "GET", "/api/v1/keys/11/enc_keys")
    key = body["keys"][0]
    answers = [kme.call("11", "GET", f"/api/v1/keys/12/dec_keys?key_ID={key['key_ID']}")[:2]
               for kme in (site.a2, site.a)]
    assert status == 200 and answers[0] == (200, {"keys": [key]}) and answers[1][0] == 400, answers
    site.check_counts()
    used = [STOCK - int(line.split("|")[1]) for line in site.sql("SELECT lane, sum(free) FROM stock GROUP BY lane")]
    assert sum(used) == len(load.promises) + 1, (used, len(load.promises))
    assert site.sql("SELECT count(*) FROM instance") == ["2"] and site.sql("SELECT count(*) FROM feeder") == ["1"]


@test.case("the database goes away and comes back: 503 at once, then it goes on, with nothing lost")
def _(tmp):
    site = Site(tmp, rate=0, stock=200)
    site.wait_stock(200)
    taken = site.a.call("11", "GET", "/api/v1/keys/12/enc_keys")[1]["keys"][0]
    given = site.b.call("12", "GET", "/api/v1/keys/11/enc_keys")[1]["keys"][0]
    site.database.stop()
    path = f"/api/v1/keys/12/dec_keys?key_ID={given['key_ID']}"
    for kme in site.a, site.a2:
        for target in "/api/v1/keys/12/enc_keys", path, "/api/v1/keys/12/status":
            status, body, _ = kme.call("11", "GET", target)
            assert status == 503 and body["message"], (target, status, body)
    assert site.b.call("12", "GET", "/api/v1/keys/11/enc_keys")[0] == 503
    site.database.start()
    qvkme.wait_until(lambda: site.a.call("11", "GET", "/api/v1/keys/12/enc_keys")[0] == 200)
    qvkme.wait_until(lambda: site.a2.call("11", "GET", "/api/v1/keys/12/status")[0] == 200)
    assert site.a2.call("11", "GET", path)[:2] == (200, {"keys": [given]})
    claimed = site.b.call("12", "GET", f"/api/v1/keys/11/dec_keys?key_ID={taken['key_ID']}")
    assert claimed[:2] == (200, {"keys": [taken]}), claimed
    site.check_counts()


@test.case("KMEs and the database are killed under load: every promised key is claimed once, and equal")
def _(tmp):
    site = Site(tmp, rate=0, stock=STOCK, timeout=1000)
    load = site.load()
    killer = qvaudit.Killer(SEED, site.kmes, longest=0.25)
    load.start(6)
    stops = 0
    for turn in range(TURNS):
        if turn % 8 == 7:
            time.sleep(killer.dice.random() * 0.3)  # a random moment, awaiting nothing
            site.database.stop(signal.SIGQUIT)
            stops += 1
            site.database.start()
            killer.rest()
        load.allowed = load.answered + 20
        killer.turn(both=0.1)
        if turn % 3 == 2:
            before = load.answered
            load.allowed = before + 20
            killer.rest()
            qvkme.wait_until(lambda: load.answered >= before + 3)
    killer.rest()
    site.wait_stock(1)
    load.stop()
    load.audit()
    print(f"# {killer.kills} kills, {stops} of the database; {load.summary()}")
    # A process that starts undoes at once what is left, and waits for no next try.
    for kme in site.kmes:
        kme.stop()
    for kme in reversed(site.kmes):
        kme.start()
    qvkme.wait_until(lambda: site.sql("SELECT count(*) FROM pool WHERE request IS NOT NULL") == ["0"])
    site.check_counts()
    assert killer.kills >= TURNS and load.answered >= TURNS // 3 * 3


test.run()
