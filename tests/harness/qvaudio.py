# SPDX-License-Identifier: Apache-2.0
"""Sound for tests: WAV files, their comparison, a PulseAudio daemon of the test's own, and the pump program.

    import qvaudio
    qvaudio.write_noise(tmp + "/in.wav", seconds=5)
    ...                                   # a call that ends with received.wav
    fit = qvaudio.correlate(tmp + "/in.wav", tmp + "/received.wav")
    assert fit.peak > 0.99                # fit.delay: samples by which the recording is late
"""

import array
import collections
import os
import random
import sys
import wave

import qvtest

Fit = collections.namedtuple("Fit", "delay peak gain overlap rate reference recorded")


def correlate(reference, recorded):
    """Compares two sound files of one sample rate; see correlate.c for the fields."""
    out = qvtest.run(["tests/harness/correlate", reference, recorded]).stdout.split()
    fields = dict(word.split("=") for word in out)
    return Fit(**{name: float(value) if name in ("peak", "gain") else int(value) for name, value in fields.items()})


def write_wav(path, samples, rate=16000, channels=1):
    """Writes 16-bit samples (interleaved integers)."""
    data = array.array("h", samples)
    if sys.byteorder == "big":
        data.byteswap()
    with wave.open(path, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(data.tobytes())


def read_wav(path):
    """(samples, rate, channels) of a 16-bit WAV file."""
    with wave.open(path, "rb") as source:
        assert source.getsampwidth() == 2, path
        data = array.array("h")
        data.frombytes(source.readframes(source.getnframes()))
        if sys.byteorder == "big":
            data.byteswap()
        return data, source.getframerate(), source.getnchannels()


def write_noise(path, seconds=5.0, rate=16000, channels=1, seed=1, level=8000):
    """Noise that is soft above a few kHz, different at every instant: what to correlate by."""
    generator = random.Random(seed)
    state = [0.0] * channels
    samples = array.array("h")
    for _ in range(int(seconds * rate)):
        for c in range(channels):
            state[c] += 0.5 * (generator.uniform(-level, level) - state[c])
            samples.append(int(state[c]))
    write_wav(path, samples, rate, channels)


class Pulse:
    """A PulseAudio daemon with null sinks; a sink NAME is recorded from NAME.monitor."""

    def __init__(self, test, tmp, sinks=("one",), rate=48000):
        self.home = os.path.join(tmp, "pulse")
        os.makedirs(os.path.join(self.home, "run"), mode=0o700)
        self.socket = os.path.join(self.home, "native")
        self.server = "unix:" + self.socket
        self.env = {"HOME": self.home, "XDG_RUNTIME_DIR": os.path.join(self.home, "run"),
                    "XDG_CONFIG_HOME": self.home, "PULSE_SERVER": self.server,
                    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
        argv = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--realtime=no",
                "--high-priority=no", "--log-target=stderr", "--log-level=info",
                "-L", f"module-native-protocol-unix socket={self.socket} auth-anonymous=1"]
        for sink in sinks:
            # Without norewinds a null sink may add two seconds of delay in silence.
            argv += ["-L", f"module-null-sink sink_name={sink} rate={rate} norewinds=1"]
        self.process = test.start(argv, env={**self.env, "PULSE_SERVER": ""})
        self.process.wait_for(r"Daemon startup complete")

    def pactl(self, *words):
        return qvtest.run(["pactl", *words], env={**os.environ, **self.env}).stdout


# What a card's microphone hears, for qvfield.Heard.
CHIRP = dict(frequency=400, sweep=3000, chirp=60, interval=500)


def card(folder, name, **values):
    """The environment in which ALSA's device "card" is a sound card of the tests that writes what it plays to
    heard-NAME; see card.c for the values."""
    library = os.path.join(qvtest.BUILD, "tests/harness/.libs/qvcard.so")
    assert os.path.exists(library), f"{library} is not there: make check and make bench build it"
    words = " ".join(f"{key} {value}" for key, value in {**CHIRP, **values}.items())
    path = os.path.join(folder, f"asound-{name}.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write(f'pcm_type.qvcard {{ lib "{library}" }}\nctl.card {{ type hw card 0 }}\n'
                f'pcm.card {{ type qvcard path "{folder}/heard-{name}" {words} }}\n')
    return {"ALSA_CONFIG_PATH": path}


def pump(test, source, sink, *options, env=None):
    """Starts a copy from an audio source module to an audio sink module ("name,option=value,…")."""
    return test.start(["tests/modules/audiopump", *options, source, sink], env=env)


def finish(process, code="end"):
    """How a pump ended, which must be with `code`: ((blocks, frames, lost), message)."""
    found = process.wait_for(r"^end (\S+) blocks=(\d+) frames=(\d+) lost=(\d+): (.*)")
    assert found.group(1) == code, found.group(0)
    assert process.wait() == 0
    return tuple(int(found.group(n)) for n in (2, 3, 4)), found.group(5)
