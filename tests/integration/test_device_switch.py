# SPDX-License-Identifier: Apache-2.0
"""Another loudspeaker and another microphone during a call, by a PulseAudio daemon: how long nothing is heard."""

import os

import qvaudio
import qvcall
import qvtest
import qvvisio

test = qvtest.Test(__file__)
SWITCHES = 5
GAP_MAX = 0.2  # s
STEP = 0.005  # s; what is looked at as a whole
LOUD = 300  # of 32768
SETTLED = 2  # statistics, so seconds, between switches


def device(pulse, name):
    return f'{{ module = "pulse"; server = "{pulse.server}"; device = "{name}"; }}'


def named(group, *devices):
    """The first device as the usual one, the second by the name `other`."""
    return f'{group}: {devices[0]}; {group}s: ( {{ name = "other"; {group}: {devices[1]}; }} );'


def gaps(path):
    """Seconds of each silence between the first and the last sound, the longest first."""
    samples, rate, channels = qvaudio.read_wav(path)
    size = int(rate * STEP) * channels
    loud = [max(map(abs, samples[i:i + size])) > LOUD for i in range(0, len(samples) - size, size)]
    assert any(loud), f"{path} has no sound"
    first, last = loud.index(True), len(loud) - loud[::-1].index(True)
    found, quiet = [], 0
    for one in loud[first:last]:
        if one and quiet:
            found.append(quiet * STEP)
        quiet = 0 if one else quiet + 1
    assert (last - first) * STEP > SWITCHES * (SETTLED - 1), f"only {(last - first) * STEP:.1f} s were recorded"
    return sorted(found, reverse=True) + [0.0] * SWITCHES


def switch(pair, process, command, names):
    """Changes to the other device and back again, while sound goes on."""
    for i in range(SWITCHES):
        assert pair.ctl("bob", *command, names[i % 2])["ok"]
        qvcall.event(process, "device-back")
        for _ in range(SETTLED):
            qvcall.event(process, "stats")


def judge(path):
    """Each switch may leave one gap. The machine may hold up some of them, but not most."""
    found = gaps(path)[:SWITCHES]
    print("# gaps of the sound: " + ", ".join(f"{1000 * gap:.0f} ms" for gap in found))
    assert found[SWITCHES // 2] <= GAP_MAX, found


def start(tmp, bob, alice):
    pair = qvvisio.Pair(test, tmp, media=f"audio: {{ {bob} }};\n")
    process = pair.call(media=f"audio: {{ {alice} }};\n")
    qvcall.event(process, "opened")
    for _ in range(SETTLED):
        qvcall.event(pair.bob, "stats")
    return pair, process


def needs_pulse():
    if not qvvisio.has_module("audiosink", "pulse"):
        raise qvtest.Skip("audiosink/pulse is not built")


@test.case("another loudspeaker during a call leaves a gap of at most 200 ms")
def _(tmp):
    needs_pulse()
    pulse = qvaudio.Pulse(test, tmp, sinks=("room",))
    # Two loudspeakers in one room, so that one recording has both on one axis of time.
    for name in ("speakers", "headset"):
        pulse.pactl("load-module", "module-remap-sink", f"sink_name={name}", "master=room")
    pair, alice = start(tmp, named("sink", device(pulse, "speakers"), device(pulse, "headset")),
                        'source: { module = "tone"; };')
    path = os.path.join(tmp, "room.wav")
    recording = qvaudio.pump(test, f"pulse,server={pulse.server},device=room.monitor", f"file,path={path}")
    switch(pair, pair.bob, ("sink", "audio"), ("other", "default"))
    assert [d["used"] for d in pair.ctl("bob", "devices")["audio"]["sinks"]] == [False, True]
    recording.stop()
    assert pair.ctl("alice", "hangup")["ok"] and alice.wait(qvtest.TIMEOUT) == 0
    judge(path)


@test.case("another microphone during a call leaves a gap of at most 200 ms")
def _(tmp):
    needs_pulse()
    pulse = qvaudio.Pulse(test, tmp, sinks=("desk", "boom"))
    for name, pitch in (("desk", 440), ("boom", 550)):
        qvaudio.pump(test, f"tone,frequency={pitch}", f"pulse,server={pulse.server},device={name}")
    path = os.path.join(tmp, "heard.wav")
    pair, alice = start(tmp, named("source", device(pulse, "desk.monitor"), device(pulse, "boom.monitor")),
                        f'sink: {{ module = "file"; path = "{path}"; }};')
    switch(pair, pair.bob, ("source", "audio"), ("other", "default"))
    assert pair.ctl("alice", "hangup")["ok"] and alice.wait(qvtest.TIMEOUT) == 0
    judge(path)


test.run()
