# SPDX-License-Identifier: Apache-2.0
"""A fresh QKD key every 5 s against none, over UDP: pictures lost, and how late the 99th percentile is."""

import os
import statistics

import peers
import qvfield

SECONDS = float(os.environ.get("QV_BENCH_SECONDS", "12"))
ROUNDS = int(os.environ.get("QV_BENCH_ROUNDS", "2"))
bench = peers.Bench(__file__)


def measure(folder, peer):
    field = qvfield.Field(bench.test, folder, seed=2, delay=10)
    peer.start(field, folder)
    pictures = peers.show(folder, peer, SECONDS)
    theirs, ours = peer.hang_up()
    # What was on its way when the call ended is no loss.
    missing = max(0, ours["video"]["sent"] - theirs["video"]["received"] - 2)
    return pictures.delays(), missing + theirs["video"]["lost"], peer.processes[1].output().count('"rekeyed"')


def main():
    fresh, none = peers.Visio("a key every 5 s", True, rekey=5.0), peers.Visio("one key", True)
    results = bench.alternate(ROUNDS, [fresh, none], measure)
    print(f"{'over UDP':<20} {'median':>8} {'p95':>8} {'p99 ms':>8} {'lost':>6} {'renewals':>9}")
    for name, parts in results.items():
        late = [delay for delays, _, _ in parts for delay in delays]
        print(f"{name:<20} " + " ".join(f"{qvfield.quantile(late, q):8.1f}" for q in (0.5, 0.95, 0.99)) +
              f" {sum(p[1] for p in parts):6} {sum(p[2] for p in parts):9}")
    lost = sum(p[1] for p in results.get(fresh.name, []))
    print(f"pictures lost with fresh keys: {lost}, goal 0 {peers.verdict(lost == 0)}")
    p99 = {name: [qvfield.quantile(delays, 0.99) for delays, _, _ in parts] for name, parts in results.items()}
    peers.ratio("p99 with fresh keys to that without", p99.get(fresh.name), p99.get(none.name), 1.05)


main()
