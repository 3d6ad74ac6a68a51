# SPDX-License-Identifier: Apache-2.0
"""Pictures over a path of 50 ms round trip that loses packets: VP8, 1280x720, 30 a second, 1.5 Mbit/s.

1 % lost: how late pictures are over UDP and in the TLS stream. A picture that is held up until a later one is there too is
never shown, so there are two figures: of the pictures that were shown, how late they were; and of all that were taken, how
long it was until that one, or a later one, was shown. 3 % lost: what visio and baresip show, with corrupt, frozen
and late pictures apart. A picture is corrupt when one of the 15 bands across it has a PSNR under 15 dB against what
was painted, or its stamp does not read; frozen is what a pause longer than 150 ms has over a frame's time. The same seed
loses the same packets by number.
"""

import os
import statistics

import peers
import qvfield

SECONDS = float(os.environ.get("QV_BENCH_SECONDS", "7"))
ROUNDS = int(os.environ.get("QV_BENCH_ROUNDS", "2"))
LATE = 400  # ms
bench = peers.Bench(__file__)


def measure(loss):
    def run(folder, peer):
        field = qvfield.Field(bench.test, folder, seed=7, delay=25, loss=loss)
        peer.start(field, folder)
        return peers.show(folder, peer, SECONDS, 2)
    return run


def one_percent():
    ours, stream = peers.Visio(pictures=True, sound=False), peers.Visio("visio, stream", True, False, "stream")
    results = bench.alternate(ROUNDS, [ours, stream], measure(0.01))
    for what, delays in (("shown", qvfield.Seen.delays), ("taken", qvfield.Seen.waits)):
        print(f"{'1 % lost, stamp to sink, ' + what + ', ms':<40} {'median':>8} {'p95':>8} {'p99':>8}")
        for name, parts in results.items():
            late = [delay for part in parts for delay in delays(part)]
            print(f"{name:<40} " + " ".join(f"{qvfield.quantile(late, q):8.1f}" for q in (0.5, 0.95, 0.99)))
        p99 = {name: [qvfield.quantile(delays(part), 0.99) for part in parts] for name, parts in results.items()}
        peers.ratio(f"1 % lost: p99 of srtp to stream, pictures {what}", p99.get(ours.name), p99.get(stream.name), 0.5)


def three_percent():
    ours, baresip = peers.Visio(pictures="judged", sound=False), peers.Baresip("baresip, default", pictures=True)
    results = bench.alternate(ROUNDS, [ours, baresip], measure(0.03))
    print(f"\n{'3 % lost':<34} {'shown/s':>8} {'corrupt':>8} {'frozen s':>8} {'late':>8} {'median':>8} {'p99 ms':>8}")
    for name, parts in results.items():
        late = [delay for part in parts for delay in part.delays()]
        print(f"{name:<34} {sum(len(p.all) for p in parts) / SECONDS / len(parts):8.1f} "
              f"{sum(p.corrupt() for p in parts):8} {statistics.mean(p.frozen_s(0.15) for p in parts):8.2f} "
              f"{sum(p.late(LATE) for p in parts):8} {qvfield.quantile(late, 0.5):8.1f} {qvfield.quantile(late, 0.99):8.1f}")
    corrupt = sum(part.corrupt() for part in results.get(ours.name, []))
    print(f"3 % lost: corrupt pictures shown by visio: {corrupt}, goal 0 {peers.verdict(corrupt == 0)}")
    frozen = {name: [part.frozen_s(0.15) for part in parts] for name, parts in results.items()}
    peers.ratio("3 % lost: frozen time of visio to baresip", frozen.get(ours.name), frozen.get(baresip.name), 0.5)


one_percent()
three_percent()
