# SPDX-License-Identifier: Apache-2.0
"""How late sound is from microphone to loudspeaker: Opus in packets of 20 ms, over 1 ms each way, peers in turn.

A chirp that begins at a known time is heard at the card of node 1 and looked for in what the card of node 2 plays. The
devices are ALSA devices without delay of their own (tests/harness/card), opened by each program with its own defaults.
Debian 12's baresip (1.0.0) has no adaptive jitter buffer yet; one of 1 to 10 frames comes nearest to it.
"""

import os
import statistics

import peers
import qvfield

SECONDS = float(os.environ.get("QV_BENCH_SECONDS", "3"))
ROUNDS = int(os.environ.get("QV_BENCH_ROUNDS", "2"))
bench = peers.Bench(__file__)


def measure(folder, peer):
    """Delays of the chirps that came whole, without the first second, and the share of those that did not."""
    field = qvfield.Field(bench.test, folder, seed=1, delay=1, jitter=1)
    peer.start(field, folder)
    path = os.path.join(folder, "heard-2")
    peers.wait_while(lambda: peers.recorded(path) < SECONDS + 1.5, peer)
    heard = qvfield.Heard(path)
    late = [delay for at, delay, fit in heard.chirps if fit >= heard.least and at > heard.chirps[0][0] + 1e9]
    return late, 1 - heard.whole()


def main():
    default, grows, off = (peers.Baresip("baresip, default (5-10 frames)"), peers.Baresip("baresip, 1-10 frames", "1-10"),
                           peers.Baresip("baresip, no jitter buffer", "0-0"))
    ours, floor = peers.Visio(), peers.Floor()
    field = [ours, default, grows, off, peers.GStreamer("GStreamer rtpbin, 50 ms", 50), floor]
    results = bench.alternate(ROUNDS, [ours, peers.Visio("visio, stream", transport="stream"), default, grows, off,
                                       peers.GStreamer("GStreamer rtpbin, 50 ms", 50), floor], measure)
    print(f"{'sound, chirp to chirp, ms':<34} {'median':>8} {'p95':>8} {'p99':>8} {'broken':>7}")
    for name, parts in results.items():
        late = [delay for delays, _ in parts for delay in delays]
        print(f"{name:<34} " + " ".join(f"{qvfield.quantile(late, q):8.1f}" for q in (0.5, 0.95, 0.99)) +
              f" {100 * statistics.mean(broken for _, broken in parts):6.1f}%")
    medians = {name: [statistics.median(delays) for delays, _ in parts] for name, parts in results.items()}
    for other, goal in ((default, 0.45), (grows, 0.8), (floor, 2)):
        peers.ratio(f"{ours.name} to {other.name}", medians.get(ours.name), medians.get(other.name), goal)


main()
