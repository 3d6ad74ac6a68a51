# SPDX-License-Identifier: Apache-2.0
"""Measures qkd-kme against nginx that serves 191 bytes, over mutual TLS 1.3, in turns. Each server has one core for
itself; the clients, and the peer where there is one, have the other."""

import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("QV_SOURCE", "."), "tests", "harness"))
import qvkme  # noqa: E402
import qvtest  # noqa: E402

SECONDS = float(os.environ.get("QV_BENCH_SECONDS", "0.6"))
ROUNDS = int(os.environ.get("QV_BENCH_ROUNDS", "3"))
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = str(CORES[0]), str(CORES[-1])

NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/kme-a.pem;
    ssl_certificate_key {folder}/kme-a.key;
    ssl_client_certificate {folder}/ca.pem;
    ssl_verify_client on;
    ssl_protocols TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets off;
    location / {{ default_type application/json; return 200 "{body}"; }}
  }}
}}
"""


class Servers:
    """A KME with two SAEs of its own and keys in memory, its peer, and nginx."""

    def __init__(self, test, folder):
        self.folder = folder
        self.pair = qvkme.KmePair(test, folder, start=False, rate=0, stock=200000,
                                  saes_a='{ id = "21"; certificate_serial = "12"; }',
                                  keys="max_stored = 200000;")
        for kme in (self.pair.a, self.pair.b):
            text = open(kme.config, encoding="utf-8").read()
            text = text.replace('store: { module = "sqlite"; file = "%s.db"; }' % kme.name, 'store: { module = "memory"; }')
            text = text.replace('log_level = "debug"', 'log_level = "info"')
            with open(kme.config, "w", encoding="utf-8") as f:
                f.write(text)
        for kme, core in ((self.pair.b, CLIENT_CORE), (self.pair.a, SERVER_CORE)):
            kme.process = test.start(["taskset", "-c", core, qvtest.program("qkd-kme"), kme.config])
            kme.wait_ready()
        self.pair.a.wait_stock("11", "12", 200000)
        self.nginx_port = qvtest.free_port()
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(NGINX.format(folder=folder, port=self.nginx_port, body="x" * 191))
        nginx = test.start(["taskset", "-c", SERVER_CORE, qvtest.program("nginx"), "-c", config, "-p", folder])
        qvkme.wait_until(lambda: self.children(nginx.pid))
        self.hello_port = qvtest.free_port()
        hello = test.start(["taskset", "-c", SERVER_CORE, qvtest.program("bench_kme_hello"), folder,
                            str(self.hello_port)])
        hello.wait_for("ready")
        self.processes = {self.nginx_port: self.children(nginx.pid)[0], self.pair.a.sae_port: self.pair.a.process.pid,
                          self.hello_port: hello.pid}

    @staticmethod
    def children(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return list(map(int, f.read().split()))

    def load(self, how, clients, port, path, *second, seconds=SECONDS):
        """(requests/s, median in us, 0.99 quantile in us, us of the server's processor for a request)"""
        done = subprocess.run(["taskset", "-c", CLIENT_CORE, qvtest.program("bench_kme_load"), how, str(clients),
                               str(seconds), self.folder, str(self.processes[port]), str(port), path,
                               *map(str, second)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        requests, took, middle, late, spent = map(float, done.stdout.split())
        return requests / took, middle, late, spent / requests * 1e6

    def nginx(self, clients, how="get"):
        return self.load(how, clients, self.nginx_port, "/")

    def hello(self, clients):
        return self.load("get", clients, self.hello_port, "/")

    def status(self, clients, how="get"):
        return self.load(how, clients, self.pair.a.sae_port, "/api/v1/keys/21/status")

    def local_keys(self, clients, how="keys"):
        own = self.pair.a.sae_port
        return self.load(how, clients, own, "/api/v1/keys/21/enc_keys" + ("?number=128" if how == "batch" else ""), own,
                         "/api/v1/keys/11/dec_keys")

    def peer_keys(self, clients, how="keys"):
        return self.load(how, clients, self.pair.a.sae_port,
                         "/api/v1/keys/12/enc_keys" + ("?number=128" if how == "batch" else ""), self.pair.b.sae_port,
                         "/api/v1/keys/11/dec_keys")


def row(what, ours, theirs, unit, ratios, goal=None, least=True):
    middle = statistics.median(ratios)
    line = f"{what:58} {ours:12.1f} {theirs:12.1f} {unit:6} {middle:7.3f} {min(ratios):7.3f}-{max(ratios):7.3f}"
    if goal:
        met = middle >= goal if least else middle <= goal
        line += f" {goal:6.2f} {'met' if met else 'MISSED'}"
    print(line, flush=True)


def compare(what, ours, theirs, rate_goal=None, late_goal=None):
    """Rates and late quantiles of both, measured in turns."""
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    middle = [[statistics.median(p[side][n] for p in pairs) for n in range(4)] for side in range(2)]
    row(what + ": requests (nginx)", middle[0][0], middle[1][0], "/s", [a[0] / b[0] for a, b in pairs], rate_goal)
    row(what + ": p50 (nginx)", middle[0][1], middle[1][1], "us", [a[1] / b[1] for a, b in pairs])
    row(what + ": server CPU (nginx)", middle[0][3], middle[1][3], "us", [a[3] / b[3] for a, b in pairs])
    row(what + ": p99 (nginx)", middle[0][2], middle[1][2], "us", [a[2] / b[2] for a, b in pairs], late_goal, least=False)


def measure(test, folder):
    servers = Servers(test, folder)
    print(f"{'what (against)':58} {'ours':>12} {'theirs':>12} {'unit':6} {'ratio':>7} {'range':>15} {'goal':>6}")
    for clients in (1, 16, 64):
        nginx = lambda: servers.nginx(clients)
        compare(f"enc_keys+dec_keys, {clients} clients", lambda: servers.local_keys(clients), nginx, 0.8, 2)
        compare(f"status, {clients} clients", lambda: servers.status(clients), nginx)
        compare(f"bare libmicrohttpd, {clients} clients", lambda: servers.hello(clients), nginx)
    compare("new connections, 16 clients", lambda: servers.status(16, "connect"), lambda: servers.nginx(16, "connect"), 0.95)
    compare("enc_keys+dec_keys with a peer, 16 clients", lambda: servers.peer_keys(16), lambda: servers.nginx(16))
    for name, take in (("one KME", servers.local_keys), ("a peer", servers.peer_keys)):
        rate = take(4, "batch")[0]
        print(f"number = 128, {name}: {rate * 64:.0f} keys/s taken and claimed")


test = qvtest.Test(__file__)
with tempfile.TemporaryDirectory(prefix="qvisio-bench-") as folder:
    try:
        measure(test, folder)
    except qvtest.Skip as why:
        print(f"skipped: {why}")
    finally:
        for process in reversed(test.processes):
            process.stop()
