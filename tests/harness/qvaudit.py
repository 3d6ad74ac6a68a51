# SPDX-License-Identifier: Apache-2.0
"""SAEs that take and claim keys while KMEs die, and the audit of what they got.

    load = qvaudit.Load(pair, seed, takers={"11": [a, a2], "12": [b]})    # which KME processes serve which SAE
    load.start(8); …; load.stop()
    load.audit()

A key that a master got is promised to its slave. A claim that was answered settles it; one whose answer was lost may have
used the key up, for a key is delivered at most once. So after the storm: whatever was promised and never ambiguously
claimed can be claimed, once, and is equal at both ends; no key appears under two IDs.
"""

import http.client
import random
import socket
import ssl
import subprocess
import threading
import time

import qvtest

LOST = (OSError, http.client.HTTPException, ssl.SSLError)
OTHER = {"11": "12", "12": "11"}


class Promise:
    def __init__(self, key_id, key, master):
        self.key_id, self.key, self.master = key_id, key, master
        self.delivered = False
        self.ambiguous = False


class Load:
    def __init__(self, seed, kmes, number=3):
        self.seed, self.kmes, self.number = seed, kmes, number
        self.lock = threading.Lock()
        self.promises, self.faults = {}, []
        self.answered = self.lost_takes = self.refused = 0
        self.allowed = float("inf")  # answers: clients wait before more, so that a fast machine does not use up the stock
        self.stopping = threading.Event()
        self.threads = []

    def start(self, count):
        self.threads = [threading.Thread(target=self._client, args=(i,), daemon=True) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(qvtest.TIMEOUT)
            assert not thread.is_alive(), "a client hangs"

    def fault(self, text):
        with self.lock:
            self.faults.append(text)

    def _client(self, number):
        dice = random.Random(self.seed * 1000 + number)
        connections, waiting = {}, []
        while not self.stopping.is_set():
            try:
                if self.answered >= self.allowed:
                    self.stopping.wait(0.01)
                    continue
                master = "11" if dice.random() < 0.5 else "12"
                waiting += self._take(dice, connections, master)
                # Some are left for after the storm.
                dice.shuffle(waiting)
                while len(waiting) > 4:
                    promise = waiting.pop()
                    if dice.random() < 0.8:
                        self._claim(dice, connections, promise)
            except LOST:
                time.sleep(0.02)  # whoever died comes back in a moment
            except Exception as why:  # told by the audit
                self.fault(repr(why))
                return

    def _call(self, dice, connections, sae, method, path, body):
        kme = dice.choice(self.kmes[sae])
        place = (sae, kme.name)
        connection = connections.pop(place, None) or kme.connect(sae)
        answer = kme.call(sae, method, path, body, connection=connection)
        connections[place] = connection
        return answer[:2]

    def _take(self, dice, connections, master):
        """New keys, for the other SAE. Raises what happened to a connection."""
        try:
            status, body = self._call(dice, connections, master, "POST", f"/api/v1/keys/{OTHER[master]}/enc_keys",
                                      {"number": dice.randint(1, self.number)})
        except ConnectionRefusedError:
            raise
        except LOST:
            with self.lock:
                self.lost_takes += 1
            raise
        if status != 200:
            if status not in (503, 429):
                self.fault(f"enc_keys: {status} {body}")
            with self.lock:
                # What the slave's KME promised may stay so until it expires.
                self.refused += 1
            time.sleep(0.01)
            return []
        fresh = [Promise(key["key_ID"], key["key"], master) for key in body["keys"]]
        with self.lock:
            self.answered += 1
            for promise in fresh:
                if promise.key_id in self.promises:
                    self.faults.append(f"key_ID {promise.key_id} came twice")
                self.promises[promise.key_id] = promise
        return fresh

    def _claim(self, dice, connections, promise, certain=False):
        slave = OTHER[promise.master]
        body = {"key_IDs": [{"key_ID": promise.key_id}]}
        try:
            status, body = self._call(dice, connections, slave, "POST", f"/api/v1/keys/{promise.master}/dec_keys", body)
        except ConnectionRefusedError:
            raise
        except LOST:
            promise.ambiguous = True
            raise
        self.judge(promise, status, body, certain)

    def judge(self, promise, status, body, certain):
        if status == 200:
            if promise.delivered:
                self.fault(f"{promise.key_id} was delivered twice")
            if body["keys"] != [{"key_ID": promise.key_id, "key": promise.key}]:
                self.fault(f"{promise.key_id} is another key at the slave's")
            promise.delivered = True
        elif status == 503 and not certain:
            # Its store may have lost the answer of its database.
            promise.ambiguous = True
        elif not promise.delivered and not promise.ambiguous:
            self.fault(f"{promise.key_id} was promised and is lost: {status} {body}")

    def audit(self):
        """With all KMEs up: claims everything that was promised, twice."""
        assert not self.faults, self.faults[:5]
        dice, connections = random.Random(self.seed), {}
        for promise in self.promises.values():
            for _ in range(2):
                self._claim(dice, connections, promise, certain=True)
        keys = {promise.key for promise in self.promises.values()}
        assert len(keys) == len(self.promises), "one key came under two IDs"
        assert not self.faults, self.faults[:5]

    def audit_books(self, ours, theirs):
        """Compares what two stores hold of their link when nothing is under way: (lane, label) of free keys, counts."""
        for books in ours, theirs:
            assert books["reserved"] == 0, books["reserved"]
            for lane, count in books["stock"].items():
                assert count == sum(1 for key in books["free"] if key[0] == lane), (lane, count)
        assert ours["cursors"] == theirs["cursors"], (ours["cursors"], theirs["cursors"])
        only = len(ours["free"] - theirs["free"]), len(theirs["free"] - ours["free"])
        assert only == (0, 0), f"link keys that only one KME has: {only}"
        used = sum(int(cursor) for cursor in ours["cursors"].values()) - len(ours["free"])
        unknown = (self.lost_takes + self.refused) * self.number
        assert len(self.promises) <= used <= len(self.promises) + unknown, (used, len(self.promises), unknown)
        # Whose master got no answer.
        waiting = ours["promises"] + theirs["promises"]
        assert waiting <= unknown and used >= len(self.promises) + waiting, (waiting, unknown, used)

    def summary(self):
        ambiguous = sum(p.ambiguous for p in self.promises.values())
        return (f"{len(self.promises)} keys promised in {self.answered} answers, {ambiguous} claims ambiguous, "
                f"{self.lost_takes} requests lost, {self.refused} refused")


class Balancer:
    """Passes TCP connections on to the first of some ports that listens, a different one first each time."""

    def __init__(self, ports):
        self.ports, self.turn = ports, 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.socket.settimeout(None)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.socket.close()

    def _accept(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            self.turn += 1
            threading.Thread(target=self._serve, args=(client, self.turn), daemon=True).start()

    def _serve(self, client, turn):
        for i in range(len(self.ports)):
            try:
                server = socket.create_connection(("127.0.0.1", self.ports[(turn + i) % len(self.ports)]))
                break
            except OSError:
                continue
        else:
            client.close()
            return
        other = threading.Thread(target=self._pump, args=(client, server), daemon=True)
        other.start()
        self._pump(server, client)
        other.join()
        client.close()
        server.close()

    @staticmethod
    def _pump(source, sink):
        source.settimeout(None)
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                end.shutdown(how)
            except OSError:
                pass


class Killer:
    """Kills processes at random moments of a load, and starts them again at once; starting ones are killed too."""

    def __init__(self, seed, kmes, longest=0.25):
        self.dice, self.kmes, self.longest = random.Random(seed), kmes, longest
        self.kills = 0
        self.starting = set()

    def turn(self, both=0.2):
        time.sleep(self.dice.random() * self.longest)  # a random moment, awaiting nothing
        victims = list(self.kmes) if self.dice.random() < both else [self.dice.choice(self.kmes)]
        for kme in victims:
            kme.kill()
            # What hundreds of them said helps nobody.
            kme.test.processes.remove(kme.process)
            kme.process.stop()
            self.kills += 1
        for kme in victims:
            kme.start(wait=False)
            self.starting.add(kme)

    def rest(self):
        """Until all that were started are ready; those that found no database when they started are started again."""
        for kme in list(self.starting):
            while not self._is_ready(kme):
                kme.start(wait=False)
            self.starting.remove(kme)

    @staticmethod
    def _is_ready(kme):
        try:
            kme.wait_ready()
            return True
        except AssertionError:
            # Its output has ended; a moment later, it has too.
            try:
                kme.process.wait(qvtest.TIMEOUT)
            except subprocess.TimeoutExpired:
                raise AssertionError("it neither serves nor ends") from None
            return False
