# SPDX-License-Identifier: Apache-2.0
"""How late pictures are, from the time painted into them to their sink: VP8, 1280x720, 30 a second, 1.5 Mbit/s.

The network delays by 1 ms each way. visio and the floor hand the pictures to a sink that reads the stamp, GStreamer and
FFmpeg to a pipe, baresip to a window whose pixels are read where the X server keeps them. Ours also by stage.
"""

import os
import statistics

import peers
import qvfield

SECONDS = float(os.environ.get("QV_BENCH_SECONDS", "4"))
ROUNDS = int(os.environ.get("QV_BENCH_ROUNDS", "2"))
bench = peers.Bench(__file__)
stages = []


def measure(folder, peer):
    """Delays of the pictures after the first second."""
    field = qvfield.Field(bench.test, folder, seed=1, delay=1)
    peer.start(field, folder)
    pictures = peers.show(folder, peer, SECONDS)
    if peer.name == "visio, srtp":
        stages.append(peer.hang_up()[0]["latency_ms"])
    return pictures.delays()


def main():
    ours, floor = peers.Visio(pictures=True, sound=False), peers.Floor(pictures=True)
    stream = peers.Visio("visio, stream", True, False, "stream")
    baresip, gst = peers.Baresip("baresip, default", pictures=True), peers.GStreamer("GStreamer rtpbin, 50 ms", 50, True)
    everybody = [ours, stream, baresip, gst, peers.FFmpeg(), floor]
    results = bench.alternate(ROUNDS, everybody, measure)
    print(f"{'picture, stamp to sink, ms':<34} {'median':>8} {'p95':>8} {'p99':>8} {'a second':>9}")
    for name, parts in results.items():
        late = [delay for part in parts for delay in part]
        print(f"{name:<34} " + " ".join(f"{qvfield.quantile(late, q):8.1f}" for q in (0.5, 0.95, 0.99)) +
              f" {len(late) / SECONDS / len(parts):9.1f}")
    print(f"\n{'ours by stage, ms':<34} {'median':>8} {'p95':>8} {'p99':>8}")
    for stage in stages[0] if stages else ():
        print(f"{stage:<34} " + " ".join(f"{statistics.median(s[stage][q] for s in stages):8.1f}"
                                         for q in ("median", "p95", "p99")))
    medians = {name: [statistics.median(part) for part in parts] for name, parts in results.items()}
    for other, goal in ((baresip, 0.3), (gst, 0.5), (floor, 2)):
        peers.ratio(f"{ours.name} to {other.name}", medians.get(ours.name), medians.get(other.name), goal)


main()
