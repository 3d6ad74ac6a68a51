# SPDX-License-Identifier: Apache-2.0
"""The admin interface by HTTP: metrics against traffic really done, health, who is let in, hostile requests."""

import http.client
import json
import os
import re
import signal
import socket
import ssl

import qvkme
import qvtest

test = qvtest.Test(__file__)

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = r'\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"(?:,(?!\})|(?=\})))+\}'
SAMPLE = re.compile(rf"({NAME})({LABELS})? (NaN|[+-]Inf|-?[0-9.]+(?:e[+-]?[0-9]+)?)")


class Metrics:
    """The text format of Prometheus, version 0.0.4, read strictly."""

    def __init__(self, text):
        self.values, self.types, family = {}, {}, None
        assert text.endswith("\n")
        for line in text.splitlines():
            if line.startswith("# HELP "):
                family = line.split(" ", 3)[2]
                assert family not in self.types, f"{family} is there twice"
                continue
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name == family and kind in ("counter", "gauge", "histogram"), line
                self.types[name] = kind
                continue
            name, labels, value = SAMPLE.fullmatch(line).groups()
            suffix = name.removeprefix(family)
            assert suffix in (("_bucket", "_sum", "_count") if self.types[family] == "histogram" else ("",)), line
            assert self.types[family] != "counter" or float(value) >= 0, line
            assert (name, labels) not in self.values, line
            self.values[name, labels] = float(value)
        self.check_histograms()

    def check_histograms(self):
        for family in (name for name, kind in self.types.items() if kind == "histogram"):
            series = {}
            for (name, labels), value in self.values.items():
                if name == family + "_bucket":
                    key, bound = re.fullmatch(r'\{(.*),le="([^"]*)"\}', labels).groups()
                    series.setdefault(key, []).append((float(bound.replace("Inf", "inf")), value))
            assert series
            for key, buckets in series.items():
                assert buckets == sorted(buckets) and buckets[-1][0] == float("inf"), (family, buckets)
                assert [v for _, v in buckets] == sorted(v for _, v in buckets)
                assert buckets[-1][1] == self.values[family + "_count", "{" + key + "}"]

    def get(self, name, **labels):
        text = "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else None
        return self.values[name, text]


def watched_pair(tmp, admin="", start=True, **options):
    pair = qvkme.KmePair(test, tmp, start=False, **{"rate": 0, "stock": 100, **options})
    for kme in (pair.a, pair.b):
        kme.admin = qvtest.free_port()
        with open(kme.config, "a", encoding="ascii") as f:
            f.write(f'audit: {{ file = "{kme.name}.audit"; }};\n'
                    f'admin: {{ listen = "127.0.0.1:{kme.admin}"; {admin} }};\n')
    if start:
        pair.a.start(), pair.b.start()
        pair.a.wait_stock("11", "12", 100)
        pair.b.wait_stock("12", "11", 100)
    return pair


def visit(kme, path, method="GET", headers=None, context=None, body=None):
    connection = (http.client.HTTPSConnection("127.0.0.1", kme.admin, timeout=qvtest.TIMEOUT, context=context) if context
                  else http.client.HTTPConnection("127.0.0.1", kme.admin, timeout=qvtest.TIMEOUT))
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


def metrics(kme):
    status, text, headers = visit(kme, "/metrics")
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Metrics(text)


def health(kme):
    status, text, _ = visit(kme, "/health")
    return status, {(cause["what"], cause.get("peer")) for cause in json.loads(text)["causes"]}


@test.case("metrics count what was really done: keys, requests, errors by cause, latencies, store, pools, audit")
def _(tmp):
    pair = watched_pair(tmp, start=False)
    # The peer is there when KME-A compares their pools for the first time, and is asked nothing of it later.
    pair.b.start(), pair.a.start()
    pair.a.process.said("the pools are compared")
    pair.a.wait_stock("11", "12", 100)
    pair.b.wait_stock("12", "11", 100)
    asked = lambda seen: seen.values.get(("qkd_kme_requests_total", '{api="inter_kme",code="200"}'), 0)
    before, before_b = metrics(pair.a), metrics(pair.b)
    for number in (1, 2, 3):
        pair.share(number)
    assert pair.a.call("11", "GET", "/api/v1/keys/12/enc_keys?number=95")[0] == 503
    assert pair.a.call("11", "POST", "/api/v1/keys/12/enc_keys", "{")[0] == 400
    assert pair.a.call("11", "GET", "/api/v1/nothing")[0] == 404
    assert pair.a.call("11", "DELETE", "/api/v1/keys/12/enc_keys")[0] == 405
    assert pair.b.call("12", "GET", "/api/v1/keys/11/dec_keys?key_ID=d6cfdd69-f59c-4a71-b999-62dcfdbd7a55")[0] == 400
    qvkme.wait_until(lambda: metrics(pair.a).get("qkd_kme_pool_keys", peer="KME-B", lane="own") == 94)
    qvkme.wait_until(lambda: health(pair.a)[0] == 200)
    a, b = metrics(pair.a), metrics(pair.b)

    def grown(name, **labels):
        return a.get(name, **labels) - before.get(name, **labels)

    assert grown("qkd_kme_keys_total", event="delivered_master") == 6 == grown("qkd_kme_keys_total", event="activated")
    assert b.get("qkd_kme_keys_total", event="delivered_slave") == 6 == b.get("qkd_kme_keys_total", event="activated")
    assert grown("qkd_kme_key_events_total", event="delivered_master") == 3
    assert grown("qkd_kme_requests_total", api="enc_keys", code="200") == 3
    assert a.get("qkd_kme_requests_total", api="enc_keys", code="503") == 1
    assert a.get("qkd_kme_requests_total", api="enc_keys", code="405") == 1
    assert a.get("qkd_kme_requests_total", api="other", code="404") == 1
    assert b.get("qkd_kme_requests_total", api="dec_keys", code="400") == 1
    assert grown("qkd_kme_request_duration_seconds_count", api="enc_keys") == 6
    assert asked(b) - asked(before_b) == 3
    assert b.get("qkd_kme_request_duration_seconds_sum", api="dec_keys") > 0
    assert [grown("qkd_kme_errors_total", cause=c) for c in ("no_keys", "bad_request", "not_found", "method")] == [1] * 4
    assert grown("qkd_kme_store_duration_seconds_count", operation="reserve") >= 4
    assert b.get("qkd_kme_store_duration_seconds_count", operation="deliver") == 4
    assert a.get("qkd_kme_store_errors_total", operation="reserve") == 0
    assert a.get("qkd_kme_pool_keys", peer="KME-B", lane="theirs") == 100
    assert a.get("qkd_kme_peer_up", peer="KME-B") == 1 == a.get("qkd_kme_store_up") == a.get("qkd_kme_audit_up")
    with open(os.path.join(tmp, "kme-a.audit"), encoding="ascii") as f:
        assert a.get("qkd_kme_audit_sequence") == len(f.readlines())
    version = qvtest.run(["qkd-kme", "--version"]).stdout.split()[1]
    assert a.get("qkd_kme_build_info", version=version) == 1
    assert pair.a.stop() == 0 == pair.b.stop()


@test.case("handshakes that fail are counted by cause")
def _(tmp):
    pair = watched_pair(tmp)
    failures = lambda: {cause: metrics(pair.a).get("qkd_kme_tls_handshake_failures_total", cause=cause)
                        for cause in ("silent", "no_agreement", "refused_us", "certificate")}
    start = failures()

    def once_more(cause):
        wanted = dict(start, **{cause: start[cause] + 1})
        qvkme.wait_until(lambda: failures() == wanted)
        start.update(wanted)

    socket.create_connection(("127.0.0.1", pair.a.sae_port)).close()
    once_more("silent")

    def shake(context):
        try:
            with socket.create_connection(("127.0.0.1", pair.a.sae_port), timeout=qvtest.TIMEOUT) as plain:
                with context.wrap_socket(plain, server_hostname="localhost") as tls:
                    tls.send(b"GET / HTTP/1.1\r\n\r\n")
                    tls.recv(1)
        except (ssl.SSLError, ConnectionError):
            pass

    shake(pair.a.context())
    once_more("certificate")
    other = qvtest.Pki(os.path.join(tmp, "other"), "Other CA")
    other.issue("sae", serial=11, usage="clientAuth")
    stranger = pair.a.context()
    stranger.load_cert_chain(other.path("sae.pem"), other.path("sae.key"))
    shake(stranger)
    once_more("certificate")
    shake(pair.a.context("sae-11", ca=other.ca))
    once_more("refused_us")
    qvtest.run(["openssl", "s_client", "-connect", f"127.0.0.1:{pair.a.sae_port}", "-tls1_1", "-cipher",
                "ALL:@SECLEVEL=0"], check=False)
    once_more("no_agreement")
    good = metrics(pair.a).get("qkd_kme_tls_handshakes_total")
    assert pair.a.call("11", "GET", "/api/v1/keys/12/status")[0] == 200
    # One for this request; the other KME may shake hands meanwhile too.
    qvkme.wait_until(lambda: metrics(pair.a).get("qkd_kme_tls_handshakes_total") >= good + 1)


@test.case("health names a peer that is gone until it is back, and a pool that is used up")
def _(tmp):
    pair = watched_pair(tmp)
    qvkme.wait_until(lambda: health(pair.a) == (200, set()))
    pair.b.stop()
    qvkme.wait_until(lambda: health(pair.a) == (503, {("peer", "KME-B")}))
    assert metrics(pair.a).get("qkd_kme_peer_up", peer="KME-B") == 0
    pair.b.start()
    qvkme.wait_until(lambda: health(pair.a) == (200, set()))
    pair.share(100)
    qvkme.wait_until(lambda: health(pair.a) == (503, {("stock", "KME-B")}))


@test.case("a peer that does not know this KME's certificate shows as such")
def _(tmp):
    pair = watched_pair(tmp, start=False)
    pair.a.start()
    text = open(pair.b.config, encoding="utf-8").read().replace('certificate_name = "kme-a"', 'certificate_name = "kme-x"')
    with open(pair.b.config, "w", encoding="utf-8") as f:
        f.write(text)
    pair.b.start(wait=False)
    qvkme.wait_until(lambda: "does not know this KME's certificate" in visit(pair.a, "/health")[1])


@test.case("after a reload the page has the new SAEs, and a peer that is gone is watched no more")
def _(tmp):
    pair = watched_pair(tmp)
    saes = lambda: {sae["id"] for sae in json.loads(visit(pair.a, "/api/kme")[1])["saes"]}
    links = lambda: [link["peer"] for link in json.loads(visit(pair.a, "/api/state")[1])["links"]]
    qvkme.wait_until(lambda: links() == ["KME-B"])
    assert saes() == {"11", "12"}
    text = open(pair.a.config, encoding="utf-8").read()
    new = re.sub(r"saes: .*", 'saes: ( { id = "11"; certificate_serial = "11"; }, { id = "new"; certificate_serial = "99"; } );', text)
    new = re.sub(r"peers: \(.*?\n\);\n", "", new, flags=re.DOTALL)
    assert "KME-B" not in new
    with open(pair.a.config, "w", encoding="utf-8") as f:
        f.write(new)
    pair.a.process.signal(signal.SIGHUP)
    pair.a.process.wait_for("is read anew and in use")
    assert saes() == {"11", "new"}
    qvkme.wait_until(lambda: links() == [])
    qvkme.wait_until(lambda: health(pair.a) == (200, set()))
    with open(pair.a.config, "w", encoding="utf-8") as f:
        f.write(text)
    pair.a.process.signal(signal.SIGHUP)
    pair.a.process.wait_for("is read anew and in use")
    qvkme.wait_until(lambda: links() == ["KME-B"] and health(pair.a) == (200, set()))
    assert pair.a.stop() == 0


@test.case("live events reach a client, go on after Last-Event-ID, and only so many clients take them")
def _(tmp):
    pair = watched_pair(tmp, "event_clients = 2;")
    first, events = listen(pair.a)
    second, _ = listen(pair.a)
    assert visit(pair.a, "/api/events")[0] == 503
    pair.share(2)
    activated, delivered = next(events), next(events)
    assert [e["event"] for e in (activated, delivered)] == ["activated", "delivered"] and delivered["count"] == 2
    second.close()
    qvkme.wait_until(lambda: metrics(pair.a).get("qkd_kme_admin_event_clients") < 2)
    third, later = listen(pair.a, {"Last-Event-ID": str(activated["id"])})
    assert next(later) == delivered
    # It ends with open streams.
    assert pair.a.stop() == 0


def listen(kme, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", kme.admin, timeout=qvtest.TIMEOUT)
    connection.request("GET", "/api/events", headers=headers or {})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/event-stream"

    def events():
        fields = {}
        for line in answer:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
                continue
            if fields.get("event") == "key":
                yield {"id": int(fields["id"]), **json.loads(fields["data"])}
            fields = {}
    return answer, events()


@test.case("the Host header must be an IP address, localhost or a configured name")
def _(tmp):
    pair = watched_pair(tmp, 'host_names = ["kme.example.org"];')
    for host in ("127.0.0.1", "localhost:1234", "LOCALHOST", "[::1]:80", "192.0.2.7", "kme.example.org", "KME.example.org:80"):
        assert visit(pair.a, "/health", headers={"Host": host})[0] in (200, 503), host
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "kme.example.org.", "", "[::1",
                 "[evil]", "127.0.0.1:80:80", "localhost:x", "a" * 300, "[::1]x"):
        assert visit(pair.a, "/health", headers={"Host": host})[0] in (400, 421), host
    raw = b"GET /health HTTP/1.0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", pair.a.admin), timeout=qvtest.TIMEOUT) as s:
        s.sendall(raw)
        assert b" 421 " in s.recv(4096).splitlines()[0]


@test.case("answers carry a strict policy, and only GET, HEAD and the log in are answered")
def _(tmp):
    pair = watched_pair(tmp)
    for path in ("/", "/style.css", "/app.js", "/metrics", "/health", "/api/kme", "/nothing", "/../etc/passwd"):
        _, _, headers = visit(pair.a, path)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';") and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer", path
        assert headers["Cache-Control"] == "no-store" and "Access-Control-Allow-Origin" not in headers
    assert visit(pair.a, "/", "HEAD")[:2] == (200, "")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        status, _, headers = visit(pair.a, "/metrics", method, body="x" * 100000)
        assert status == 405 and headers["Allow"] == "GET, HEAD", method
    assert visit(pair.a, "/nothing")[0] == 404 and visit(pair.a, "/api/history?range=year")[0] == 400
    for range_, interval in (("recent", 1), ("day", 60)):
        history = json.loads(visit(pair.a, f"/api/history?range={range_}")[1])
        assert history["interval"] == interval and history["links"][0]["peer"] == "KME-B", history
    assert visit(pair.a, "/api/login", "POST", {"Authorization": "Bearer " + "x" * 20})[0] == 401


@test.case("with a token, only who has it or a session sees anything")
def _(tmp):
    token = "a-token-of-some-length"
    qvkme.private_file(os.path.join(tmp, "admin.token"), token + "\n")
    pair = watched_pair(tmp, 'token_file = "admin.token"; certificate = "kme-a.pem"; private_key = "kme-a.key";')
    context = pair.a.context()
    see = lambda path, **headers: visit(pair.a, path, headers=headers, context=context)
    for path in ("/metrics", "/health", "/api/kme", "/api/state", "/api/history", "/api/events", "/nothing"):
        for wrong in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer"}, {"Authorization": token},
                      {"Authorization": f"Bearer {token}x"}, {"Cookie": "qkd-kme-session=" + "0" * 64},
                      {"Cookie": f"qkd-kme-session={token}"}):
            status, text, headers = see(path, **wrong)
            assert status == 401 and headers["WWW-Authenticate"] == "Bearer" and "KME-" not in text, (path, wrong)
    assert see("/")[0] == 303 and see("/")[2]["Location"] == "/login" and see("/login")[0] == 200
    assert see("/metrics", Authorization=f"Bearer {token}")[0] == 200
    assert visit(pair.a, "/api/login", "POST", {"Authorization": "Bearer nope"}, context)[0] == 401
    status, _, headers = visit(pair.a, "/api/login", "POST", {"Authorization": f"Bearer {token}"}, context)
    cookie = headers["Set-Cookie"]
    assert status == 204 and all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Secure"))
    session = cookie.split(";")[0]
    assert see("/api/kme", Cookie=session)[0] == 200
    visit(pair.a, "/api/logout", "POST", {"Cookie": session}, context)
    assert see("/api/kme", Cookie=session)[0] == 401
    assert token not in pair.a.process.output()


@test.case("a configuration that would open the page to others without a token is refused, and other mistakes are named")
def _(tmp):
    pair = watched_pair(tmp, start=False)
    base = open(pair.a.config, encoding="utf-8").read().split("admin:")[0]
    qvkme.private_file(os.path.join(tmp, "good.token"), "0123456789abcdef")
    qvkme.private_file(os.path.join(tmp, "short.token"), "0123456789")
    qvkme.private_file(os.path.join(tmp, "lines.token"), "0123456789abcdef\nand more\n")
    with open(os.path.join(tmp, "open.token"), "w", encoding="ascii") as f:
        f.write("0123456789abcdef")
    for options, expected in (
            ('listen = "0.0.0.0:0";', "token_file: missing: 0.0.0.0:0 is no loopback address"),
            ('listen = "[::]:0";', "no loopback address"),
            ('listen = "192.0.2.1:80";', "no loopback address"),
            ('listen = "here";', "listen: \"here\" is no address"),
            ('token_file = "short.token";', "a token is one line of 16 or more"),
            ('token_file = "lines.token";', "a token is one line of 16 or more"),
            ('token_file = "open.token";', "others can read it"),
            ('token_file = "none.token";', "none.token"),
            ('certificate = "kme-a.pem";', "private_key is missing"),
            ('private_key = "kme-a.key";', "certificate is missing"),
            ('colour = "red";', "colour"),
            ('listen = "0.0.0.0:0"; token_file = "good.token";', None),
            ('listen = "localhost:0";', None),
            ('listen = "[::1]:0";', None)):
        with open(pair.a.config, "w", encoding="utf-8") as f:
            f.write(base + f"admin: {{ {options} }};\n")
        done = qvtest.run(["qkd-kme", "--check", pair.a.config], check=False)
        if expected:
            assert done.returncode == 1 and expected in done.stderr and "kme-a.conf:" in done.stderr, (options, done.stderr)
        else:
            assert done.returncode == 0, (options, done.stderr)


@test.case("many idle and slow visitors hold up neither the page nor the keys")
def _(tmp):
    pair = watched_pair(tmp)
    idle = [socket.create_connection(("127.0.0.1", pair.a.admin)) for _ in range(60)]
    for s in idle[:30]:
        s.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert visit(pair.a, "/health")[0] in (200, 503)
    taken, claimed = pair.share(20)
    assert taken == claimed
    for s in idle:
        s.close()
    qvkme.wait_until(lambda: metrics(pair.a).get("qkd_kme_admin_event_clients") == 0)


test.run()
