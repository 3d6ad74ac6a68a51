# SPDX-License-Identifier: Apache-2.0
"""Measures keys relayed live over the eight KMEs of the demonstration: keys per second and latency at 1 and at 128 keys a
request, and the bytes of link key spent for each key against the least that the module's plan can do with.

The least is messages of the plan times the key itself; what comes on top is the key of each hop's tag, and what the ends
confirm the keys with, so more keys in a request come nearer to it.
"""

import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.environ.get("QV_SOURCE", "."), "tests", "harness"))
import qvnetwork  # noqa: E402
import qvtest  # noqa: E402

SECONDS = float(os.environ.get("QV_BENCH_SECONDS", "3"))
KEY = 32


def spent(ports):
    """Link keys that all KMEs have spent on shares."""
    total = 0
    for port in ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("qkd_kme_relay_link_keys_total "):
                    total += int(line.split()[1])
    return total


def settled(ports):
    """The same once nothing moves any more: what the destination did not wait for is spent, too."""
    last = -1
    while (now := spent(ports)) != last:
        last = now
        time.sleep(0.2)
    return last


def messages(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/relay", timeout=30) as answer:
        return json.load(answer)["routes"][0]["messages"]


def measure(net, ports, batch):
    before, times, keys = settled(ports), [], 0
    connection = net.kmes["1"].connect("101")
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or len(times) < 3:
        start = time.monotonic()
        status, body, _ = net.kmes["1"].call("101", "POST", "/api/v1/keys/108/enc_keys", {"number": batch},
                                             connection=connection)
        times.append(time.monotonic() - start)
        assert status == 200, (status, body)
        keys += batch
    connection.close()
    bytes_per_key = (settled(ports) - before) * 32 / keys
    times.sort()
    return keys / sum(times), statistics.median(times) * 1000, times[int(len(times) * 0.95)] * 1000, bytes_per_key


def run(test, module):
    with tempfile.TemporaryDirectory() as folder:
        names = sorted({n for a, near in qvnetwork.DEMONSTRATION.items() for n in a + near})
        ports = {n: qvtest.free_port() for n in names}
        net = qvnetwork.Network(test, folder, module=module, stock=60000, store="memory",
                                keys="max_stored = 60000; max_per_request = 128;",
                                extra={n: f'admin: {{ listen = "127.0.0.1:{p}"; }};' for n, p in ports.items()})
        net.wait_keys(net.names, 50000)
        net.share("1", "8")
        least = messages(ports["1"]) * KEY
        for batch in (1, 128):
            rate, middle, late, cost = measure(net, ports.values(), batch)
            print(f"# {module:<13} {batch:>4} a request: {rate:8.1f} keys/s, median {middle:6.1f} ms, 95 % {late:6.1f} ms, "
                  f"{cost:7.1f} bytes of link key a key, {cost / least:4.2f} of the plan's least ({least:.0f})", flush=True)
        net.stop()


def main():
    test = qvtest.Test(__file__)
    try:
        for module in ("redistribute", "recursive", "disjoint"):
            run(test, module)
    finally:
        for process in test.processes:
            process.stop()


main()
