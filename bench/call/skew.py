# SPDX-License-Identifier: Apache-2.0
"""Lip synchronisation: how much later sound is heard than the picture of the same instant is seen.

Chirps and stamped pictures of one clock, over three networks.
Goal: always from 15 ms before the picture to 45 ms after it.
"""

import os
import statistics

import peers
import qvfield

SECONDS = float(os.environ.get("QV_BENCH_SECONDS", "5"))
EARLY, LATE = -15, 45
bench = peers.Bench(__file__)


def measure(folder, seconds, **network):
    peer = peers.Visio(pictures=True)
    field = qvfield.Field(bench.test, folder, seed=3, **network)
    peer.start(field, folder)
    pictures = peers.show(folder, peer, seconds, 3)
    heard = qvfield.Heard(os.path.join(folder, "heard-2"))
    first = pictures.stamped[0].capture_ns
    heard.chirps = [chirp for chirp in heard.chirps if first <= chirp[0] <= pictures.stamped[-1].capture_ns]
    return heard.skews(pictures)


def main():
    print(f"{'sound after picture, ms':<34} {'least':>8} {'median':>8} {'most':>8} {'goal -15..45':>14}")
    for name, network in (("1 ms each way", dict(delay=1)), ("25 ms, jitter 20 ms", dict(delay=25, jitter=20)),
                          ("25 ms, 2 % lost", dict(delay=25, loss=0.02))):
        skews = bench.round(lambda folder, path: measure(folder, SECONDS, **path), network)
        inside = sum(EARLY <= skew <= LATE for skew in skews)
        print(f"{name:<34} {min(skews):8.1f} {statistics.median(skews):8.1f} {max(skews):8.1f} "
              f"{inside:6}/{len(skews)} {peers.verdict(inside == len(skews))}", flush=True)


main()
