# SPDX-License-Identifier: Apache-2.0
"""Echo cancellation in real calls: what Bob's loudspeaker plays gets into his microphone by way of a PulseAudio daemon."""

import math
import os
import random

import qvaudio
import qvcall
import qvtest

test = qvtest.Test(__file__)
SECONDS = 60  # of sound; a call ends as soon as its echo is weak
RATE = 16000
WEAKER = 20.0  # dB
IN_A_ROW = 3  # seconds for which it has to be


def built(name):
    return os.path.exists(os.path.join(qvtest.BUILD, ".libs", name + ".so"))


def write_voice(path):
    """Something like a voice: syllables of noise with a pitch that glides, for half of the time."""
    source, phase, low, samples = random.Random(1), 0.0, 0.0, []
    for i in range(SECONDS * RATE):
        t = i / RATE
        phase += (110 + 30 * math.sin(2 * math.pi * 0.7 * t)) / RATE
        low += 0.6 * (source.uniform(-1, 1) - low)
        loud = max(0.0, math.sin(2 * math.pi * 1.9 * t)) * (0.6 + 0.4 * math.sin(2 * math.pi * 0.3 * t))
        samples.append(int(9000 * loud * (low + 0.8 * (2 * (phase % 1.0) - 1))))
    qvaudio.write_wav(path, samples, RATE)


def write_chirps(path):
    """Nothing but chirps of 60 ms, twice a second."""
    chirp = [int(9000 * math.sin(2 * math.pi * (400 + 1300 * i / RATE / 0.06) * i / RATE)) for i in range(int(0.06 * RATE))]
    qvaudio.write_wav(path, (chirp + [0] * (RATE // 2 - len(chirp))) * 2 * SECONDS, RATE)


def device(pulse, name, latency):
    return f'{{ module = "pulse"; server = "{pulse.server}"; device = "{name}"; latency = {latency}; }}'


class Call:
    """Alice, whose voice Bob plays, and who hears his microphone; with a filter at Bob's end or without."""

    def __init__(self, folder, pulse, role):
        self.folder = folder
        os.mkdir(folder)
        qvcall.write_keys(folder)
        audio = (f'audio: {{ source: {device(pulse, "mic.monitor", 30)}; sink: {device(pulse, "loud", 60)}; {role} }};\n')
        bob = qvcall.write(folder, "bob.conf", self.config("bob", 12) + audio +
                           'listen: { address = "127.0.0.1:0"; auto_answer = true; };\n')
        self.bob = test.start(["visio", "--stats=json", "--config=" + bob, "listen"], cwd=folder)
        port = int(qvcall.event(self.bob, "listening")["address"].rsplit(":", 1)[1])
        alice = qvcall.write(folder, "alice.conf", self.config("alice", 11) +
                             'audio: { source: { module = "file"; path = "../voice.wav"; }; sink: { module = "null"; }; };\n'
                             f'contacts: ( {{ name = "bob"; host = "localhost"; port = {port}; sae_id = "12"; }} );\n')
        self.alice = test.start(["visio", "--stats=json", "--config=" + alice, "call", "bob"], cwd=folder)

    def config(self, name, sae):
        return (f'control = "{name}.sock";\nkey_source: {qvcall.psk_source(f"sae-{sae}", sae)};\n'
                'tls: { module = "openssl"; };\nrekey: { interval = 0.0; };\n')

    def heard(self, enough):
        """What Alice hears, dBFS for each second, until `enough` says so or her voice has ended."""
        levels = []
        while not enough(levels):
            event = qvcall.event(self.alice, "stats", "summary")
            if event["event"] == "summary":
                return levels
            levels.append(event["levels"]["played"]["rms"])
        qvtest.run(["visio", "--socket=" + os.path.join(self.folder, "alice.sock"), "ctl", "hangup"])
        qvcall.event(self.alice, "summary")
        return levels


def mean_level(levels):
    """The mean power of some seconds as a level."""
    return 10 * math.log10(sum(10 ** (level / 10) for level in levels) / len(levels))


def run(tmp, pulse, name, role, enough):
    call = Call(os.path.join(tmp, name), pulse, role)
    levels = call.heard(enough)
    stats = qvcall.event(call.bob, "stats")["levels"]
    qvcall.event(call.bob, "summary")
    call.bob.stop()
    return levels, stats


def judge(tmp, write, names):
    """The far end's sound, by each of these filters, against what it hears without one."""
    if not built("audiosink-pulse"):
        raise qvtest.Skip("audiosink/pulse is not built")
    write(os.path.join(tmp, "voice.wav"))
    pulse = qvaudio.Pulse(test, tmp, sinks=("loud", "mic"), rate=RATE)
    # Its rate is left as it is: that the way of the echo is of constant length is for the daemon to see to.
    pulse.pactl("load-module", "module-loopback", "source=loud.monitor", "sink=mic", "latency_msec=60", "adjust_time=0")
    echo, stats = run(tmp, pulse, "none", "", lambda levels: len(levels) >= 6)
    without = mean_level(echo[-4:])
    assert without > -35, f"without a filter there is no echo to take out: {echo}"
    assert "filter" not in stats, stats
    for name in names:
        if not built("audiofilter-" + name):
            print(f"# audiofilter/{name} is not built")
            continue

        def weak(levels):
            return len(levels) > IN_A_ROW and without - mean_level(levels[-IN_A_ROW:]) >= WEAKER
        levels, stats = run(tmp, pulse, name, f'filter: {{ module = "{name}"; }};', weak)
        print(f"# {name}: {without:.1f} dBFS without, {levels} with it; {stats}")
        assert weak(levels), f"{name}: of {without:.1f} dBFS, with it there are {levels}"
        assert stats["played"]["rms"] > -35 and "voice" in stats["filter"], stats


@test.case("the far end hears its own voice at least 20 dB weaker with a filter")
def _(tmp):
    judge(tmp, write_voice, ("speexdsp", "webrtc"))


@test.case("the far end hears its own chirps at least 20 dB weaker with webrtc")
def _(tmp):
    judge(tmp, write_chirps, ("webrtc",))


test.run()
