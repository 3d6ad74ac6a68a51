# SPDX-License-Identifier: Apache-2.0
"""Pictures of 1280x720, 30 a second, with sound over a path that carries little: in a size that follows the rate, and always in
that of the camera.

Pictures shown a second, their PSNR against what was painted (scaled up to it), the time for which the picture stood still
longer than 250 ms, and stamp to sink. No goal: the figures tell what the smaller size is worth.
"""

import os
import statistics

import peers
import qvfield

SECONDS = float(os.environ.get("QV_BENCH_SECONDS", "6"))
ROUNDS = int(os.environ.get("QV_BENCH_ROUNDS", "1"))
RATES = [int(rate) for rate in os.environ.get("QV_BENCH_RATES", "200 400").split()]  # kbit/s
bench = peers.Bench(__file__)


def measure(rate):
    def run(folder, peer):
        field = qvfield.Field(bench.test, folder, seed=9, delay=20, rate=rate * 1e3, queue=rate * 1000 // 8 // 2)
        peer.start(field, folder)
        return peers.show(folder, peer, SECONDS, 3)
    return run


def row(name, parts):
    pictures = [p for part in parts for p in part.stamped]
    sizes = statistics.mode(p.size for p in pictures)
    print(f"{name:<30} {sizes[0]:5}x{sizes[1]:<5} {len(pictures) / SECONDS / len(parts):8.1f} "
          f"{statistics.median(p.psnr for p in pictures):8.1f} {statistics.mean(p.frozen_s() for p in parts):9.2f} "
          f"{qvfield.quantile([p.delay_ms for p in pictures], 0.5):8.0f} "
          f"{qvfield.quantile([p.delay_ms for p in pictures], 0.95):8.0f}", flush=True)


def main():
    for rate in RATES:
        sizes = [peers.Visio(name, pictures="judged", adapt_size=adapts)
                 for name, adapts in ((f"{rate} kbit/s, size follows", True), (f"{rate} kbit/s, size fixed", False))]
        results = bench.alternate(ROUNDS, sizes, measure(rate))
        print(f"{'':<30} {'mostly':>11} {'shown/s':>8} {'PSNR dB':>8} {'frozen s':>9} {'median':>8} {'p95 ms':>8}")
        for name, parts in results.items():
            row(name, parts)


main()
