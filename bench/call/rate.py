# SPDX-License-Identifier: Apache-2.0
"""A path whose rate falls from 3 to 1 Mbit/s, with 40 ms round trip and a queue of 1 s: how long packets wait for it.

Goals: from 2 s after the step on the 95th percentile of the wait is under 100 ms, and at least 0.8 of the rate is used.
The impairer logs each packet. The picture is one that can use any rate: noise over a moving pattern, 640x360.
"""

import os
import statistics
import time

import peers
import qvfield
import qvtest

ROUNDS = int(os.environ.get("QV_BENCH_ROUNDS", "2"))
BEFORE, AFTER, GRACE = 8, 12, 2  # s
FAST, SLOW = 3e6, 1e6
bench = peers.Bench(__file__)


class Packet:
    def __init__(self, line):
        words = line.split()
        self.at, self.path, self.size = int(words[0]), words[1] + "-" + words[2], int(words[3])
        self.waited_ms, self.passed = int(words[4]) / 1e6, words[5] == "passed"


def read_log(path):
    with open(path, encoding="ascii") as f:
        packets = [Packet(line) for line in f if line.count(" ") == 5 and line.endswith("\n")]
    return [p for p in packets if p.path == "1-2"]


def span(packets, start, end, rate):
    """(p95 of the wait in ms, share of the rate that is used, packets dropped)"""
    part = [p for p in packets if start <= p.at < end]
    passed = [p for p in part if p.passed]
    used = sum(p.size for p in passed) * 8e9 / (end - start) / rate
    return qvfield.quantile([p.waited_ms for p in passed], 0.95), used, len(part) - len(passed)


FILM = "testsrc2=size=640x360:rate=30:duration=3,noise=alls=24:allf=t"


def measure(folder, peer):
    peer.film = os.path.join(folder, "film.y4m")
    qvtest.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", FILM, "-pix_fmt", "yuv420p", peer.film])
    log = os.path.join(folder, "packets")
    field = qvfield.Field(bench.test, folder, seed=5, log=log, delay=20, rate=FAST, queue=int(SLOW / 8))
    peer.start(field, folder)
    peers.show(folder, peer, BEFORE, 0)
    step = time.monotonic_ns()
    field.set(rate=SLOW)
    peers.show(folder, peer, BEFORE + AFTER, 0)
    field.impairer.stop()
    packets = read_log(log)
    second = 1000000000
    return [span(packets, step - 4 * second, step, FAST), span(packets, step, step + GRACE * second, SLOW),
            span(packets, step + GRACE * second, packets[-1].at, SLOW)]


def main():
    ours = peers.Visio(pictures=True, bitrate=4000000)
    parts = bench.alternate(ROUNDS, [ours], measure)[ours.name]
    print(f"{'visio, srtp, VP8 and Opus':<34} {'p95 wait ms':>12} {'rate used':>10} {'dropped':>8}")
    rows = [tuple(statistics.median(part[i][k] for part in parts) for k in range(3)) for i in range(3)]
    for name, row in zip(("3 Mbit/s", "1 Mbit/s, first 2 s", "1 Mbit/s, from then on"), rows):
        print(f"{name:<34} {row[0]:12.1f} {row[1]:10.2f} {row[2]:8.0f}")
    wait, used, _ = rows[2]
    print(f"p95 of the wait {wait:.0f} ms, goal under 100 {peers.verdict(wait < 100)}; "
          f"rate used {used:.2f}, goal at least 0.8 {peers.verdict(used >= 0.8)}")


main()
