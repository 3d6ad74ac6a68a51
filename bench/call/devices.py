# SPDX-License-Identifier: Apache-2.0
"""How long nothing is heard when another loudspeaker or microphone is chosen during a call, with a PulseAudio daemon.

Changes to another device and back, in one call for the loudspeaker and one for the microphone; each change is a silence in
what was recorded. Goal: at most 200 ms.
"""

import statistics

import peers
import qvdevices
import qvtest

GOAL = 200.0  # ms
bench = peers.Bench(__file__)


def main():
    print(f"{'silence at a change, ms':<34} {'least':>8} {'median':>8} {'most':>8}")
    for name, change in (("loudspeaker", qvdevices.change_loudspeaker), ("microphone", qvdevices.change_microphone)):
        try:
            gaps = bench.round(lambda folder, act: qvdevices.gaps(act(bench.test, folder)), change)
        except qvtest.Skip as why:
            print(f"{name}: not measured: {why}")
            continue
        gaps = [1000 * gap for gap in gaps[:qvdevices.SWITCHES]]
        median = statistics.median(gaps)
        print(f"{name:<34} {min(gaps):8.0f} {median:8.0f} {max(gaps):8.0f}  goal {GOAL:.0f} {peers.verdict(median <= GOAL)}",
              flush=True)


main()
