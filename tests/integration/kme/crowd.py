# SPDX-License-Identifier: Apache-2.0
"""Many connections: idle ones and silent ones do not disturb a client, and give way when there are too many."""

import http.client
import json
import resource
import signal
import socket
import ssl

import qvkme
import qvtest

test = qvtest.Test(__file__)

ME = "/api/v1/sae/info/me"
STATUS = "/api/v1/keys/12/status"


def raise_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < 2500:
        raise qvtest.Skip(f"this test may have {hard} descriptors only")


class Crowd:
    """Connections that do nothing: `idle` after their handshake, `silent` before it."""

    def __init__(self, kme, idle, silent):
        context = kme.context("sae-11")
        self.idle, self.silent = [], []
        for _ in range(silent):
            self.silent.append(socket.create_connection(("127.0.0.1", kme.sae_port), timeout=qvtest.TIMEOUT))
        for _ in range(idle):
            raw = socket.create_connection(("127.0.0.1", kme.sae_port), timeout=qvtest.TIMEOUT)
            self.idle.append(context.wrap_socket(raw, server_hostname="localhost"))

    def close(self):
        for connection in self.idle + self.silent:
            connection.close()


def ask(connection):
    """A request on an idle connection; False when it was closed."""
    try:
        connection.sendall(f"GET {ME} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return connection.recv(4096).startswith(b"HTTP/1.1 200")
    except (ssl.SSLError, ConnectionError):
        return False


def is_open(connection):
    """Whether the KME still holds a silent connection: nothing, not even an end, is there to read."""
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


@test.case("1,000 idle connections and 100 silent handshakes: a client beside them is served, on old and new connections")
def _(tmp):
    raise_limit()
    pair = qvkme.KmePair(test, tmp)
    kept = pair.a.connect("11")
    assert pair.a.call("11", "GET", ME, connection=kept)[0] == 200
    crowd = Crowd(pair.a, 1000, 100)
    for _ in range(100):
        assert pair.a.call("11", "GET", STATUS, connection=kept)[0] == 200
        assert pair.a.call("11", "GET", ME)[0] == 200
    taken, claimed = pair.share(10)
    assert taken == claimed
    # All of them were there all the time.
    assert all(is_open(connection) for connection in crowd.silent)
    assert all(ask(connection) for connection in crowd.idle)
    crowd.close()


@test.case("when all connections are taken the longest idle ones go, those that never asked first; busy ones stay")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, sae_extra="  connections = 20;\n", timeout=60000, rate=0, stock=50)
    # Busy: a request that waits for its peer.
    pair.b.process.signal(signal.SIGSTOP)
    results = []
    before = pair.a.call("11", "GET", STATUS)[1]["stored_key_count"]
    with qvtest.beside(lambda: results.append(pair.a.call("11", "GET", "/api/v1/keys/12/enc_keys"))):
        asked = pair.a.connect("11")
        qvkme.wait_until(lambda: pair.a.call("11", "GET", STATUS, connection=asked)[1]["stored_key_count"] < before)
        port = asked.sock.getsockname()[1]
        crowd = Crowd(pair.a, 0, 40)
        pair.a.process.wait_for("all 20 connections are open: idle ones are closed for new ones")
        # The first silent ones were closed, for the last.
        qvkme.wait_until(lambda: not is_open(crowd.silent[0]) and not is_open(crowd.silent[20]))
        assert is_open(crowd.silent[39]) and pair.a.call("11", "GET", ME)[0] == 200
        # One that has asked before is kept as long as there are silent ones.
        assert pair.a.call("11", "GET", ME, connection=asked)[0] == 200 and asked.sock.getsockname()[1] == port
        late = Crowd(pair.a, 30, 0)
        assert ask(late.idle[29]) and pair.a.call("11", "GET", ME)[0] == 200
        pair.b.process.signal(signal.SIGCONT)
    assert results[0][0] == 200
    crowd.close(), late.close()


@test.case("too few descriptors are told at the start, and connections are shed before they run out")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False)
    pair.a.process = test.start(["prlimit", "--nofile=400:400", qvtest.program("qkd-kme"), pair.a.config])
    pair.a.process.wait_for(r"this process may have 400 descriptors: enough for 136 connections of SAEs, not for 4096; raise "
                            r"the limit \(LimitNOFILE, ulimit -Hn\) or lower connections")
    pair.a.wait_ready()
    crowd = Crowd(pair.a, 0, 500)
    assert pair.a.call("11", "GET", ME)[0] == 200
    crowd.close()


@test.case("SIGTERM under load: whatever the master was answered is there for the slave, and nothing is answered by half")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=0, stock=3000)
    taken, half = [], []

    def work():
        connection = pair.a.connect("11")
        while True:
            try:
                connection.request("GET", "/api/v1/keys/12/enc_keys?number=2")
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException):
                return
            try:
                text = answer.read()
            except (OSError, http.client.HTTPException) as why:
                half.append(why)
                return
            if answer.status == 200:
                taken.extend(json.loads(text)["keys"])

    with qvtest.beside(*[work] * 8):
        qvkme.wait_until(lambda: len(taken) > 100)
        pair.a.process.signal(signal.SIGTERM)
        assert pair.a.process.wait() == 0
    assert not half, half
    count = len(taken)
    for first in range(0, count, 100):
        part = taken[first:first + 100]
        ids = {"key_IDs": [{"key_ID": key["key_ID"]} for key in part]}
        status, body, _ = pair.b.call("12", "POST", "/api/v1/keys/11/dec_keys", ids)
        assert status == 200 and body["keys"] == part, (status, body)
    # No key was given out without an answer: what is gone from the pool, both sides agree on.
    pair.a.start()
    qvkme.wait_until(lambda: pair.a.call("11", "GET", STATUS)[1]["stored_key_count"] >= 3000 - count - 2 * 8)


test.run()
