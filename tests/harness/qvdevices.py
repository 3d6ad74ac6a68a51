# SPDX-License-Identifier: Apache-2.0
"""Another loudspeaker or microphone during a call, by a PulseAudio daemon: how long nothing is heard.

    path = qvdevices.change_loudspeaker(test, tmp)  # a recording of a few changes to another one and back
    qvdevices.gaps(path)                            # seconds of each silence in it, the longest first
"""

import os

import qvaudio
import qvcall
import qvtest
import qvvisio

SWITCHES = 5
STEP = 0.005  # s; what is looked at as a whole
LOUD = 300  # of 32768
SETTLED = 2  # statistics, so seconds, between switches


def device(daemon, name):
    return f'{{ module = "pulse"; server = "{daemon.server}"; device = "{name}"; }}'


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


def start(test, tmp, bob, alice):
    pair = qvvisio.Pair(test, tmp, media=f"audio: {{ {bob} }};\n")
    process = pair.call(media=f"audio: {{ {alice} }};\n")
    qvcall.event(process, "opened")
    for _ in range(SETTLED):
        qvcall.event(pair.bob, "stats")
    return pair, process


def pulse(test, tmp, sinks):
    if not qvvisio.has_module("audiosink", "pulse"):
        raise qvtest.Skip("audiosink/pulse is not built")
    return qvaudio.Pulse(test, tmp, sinks=sinks)


def change_loudspeaker(test, tmp):
    daemon = pulse(test, tmp, ("room",))
    # Two loudspeakers in one room, so that one recording has both on one axis of time.
    for name in ("speakers", "headset"):
        daemon.pactl("load-module", "module-remap-sink", f"sink_name={name}", "master=room")
    pair, alice = start(test, tmp, named("sink", device(daemon, "speakers"), device(daemon, "headset")),
                        'source: { module = "tone"; };')
    path = os.path.join(tmp, "room.wav")
    recording = qvaudio.pump(test, f"pulse,server={daemon.server},device=room.monitor", f"file,path={path}")
    switch(pair, pair.bob, ("sink", "audio"), ("other", "default"))
    assert [d["used"] for d in pair.ctl("bob", "devices")["audio"]["sinks"]] == [False, True]
    recording.stop()
    assert pair.ctl("alice", "hangup")["ok"] and alice.wait(qvtest.TIMEOUT) == 0
    return path


def change_microphone(test, tmp):
    daemon = pulse(test, tmp, ("desk", "boom"))
    for name, pitch in (("desk", 440), ("boom", 550)):
        qvaudio.pump(test, f"tone,frequency={pitch}", f"pulse,server={daemon.server},device={name}")
    path = os.path.join(tmp, "heard.wav")
    pair, alice = start(test, tmp, named("source", device(daemon, "desk.monitor"), device(daemon, "boom.monitor")),
                        f'sink: {{ module = "file"; path = "{path}"; }};')
    switch(pair, pair.bob, ("source", "audio"), ("other", "default"))
    assert pair.ctl("alice", "hangup")["ok"] and alice.wait(qvtest.TIMEOUT) == 0
    return path
