# SPDX-License-Identifier: Apache-2.0
"""The WAV modules, compared with what ffmpeg reads and writes."""

import os
import signal

import qvaudio
import qvtest
from qvaudio import finish

test = qvtest.Test(__file__)


def ffmpeg(*words):
    qvtest.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *words])


def raw(path):
    """The samples as ffmpeg reads them."""
    ffmpeg("-i", path, "-f", "s16le", path + ".raw")
    with open(path + ".raw", "rb") as f:
        return f.read()


@test.case("a file of ffmpeg is recorded sample by sample, and ffmpeg reads the recording")
def _(tmp):
    for rate, channels in ((16000, 1), (48000, 2)):
        source, copy = f"{tmp}/{rate}.wav", f"{tmp}/{rate}-copy.wav"
        ffmpeg("-f", "lavfi", "-i", f"anoisesrc=d=1.3:seed=7:r={rate}", "-ac", channels, "-c:a", "pcm_s16le", source)
        pump = qvaudio.pump(test, f"file,path={source},pace=none", f"file,path={copy}", "--rate", rate,
                            "--channels", channels, "--block", 777)
        (_, frames, lost), _ = finish(pump)
        assert (frames, lost) == (int(1.3 * rate), 0), (frames, lost)
        assert raw(copy) == raw(source)
        assert qvaudio.correlate(source, copy)[:2] == (0, 1.0)


@test.case("float, 24-bit and FLAC files give the same 16-bit samples as ffmpeg, to one step")
def _(tmp):
    original = f"{tmp}/s16.wav"
    qvaudio.write_noise(original, seconds=0.5)
    for name, codec in (("f.wav", "pcm_f32le"), ("24.wav", "pcm_s24le"), ("x.flac", "flac")):
        ffmpeg("-i", original, "-c:a", codec, f"{tmp}/{name}")
        finish(qvaudio.pump(test, f"file,path={tmp}/{name},pace=none", f"file,path={tmp}/out.wav"))
        expected, got = qvaudio.read_wav(original)[0], qvaudio.read_wav(f"{tmp}/out.wav")[0]
        assert len(expected) == len(got)
        assert max(abs(a - b) for a, b in zip(expected, got)) <= 1, name


@test.case("one channel becomes two, and two become their mean")
def _(tmp):
    mono, stereo = f"{tmp}/mono.wav", f"{tmp}/stereo.wav"
    qvaudio.write_noise(mono, seconds=0.2)
    finish(qvaudio.pump(test, f"file,path={mono},pace=none", f"file,path={stereo}", "--channels", 2))
    samples = qvaudio.read_wav(mono)[0]
    doubled, _, channels = qvaudio.read_wav(stereo)
    assert channels == 2 and list(doubled[0::2]) == list(samples) == list(doubled[1::2])
    qvaudio.write_wav(stereo, [v for n in range(1000) for v in (n, 3 * n)], channels=2)
    finish(qvaudio.pump(test, f"file,path={stereo},pace=none", f"file,path={mono}"))
    assert list(qvaudio.read_wav(mono)[0]) == [2 * n for n in range(1000)]


@test.case("a file of another rate comes at its own")
def _(tmp):
    qvaudio.write_noise(f"{tmp}/in.wav", seconds=0.5, rate=44100)
    finish(qvaudio.pump(test, f"file,path={tmp}/in.wav", f"file,path={tmp}/out.wav"))
    assert qvaudio.read_wav(f"{tmp}/out.wav") == qvaudio.read_wav(f"{tmp}/in.wav")


@test.case("a rate that nobody plays is refused with the command that converts")
def _(tmp):
    qvaudio.write_noise(f"{tmp}/in.wav", seconds=0.1, rate=4000)
    _, message = finish(qvaudio.pump(test, f"file,path={tmp}/in.wav", "null"), "unsupported")
    assert "it has 4000 Hz, 1 channels" in message, message
    assert "ffmpeg -i IN -ar 16000 -ac 1" in message, message


@test.case("a loop has no seam, and a file without samples ends it")
def _(tmp):
    qvaudio.write_wav(f"{tmp}/in.wav", range(1000))
    finish(qvaudio.pump(test, f"file,path={tmp}/in.wav,loop=true,pace=none", f"file,path={tmp}/out.wav",
                        "--frames", 10500, "--block", 300), "ok")
    assert list(qvaudio.read_wav(f"{tmp}/out.wav")[0]) == [n % 1000 for n in range(10500)]
    qvaudio.write_wav(f"{tmp}/empty.wav", [])
    (_, frames, _), _ = finish(qvaudio.pump(test, f"file,path={tmp}/empty.wav,loop=true", "null"))
    assert frames == 0


@test.case("a paced file loses nothing")
def _(tmp):
    qvaudio.write_noise(f"{tmp}/in.wav", seconds=1)
    finish(qvaudio.pump(test, f"file,path={tmp}/in.wav", f"file,path={tmp}/out.wav"))
    assert qvaudio.read_wav(f"{tmp}/in.wav")[0] == qvaudio.read_wav(f"{tmp}/out.wav")[0]


@test.case("a recording whose process was killed is whole up to the last block")
def _(tmp):
    for container in ("wav", "rf64"):
        path = f"{tmp}/{container}.wav"
        pump = qvaudio.pump(test, "tone,frequency=1000", f"file,path={path},container={container}", "--block", 160,
                            "--mark", 16000)
        pump.wait_for("marked")
        pump.signal(signal.SIGKILL)
        pump.wait()
        samples = raw(path)
        assert len(samples) >= 32000, len(samples)
        qvtest.run(["tests/modules/audiopump", "tone,frequency=1000,pace=none", f"file,path={tmp}/whole.wav",
                    "--frames", len(samples) // 2])
        assert samples == raw(f"{tmp}/whole.wav")


@test.case("a file cut off in the middle gives the samples that are there")
def _(tmp):
    qvaudio.write_wav(f"{tmp}/in.wav", range(4000))
    with open(f"{tmp}/in.wav", "r+b") as f:
        f.truncate(44 + 2 * 1500 + 1)
    (_, frames, _), _ = finish(qvaudio.pump(test, f"file,path={tmp}/in.wav,pace=none", f"file,path={tmp}/out.wav"))
    assert frames == 1500
    assert list(qvaudio.read_wav(f"{tmp}/out.wav")[0]) == list(range(1500))


@test.case("what cannot be read or written is said with its name")
def _(tmp):
    qvaudio.write_wav(f"{tmp}/nine.wav", [0] * 18, channels=9)
    with open(f"{tmp}/text.wav", "w", encoding="ascii") as f:
        f.write("This is no sound.\n")
    os.mkfifo(f"{tmp}/fifo")
    table = (
        ("file,path=/nonexistent.wav", "null", "config", r"/nonexistent.wav: No such file or directory"),
        (f"file,path={tmp}", "null", "config", f"{tmp}: not a regular file"),
        (f"file,path={tmp}/fifo", "null", "config", "not a regular file"),
        (f"file,path={tmp}/text.wav", "null", "invalid", "text.wav: not a sound file that can be read"),
        (f"file,path={tmp}/nine.wav", "null", "unsupported", "9 channels; 8000 to 192000 Hz and 1 to 8 channels can be read"),
        ("file", "null", "config", "path"),
        ("tone", f"file,path={tmp}/no/such/folder.wav", "config", "No such file or directory"),
        ("tone", f"file,path={tmp}", "config", "Is a directory"),
        ("tone", "file,path=/dev/full", "config", "not a regular file"),
    )
    for source, sink, code, words in table:
        _, message = finish(qvaudio.pump(test, source, sink), code)
        assert words in message, (source, sink, message)


@test.case("a full disk is an error that names the file")
def _(tmp):
    # A file size limit stands for the disk: both make write(2) fail in the middle.
    argv = ["sh", "-c", 'trap "" XFSZ; ulimit -f 16; exec "$@"', "sh", qvtest.program("tests/modules/audiopump"),
            "tone,pace=none", f"file,path={tmp}/out.wav"]
    _, message = finish(test.start(argv), "io")
    assert f"writing {tmp}/out.wav" in message, message
    assert len(raw(f"{tmp}/out.wav")) > 8000


test.run()
