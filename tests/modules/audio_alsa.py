# SPDX-License-Identifier: Apache-2.0
"""The ALSA modules on libasound's own PCMs: files, null, and a real PulseAudio daemon for real time."""

import array
import errno
import math
import os
import signal
import struct

import qvaudio
import qvconform
import qvtest
from qvaudio import finish

test = qvtest.Test(__file__)


def config(tmp, text):
    """The environment in which libasound knows the PCMs of `text` and no others."""
    path = f"{tmp}/asound.conf"
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    return {"ALSA_CONFIG_PATH": path}


def pulse_pcms(tmp, pulse):
    return config(tmp, f'''
        pcm.speaker {{ type pulse server "{pulse.server}" device "one" }}
        pcm.microphone {{ type pulse server "{pulse.server}" device "one.monitor" }}
        pcm.default {{ type plug slave.pcm "speaker" }}
        ''') | pulse.env


@test.case("what is played through libasound is what libasound's own file PCM writes")
def _(tmp):
    for rate, channels in ((16000, 1), (48000, 2)):
        env = config(tmp, f'pcm.out {{ type file slave.pcm {{ type null }} file "{tmp}/out.wav" format "wav" }}')
        qvaudio.write_noise(f"{tmp}/in.wav", seconds=1, rate=rate, channels=channels)
        pump = qvaudio.pump(test, f"file,path={tmp}/in.wav,pace=none", "alsa,device=out", "--rate", rate,
                            "--channels", channels, env=env)
        (_, frames, _), _ = finish(pump)
        assert frames == rate
        assert qvaudio.read_wav(f"{tmp}/out.wav") == qvaudio.read_wav(f"{tmp}/in.wav")


@test.case("what libasound's own file PCM reads is what is captured")
def _(tmp):
    qvaudio.write_noise(f"{tmp}/in.wav", seconds=1)
    with open(f"{tmp}/in.raw", "wb") as f:
        f.write(qvaudio.read_wav(f"{tmp}/in.wav")[0].tobytes())
    env = config(tmp, f'pcm.in {{ type file slave.pcm {{ type null }} file /dev/null infile "{tmp}/in.raw" format raw }}')
    pump = qvaudio.pump(test, "alsa,device=in", f"file,path={tmp}/out.wav", "--frames", 12000, env=env)
    (_, _, lost), _ = finish(pump, "ok")
    assert lost == 0
    assert qvaudio.read_wav(f"{tmp}/out.wav")[0] == qvaudio.read_wav(f"{tmp}/in.wav")[0][:12000]


@test.case("a call's worth of sound goes out and comes in again in real time, whole")
def _(tmp):
    # At the daemon's own rate every sample is the same; resampled by it, the highest notes are weaker.
    for rate, fit_at_least in ((16000, 0.9999), (48000, 0.95)):
        folder = f"{tmp}/{rate}"
        os.mkdir(folder)
        pulse = qvaudio.Pulse(test, folder, rate=rate)
        env = pulse_pcms(folder, pulse)
        qvaudio.write_noise(f"{tmp}/in.wav", seconds=2)
        record = qvaudio.pump(test, "alsa,device=microphone", f"file,path={tmp}/out.wav", env=env)
        record.wait_for("started")
        # The silence behind it pushes the last of the noise through the daemon.
        samples = qvaudio.read_wav(f"{tmp}/in.wav")[0]
        qvaudio.write_wav(f"{tmp}/longer.wav", list(samples) + [0] * 8000)
        finish(qvaudio.pump(test, f"file,path={tmp}/longer.wav,pace=none", "alsa,device=speaker,latency=500", env=env))
        record.signal(signal.SIGTERM)
        (_, _, lost), _ = finish(record, "cancelled")
        assert lost == 0
        fit = qvaudio.correlate(f"{tmp}/in.wav", f"{tmp}/out.wav")
        assert fit.overlap == 32000 and fit.peak > fit_at_least and 0.9 < fit.gain < 1.1, fit


FORMATS = ("S16_LE", "S32_LE", "S24_LE", "S24_3LE", "FLOAT_LE")
SIZE = {"S16_LE": 2, "S24_3LE": 3}  # of a sample, in bytes; 4 else
EDGES = (0, 1, -1, 255, -256, 32767, -32768, 12345, -23456)


def stored(value, name, below=0):
    """A 16-bit sample as a device of that format has it, with `below` in the bits that 16 have no room for."""
    if name == "FLOAT_LE":
        return struct.pack("<f", value / 32768)
    size = SIZE.get(name, 4)
    bits = 24 if name == "S24_LE" else 8 * size
    return ((value << (bits - 16)) + below).to_bytes(size, "little", signed=True)


def wide(tmp, name):
    """A card with samples of that format only, before which libasound's file PCM keeps what is written to it, and makes
    up what is read."""
    env = qvaudio.card(tmp, "wide", format=name, channels=1)
    with open(env["ALSA_CONFIG_PATH"], "a", encoding="ascii") as f:
        f.write(f'pcm.wide {{ type file slave.pcm card file "{tmp}/out.raw" infile "{tmp}/in.raw" format raw }}\n')
    return env


@test.case("samples of 24 and 32 bits and floats are converted, to the last bit")
def _(tmp):
    samples = [EDGES[i % len(EDGES)] if i % 3 else i - 8000 for i in range(16000)]
    qvaudio.write_wav(f"{tmp}/in.wav", samples)
    for name in FORMATS:
        env = wide(tmp, name)
        for path, data in (("in", b"".join(stored(value, name) for value in samples)), ("out", b"")):
            with open(f"{tmp}/{path}.raw", "wb") as f:
                f.write(data)
        pump = qvaudio.pump(test, "alsa,device=wide", f"file,path={tmp}/heard.wav,gaps=false", "--frames", 15000,
                            env=env)
        finish(pump, "ok")
        assert list(qvaudio.read_wav(f"{tmp}/heard.wav")[0]) == samples[:15000], name
        finish(qvaudio.pump(test, f"file,path={tmp}/in.wav,pace=none", "alsa,device=wide,latency=500", env=env))
        with open(f"{tmp}/out.raw", "rb") as f:
            assert f.read() == b"".join(stored(value, name) for value in samples), name


@test.case("what 16 bits have no room for is rounded, and what is too loud or no number does no harm")
def _(tmp):
    table = {
        "S32_LE": [(stored(7, "S32_LE", 0x7fff), 7), (stored(7, "S32_LE", 0x8000), 8),
                   (stored(-7, "S32_LE", 0x8000), -6), (b"\xff\xff\xff\x7f", 32767), (b"\0\0\0\x80", -32768)],
        # The highest of four bytes may be anything.
        "S24_LE": [(b"\x7f\x07\0\x55", 7), (b"\x80\x07\0\0", 8), (b"\xff\xff\x7f\xff", 32767),
                   (b"\0\0\x80\0", -32768)],
        "S24_3LE": [(b"\x7f\x07\0", 7), (b"\x80\x07\0", 8), (b"\xff\xff\x7f", 32767), (b"\0\0\x80", -32768)],
        "FLOAT_LE": [(struct.pack("<f", value), made) for value, made in (
            (7.4 / 32768, 7), (7.6 / 32768, 8), (1.0, 32767), (-1.0, -32768), (3e38, 32767), (math.inf, 32767),
            (-math.inf, -32768), (math.nan, 0), (1e-40, 0))],
    }
    for name, pairs in table.items():
        with open(f"{tmp}/in.raw", "wb") as f:
            f.write(b"".join(pair[0] for pair in pairs) * 1000)
        pump = qvaudio.pump(test, "alsa,device=wide", f"file,path={tmp}/heard.wav,gaps=false", "--frames", 1920,
                            env=wide(tmp, name))
        finish(pump, "ok")
        made = [pair[1] for pair in pairs]
        assert list(qvaudio.read_wav(f"{tmp}/heard.wav")[0]) == (made * 1000)[:1920], name


@test.case("of a card that has one rate and two channels, these are taken, and that is said")
def _(tmp):
    env = qvaudio.card(tmp, "one", rate=44100, channels=2)
    pump = qvaudio.pump(test, "alsa,device=card", f"file,path={tmp}/out.wav", "--frames", 22050, env=env)
    finish(pump, "ok")
    samples, rate, channels = qvaudio.read_wav(f"{tmp}/out.wav")
    assert (rate, channels, len(samples)) == (44100, 2, 44100) and any(samples)
    words = 'ALSA device "card" has no 16000 Hz with 1 channels: it is used with 44100 Hz and 2 channels'
    assert words in pump.output(), pump.output()


@test.case("the daemon behind it dies: the device is gone, on both sides")
def _(tmp):
    for source, sink in (("alsa,device=microphone", "null"), ("tone,pace=none", "alsa,device=speaker")):
        os.makedirs(f"{tmp}/{sink[:4]}")
        pulse = qvaudio.Pulse(test, f"{tmp}/{sink[:4]}")
        pump = qvaudio.pump(test, source, sink, "--mark", 8000, env=pulse_pcms(tmp, pulse))
        pump.wait_for("marked")
        pulse.process.stop()
        _, message = finish(pump, "gone")
        assert "was removed" in message, message


def faulty(env, number, at):
    shim = os.path.join(qvtest.BUILD, "tests/modules/.libs/alsa_faults.so")
    assert os.path.exists(shim), shim
    # Its runtime comes second here, which the address sanitizer refuses unless told not to mind.
    sanitizer = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
    return {**env, "LD_PRELOAD": shim, "ASAN_OPTIONS": sanitizer,
            "ALSA_FAULT": str(number), "ALSA_FAULT_AT": str(at)}


def files_and_null(tmp):
    with open(f"{tmp}/in.raw", "wb") as f:
        f.write(array.array("h", range(30000)).tobytes())
    return config(tmp, f'''
        pcm.in {{ type file slave.pcm {{ type null }} file /dev/null infile "{tmp}/in.raw" format raw }}
        pcm.out {{ type file slave.pcm {{ type null }} file "{tmp}/out.raw" format raw }}
        ''')


@test.case("an overrun and a suspended machine leave a jump in the position, and the stream goes on")
def _(tmp):
    for number in (errno.EPIPE, errno.ESTRPIPE):
        env = faulty(files_and_null(tmp), number, 5)
        pump = qvaudio.pump(test, "alsa,device=in", f"file,path={tmp}/out.wav,gaps=false", "--frames", 10240, env=env)
        (_, frames, lost), _ = finish(pump, "ok")
        assert frames == 10240 and lost > 0, (frames, lost)
        assert "1 overruns lost" in pump.output() or number == errno.ESTRPIPE, pump.output()
        # Of what the device gave, nothing is missing.
        assert list(qvaudio.read_wav(f"{tmp}/out.wav")[0]) == list(range(10240))


@test.case("an underrun and a suspended machine lose nothing of what is written")
def _(tmp):
    qvaudio.write_noise(f"{tmp}/in.wav", seconds=1)
    for number in (errno.EPIPE, errno.ESTRPIPE, errno.EIO):
        env = faulty(files_and_null(tmp), number, 5)
        pump = qvaudio.pump(test, f"file,path={tmp}/in.wav,pace=none", "alsa,device=out", env=env)
        finish(pump)
        with open(f"{tmp}/out.raw", "rb") as f:
            assert f.read() == qvaudio.read_wav(f"{tmp}/in.wav")[0].tobytes()


@test.case("an unplugged device is gone, on both sides")
def _(tmp):
    env = faulty(files_and_null(tmp), errno.ENODEV, 7)
    for source, sink in (("alsa,device=in", "null"), ("tone,pace=none", "alsa,device=out")):
        _, message = finish(qvaudio.pump(test, source, sink, env=env), "gone")
        assert "was removed: No such device" in message, message


@test.case("what cannot be opened is said in one line, and libasound prints nothing of its own")
def _(tmp):
    env = config(tmp, '''
        pcm.cd { type hw card 7 }
        pcm.odd { type nonesuch }
        pcm.lame { type pulse server "unix:/nonexistent/socket" }
        ''')
    table = (
        ("nosuch", "not-found", 'ALSA device "nosuch" cannot be opened: No such file or directory (Unknown PCM nosuch); '
                                '"aplay -L" and "arecord -L" list the devices there are'),
        ("cd", "not-found", 'ALSA device "cd" cannot be opened: '),
        ("odd", "not-found", 'ALSA device "odd" cannot be opened: '),
        ("lame", "io", 'ALSA device "lame" cannot be opened: '),
    )
    env_of_card = qvaudio.card(tmp, "narrow", format="MU_LAW")
    table += (("card", "unsupported", 'ALSA device "card" has no samples of 16, 24 or 32 bits, nor floats; '),)
    for device, code, words in table:
        env = env_of_card if device == "card" else env
        for source, sink in ((f"alsa,device={device}", "null"), ("tone", f"alsa,device={device}")):
            pump = qvaudio.pump(test, source, sink, env=env)
            _, message = finish(pump, code)
            assert message.startswith(words), message
            lines = [line for line in pump.output().splitlines() if not line.startswith(("end ", "<6>pump: 0 samples"))]
            assert not lines, lines


@test.case("on a device in real time, the conformance suites of both kinds find nothing")
def _(tmp):
    env = {**os.environ, **pulse_pcms(tmp, qvaudio.Pulse(test, tmp))}
    for module, device in (("audiosource/alsa", "microphone"), ("audiosink/alsa", "speaker")):
        qvconform.check(module, f"device={device}", env=env)


test.run()
