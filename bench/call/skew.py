# SPDX-License-Identifier: Apache-2.0
"""Lip synchronisation: how much later sound is heard than the picture of the same instant is seen.

Chirps and stamped pictures of one clock, over three networks, and with a microphone whose clock is 200 ppm off beside one
that is right. On a busy machine the jitter buffer changes the delay of both by far more than a clock does.
Goals: always from 15 ms before the picture to 45 ms after it; the clock adds under 5 ms.
"""

import os
import statistics

import peers
import qvfield

SECONDS = float(os.environ.get("QV_BENCH_SECONDS", "5"))
DRIFT_SECONDS = float(os.environ.get("QV_BENCH_DRIFT_SECONDS", "24"))
EARLY, LATE, PPM = -15, 45, 200
bench = peers.Bench(__file__)


def measure(folder, seconds, ppm=0, **network):
    peer = peers.Visio(pictures=True, ppm=ppm)
    field = qvfield.Field(bench.test, folder, seed=3, **network)
    peer.start(field, folder)
    pictures = peers.show(folder, peer, seconds, 3)
    heard = qvfield.Heard(os.path.join(folder, "heard-2"))
    first = pictures.stamped[0].capture_ns
    heard.chirps = [chirp for chirp in heard.chirps if first <= chirp[0] <= pictures.stamped[-1].capture_ns]
    return heard.skews(pictures), heard.delays()


def main():
    print(f"{'sound after picture, ms':<34} {'least':>8} {'median':>8} {'most':>8} {'goal -15..45':>14}")
    for name, network in (("1 ms each way", dict(delay=1)), ("25 ms, jitter 20 ms", dict(delay=25, jitter=20)),
                          ("25 ms, 2 % lost", dict(delay=25, loss=0.02))):
        skews, _ = bench.round(lambda folder, path: measure(folder, SECONDS, **path), network)
        inside = sum(EARLY <= skew <= LATE for skew in skews)
        print(f"{name:<34} {min(skews):8.1f} {statistics.median(skews):8.1f} {max(skews):8.1f} "
              f"{inside:6}/{len(skews)} {peers.verdict(inside == len(skews))}", flush=True)
    grown = {}
    for ppm in (PPM, 0):
        _, delays = bench.round(lambda folder, off: measure(folder, DRIFT_SECONDS, off, delay=1), ppm)
        grown[ppm] = min(delays[-12:]) - min(delays[:12])
    added = grown[PPM] - grown[0]
    print(f"in {DRIFT_SECONDS:.0f} s sound became {grown[PPM]:+.1f} ms later with a microphone {PPM} ppm off (uncorrected "
          f"{DRIFT_SECONDS * PPM / 1000:+.1f}), {grown[0]:+.1f} with a right one: added {added:+.1f}, goal under 5 "
          f"{peers.verdict(added < 5)}")


main()
