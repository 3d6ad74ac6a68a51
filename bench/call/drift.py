# SPDX-License-Identifier: Apache-2.0
"""How much later sound comes, over time, from a microphone whose clock is not that of the loudspeaker.

Calls side by side, of sound alone and over 1 ms each way: of sound cards that agree, and of ones of which the caller's is
200 ppm fast or slow. What is told is the median delay of the chirps of the last minute less that of the first one, or of
the last and first quarter of a shorter run. QV_BENCH_DRIFT_SECONDS=600 is what the goal is about: without correction 200
ppm would be 120 ms then. Goal: under 5 ms are added. What the call beside it adds whose clocks agree is the machine's.
"""

import os
import statistics

import peers
import qvfield

SECONDS = float(os.environ.get("QV_BENCH_DRIFT_SECONDS", "60"))
SPAN = min(60, SECONDS / 4)
SETTLE = 3  # seconds of a call that say nothing yet
CLOCKS = (0, 200, -200)  # ppm
GOAL = 5.0  # ms
bench = peers.Bench(__file__)


def start(folder, ppm):
    os.mkdir(folder)
    peer = peers.Visio(ppm=ppm)
    peer.start(qvfield.Field(bench.test, folder, seed=1, delay=1), folder)
    return peer, os.path.join(folder, "heard-2")


def judge(path):
    """Median delays of each span, and the share of chirps that did not come whole."""
    heard = qvfield.Heard(path, timeout=60 + SECONDS)
    chirps = [(at / 1e9, delay) for at, delay, fit in heard.chirps if fit >= heard.least]
    begin = chirps[0][0] + SETTLE
    spans = [[] for _ in range(int(SECONDS / SPAN))]
    for at, delay in chirps:
        if 0 <= (at - begin) // SPAN < len(spans):
            spans[int((at - begin) // SPAN)].append(delay)
    return [statistics.median(span) for span in spans], 1 - heard.whole()


def measure(folder, clocks):
    calls = [start(os.path.join(folder, str(ppm)), ppm) for ppm in clocks]
    for peer, path in calls:
        peers.wait_while(lambda: peers.recorded(path) < SETTLE + SECONDS + 1, peer, SECONDS + 60)
    for peer, _ in calls:
        peer.hang_up()
    return [judge(path) for _, path in calls]


def main():
    print(f"{f'delay of sound over {SECONDS:.0f} s, ms':<34} {'first':>8} {'last':>8} {'added':>8} {'broken':>8}")
    for ppm, (medians, broken) in zip(CLOCKS, bench.round(measure, CLOCKS)):
        added = medians[-1] - medians[0]
        print(f"{f'microphone {ppm:+d} ppm':<34} {medians[0]:8.2f} {medians[-1]:8.2f} {added:+8.2f} {100 * broken:7.2f}% "
              f"goal {GOAL:.0f} {peers.verdict(added < GOAL)}; between: " + " ".join(f"{m:.0f}" for m in medians[1:-1]),
              flush=True)


main()
