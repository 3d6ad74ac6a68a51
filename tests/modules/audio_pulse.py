# SPDX-License-Identifier: Apache-2.0
"""The PulseAudio modules with a real daemon of the test's own, whose null sinks can be recorded."""

import os
import signal
import socket

import qvaudio
import qvconform
import qvtest
from qvaudio import finish

test = qvtest.Test(__file__)


def through(tmp, pulse, rate, channels):
    """Plays noise to the sink "one" while its monitor is recorded; the fit of the recording."""
    options = ("--rate", rate, "--channels", channels, "--block", rate // 50)
    qvaudio.write_noise(f"{tmp}/in.wav", seconds=2, rate=rate, channels=channels)
    samples = qvaudio.read_wav(f"{tmp}/in.wav")[0]
    # The silence behind it pushes the last of the noise through the daemon.
    qvaudio.write_wav(f"{tmp}/longer.wav", list(samples) + [0] * (rate * channels // 2), rate, channels)
    record = qvaudio.pump(test, f"pulse,server={pulse.server},device=one.monitor", f"file,path={tmp}/out.wav", *options)
    record.wait_for("started")
    finish(qvaudio.pump(test, f"file,path={tmp}/longer.wav,pace=none",
                        f"pulse,server={pulse.server},device=one,latency=500", *options))
    record.signal(signal.SIGTERM)
    (_, _, lost), _ = finish(record, "cancelled")
    assert lost == 0
    return qvaudio.correlate(f"{tmp}/in.wav", f"{tmp}/out.wav")


@test.case("what is played comes out whole, at the daemon's rate bit for bit")
def _(tmp):
    for rate, channels, daemon_rate, peak in ((16000, 1, 48000, 0.95), (48000, 2, 48000, 0.9999)):
        folder = f"{tmp}/{rate}"
        os.mkdir(folder)
        fit = through(folder, qvaudio.Pulse(test, folder, rate=daemon_rate), rate, channels)
        assert fit.overlap == 2 * rate and fit.peak > peak and 0.9 < fit.gain < 1.1, fit


@test.case("a sound shorter than the buffer is heard too")
def _(tmp):
    pulse = qvaudio.Pulse(test, tmp)
    record = qvaudio.pump(test, f"pulse,server={pulse.server},device=one.monitor", "null", "--mark", 8000)
    record.wait_for("started")
    finish(qvaudio.pump(test, "tone,frames=1600,level=0,pace=none",
                        f"pulse,server={pulse.server},device=one,latency=1000"))
    record.wait_for("marked")
    record.signal(signal.SIGTERM)
    finish(record, "cancelled")
    peak = int(record.output().rsplit("peak ", 1)[1].split()[0])
    assert peak > 30000, record.output()


@test.case("the server sees a phone stream with the names and the latency asked for")
def _(tmp):
    pulse = qvaudio.Pulse(test, tmp)
    for source, sink, kind in (("tone", "pulse,server={},application=Visio A,stream=Voice", "sink-inputs"),
                               ("pulse,server={},application=Visio A,stream=Voice", "null", "source-outputs")):
        pump = qvaudio.pump(test, source.format(pulse.server), sink.format(pulse.server))
        pump.wait_for("started")
        listing = pulse.pactl("list", kind)
        for words in ('application.name = "Visio A"', 'media.name = "Voice"', 'media.role = "phone"', "16000Hz"):
            assert words in listing, listing
        pump.signal(signal.SIGTERM)
        finish(pump, "cancelled")


@test.case("the daemon dies: both sides are gone, and say so")
def _(tmp):
    for number, how in enumerate((signal.SIGTERM, signal.SIGKILL)):
        for source, sink in (("pulse,server={}", "null"), ("tone", "pulse,server={}")):
            folder = f"{tmp}/{number}{sink[:4]}"
            os.mkdir(folder)
            pulse = qvaudio.Pulse(test, folder)
            # It dies while a part of what it sent last waits for the next block.
            pump = qvaudio.pump(test, source.format(pulse.server), sink.format(pulse.server), "--mark", 8000,
                                "--block", 37, "--hold", 500)
            pump.wait_for("marked")
            pulse.process.signal(how)
            _, message = finish(pump, "gone")
            assert message.startswith("the PulseAudio "), message


@test.case("a removed device: the stream moves to another one, and is gone with the last")
def _(tmp):
    for source, sink in (("pulse,server={},device=one.monitor", "null"), ("tone", "pulse,server={},device=one")):
        folder = f"{tmp}/{sink[:4]}"
        os.mkdir(folder)
        pulse = qvaudio.Pulse(test, folder, sinks=("one", "two"))
        pump = qvaudio.pump(test, source.format(pulse.server), sink.format(pulse.server), "--mark", 8000)
        pump.wait_for("marked")
        modules = [line.split("\t") for line in pulse.pactl("list", "short", "modules").splitlines()]
        nulls = {line[2].split("sink_name=")[1].split()[0]: line[0] for line in modules if "null-sink" in line[1]}
        pulse.pactl("unload-module", nulls["one"])
        pump.wait_for(r'moved the stream to "two(\.monitor)?"')
        pulse.pactl("unload-module", nulls["two"])
        _, message = finish(pump, "gone")
        assert message == "the PulseAudio device was removed, and there is no other", message


@test.case("a suspended loudspeaker does not stop the call")
def _(tmp):
    pulse = qvaudio.Pulse(test, tmp)
    pump = qvaudio.pump(test, "tone,frames=64000", f"pulse,server={pulse.server},device=one", "--mark", 48000)
    pump.wait_for("started")
    pulse.pactl("suspend-sink", "one", "1")
    pump.wait_for('"one" is suspended')
    pump.wait_for("marked")
    pulse.pactl("suspend-sink", "one", "0")
    pump.wait_for('"one" runs')
    finish(pump)


@test.case("a reader that is held up loses sound, is told how much, and the recording keeps time")
def _(tmp):
    pulse = qvaudio.Pulse(test, tmp, rate=16000)
    qvaudio.write_noise(f"{tmp}/in.wav", seconds=6)
    record = qvaudio.pump(test, f"pulse,server={pulse.server},device=one.monitor", f"file,path={tmp}/out.wav",
                          "--mark", 16000, "--hold", 3000)
    record.wait_for("started")
    finish(qvaudio.pump(test, f"file,path={tmp}/in.wav,pace=none", f"pulse,server={pulse.server},device=one,latency=500"))
    record.signal(signal.SIGTERM)
    (_, frames, lost), _ = finish(record, "cancelled")
    assert lost > 16000, (frames, lost)
    samples = qvaudio.read_wav(f"{tmp}/out.wav")[0]
    assert len(samples) == frames + lost
    # What was heard before and after the hole fits the original at one and the same delay.
    ends = []
    for name, part in (("head", samples[:16000]), ("tail", samples[-24000:])):
        qvaudio.write_wav(f"{tmp}/{name}.wav", part)
        fit = qvaudio.correlate(f"{tmp}/in.wav", f"{tmp}/{name}.wav")
        ends.append(fit.delay + (0 if name == "head" else len(samples) - 24000))
    assert ends[0] == ends[1], ends


@test.case("what cannot be opened is said in words")
def _(tmp):
    pulse = qvaudio.Pulse(test, tmp)
    with open(f"{tmp}/file", "w", encoding="ascii"):
        pass
    table = (
        (f"server=unix:{tmp}/none", "not-found", f"no PulseAudio server answers at unix:{tmp}/none: Connection refused; start one"),
        (f"server=unix:{tmp}/file", "not-found", "no PulseAudio server answers at"),
        (f"server=tcp:127.0.0.1:{qvtest.free_port()}", "not-found", "no PulseAudio server answers at tcp:127.0.0.1:"),
        (f"server={pulse.server},device=nosuch", "not-found",
         'PulseAudio device "nosuch" cannot be opened: No such entity; "pactl list short '),
    )
    for options, code, words in table:
        for source, sink in ((f"pulse,{options}", "null"), ("tone", f"pulse,{options}")):
            _, message = finish(qvaudio.pump(test, source, sink), code)
            assert message.startswith(words), message
    empty = {"PULSE_SERVER": "", "XDG_RUNTIME_DIR": tmp, "HOME": tmp, "PULSE_RUNTIME_PATH": tmp}
    _, message = finish(qvaudio.pump(test, "pulse", "null", env=empty), "not-found")
    assert message.startswith("no PulseAudio server answers at the usual places: "), message


@test.case("a server that accepts and says nothing is given up on cancel")
def _(tmp):
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(f"{tmp}/mute")
        mute.listen(4)
        pump = qvaudio.pump(test, f"pulse,server=unix:{tmp}/mute", "null")
        accepted, _ = mute.accept()
        pump.signal(signal.SIGTERM)
        finish(pump, "cancelled")
        accepted.close()


@test.case("with a daemon there, the conformance suites of both kinds find nothing")
def _(tmp):
    pulse = qvaudio.Pulse(test, tmp)
    for module, device in (("audiosource/pulse", "one.monitor"), ("audiosink/pulse", "one")):
        qvconform.check(module, f"server={pulse.server}", f"device={device}")


test.run()
