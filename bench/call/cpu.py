# SPDX-License-Identifier: Apache-2.0
"""What a call costs the processor over its codecs alone: 1280x720 at 30 a second in VP8, Opus, both ways, over UDP.

Beside each end of the call a program does the same work of the codecs, without a network, keys or threads.
"""

import os

import peers
import qvfield
import qvtest

SECONDS = int(os.environ.get("QV_BENCH_SECONDS", "8"))
ROUNDS = int(os.environ.get("QV_BENCH_ROUNDS", "3"))
bench = peers.Bench(__file__)
TICK = os.sysconf("SC_CLK_TCK")
PICTURES = dict(module="testpattern", width=1280, height=720, fps=30)
SOUND = dict(module="tone")


def used(process):
    """Seconds of the processor."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Visio:
    name = "visio"


class Bare:
    name = "bare codecs"


def measure(folder, peer):
    """Seconds of the processor for a picture that is encoded and one that is decoded, with the sound beside them."""
    if isinstance(peer, Bare):
        done = qvtest.run(["bench/call/bare_call", SECONDS], timeout=SECONDS + 60)
        return float(done.stdout) / (SECONDS * PICTURES["fps"])
    field = qvfield.Field(bench.test, folder, delay=5)
    call = qvfield.Call(field, pictures=PICTURES, sound=SOUND, video_codec=dict(module="vpx", bitrate=1500000),
                        null=True, transport=dict(prefer="srtp"))
    call.await_transport("srtp")
    call.stats(1, 2)
    before, start = call.stats(1)[0], [used(p) for p in (call.alice, call.bob)]
    after, end = call.stats(1, SECONDS)[-1], [used(p) for p in (call.alice, call.bob)]
    call.hang_up()
    # A picture is worked on twice: encoded at one end, decoded at the other.
    pictures = sum(after["video"][what] - before["video"][what] for what in ("encoded", "decoded")) / 2
    return sum(end[i] - start[i] for i in range(2)) / 2 / pictures


def main():
    results = bench.alternate(ROUNDS, [Visio(), Bare()], measure)
    for name, parts in results.items():
        print(f"{name:<34} " + " ".join(f"{1000 * part:6.2f}" for part in parts) + " ms of a processor a picture")
    peers.ratio("one end of a call to the work of its codecs", results.get("visio"), results.get("bare codecs"), 1.2)


main()
