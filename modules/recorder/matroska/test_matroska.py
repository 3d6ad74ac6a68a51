# SPDX-License-Identifier: Apache-2.0
"""recorder/matroska: FFmpeg reads what a call was recorded to; both sides lie where they were captured."""

import json
import os
import signal
import stat
import time

import qvaudio
import qvstamp
import qvtest

test = qvtest.Test(__file__)
PICTURE = (320, 240)
CHIRP = 0.5  # a chirp begins whenever CLOCK_MONOTONIC is a multiple of this
NAMES = ("sent", "sent", "received", "received")
# Seconds. Ours is exact to the file's millisecond. The peer's times come from a comparison of clocks, which on a loaded
# machine is off by half of a long round trip; sound follows that only when it is 40 ms off.
BOUND = {"sent": 0.010, "received": 0.060}


def probe(path, *show):
    out = qvtest.run(["ffprobe", "-v", "error", "-of", "json", *show, path])
    assert not out.stderr, out.stderr
    return json.loads(out.stdout)


def pictures(path, index):
    """[(time in the file, stamp)] of stream `index`, decoded."""
    raw = qvtest.run(["ffmpeg", "-v", "error", "-copyts", "-i", path, "-map", f"0:{index}", "-vf", "setpts=N/TB",
                      "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"], text=False)
    assert not raw.stderr, raw.stderr
    times = [float(f["pts_time"]) for f in probe(path, "-select_streams", str(index), "-show_frames")["frames"]]
    size = PICTURE[0] * PICTURE[1]
    assert len(raw.stdout) == size * len(times), (len(raw.stdout), len(times))
    return [(at, qvstamp.read_stamp(raw.stdout[i * size:(i + 1) * size], *PICTURE)) for i, at in enumerate(times)]


def sound(path, index, tmp):
    """The samples of stream `index`, their rate, and when the first of them is heard."""
    out = os.path.join(tmp, f"{index}.wav")
    done = qvtest.run(["ffmpeg", "-v", "error", "-y", "-i", path, "-map", f"0:{index}", "-ac", "1", out])
    assert not done.stderr, done.stderr
    frames = probe(path, "-select_streams", str(index), "-show_frames")["frames"]
    samples, rate, _ = qvaudio.read_wav(out)
    begin, heard = float(frames[0]["pts_time"]), 0
    for frame in frames:
        # No gap, and no overlap, beyond the millisecond of the file.
        assert abs(float(frame["pts_time"]) - begin - heard / rate) < 0.003, (frame, begin, heard)
        heard += frame["nb_samples"]
    assert heard == len(samples), (heard, len(samples))
    return samples, rate, begin


def second_zero(path, index):
    """The CLOCK_MONOTONIC time of second 0 by the pictures of a stream."""
    shown = pictures(path, index)
    assert len(shown) >= 20, len(shown)
    stamps = [(at, stamp) for at, stamp in shown if stamp]
    assert len(stamps) == len(shown), f"{len(shown) - len(stamps)} of {len(shown)} pictures have no clear stamp"
    numbers = [stamp[0] for _, stamp in stamps]
    assert numbers == sorted(set(numbers)), numbers
    zeros = [stamp[1] - at for at, stamp in stamps]
    assert max(zeros) - min(zeros) < BOUND[NAMES[index]], (min(zeros), max(zeros))
    return sum(zeros) / len(zeros)


def assert_synchronised(path, tmp):
    zeros = [second_zero(path, index) for index in (0, 2)]
    assert abs(zeros[0] - zeros[1]) < BOUND["received"], zeros
    for zero, index in zip(zeros, (1, 3)):
        samples, rate, begin = sound(path, index, tmp)
        heard = [begin + at for at in qvstamp.onsets(samples, rate)]
        assert len(heard) >= 2, heard
        for at in heard:
            late = qvstamp.off(zero + at, CHIRP)
            assert abs(late) < BOUND[NAMES[index]], f"stream {index}: a chirp is {late * 1000:.1f} ms late against the pictures"


def streams(path):
    return probe(path, "-show_streams", "-show_format")


def record(path, seconds, video, audio, *options):
    return qvtest.run(["tests/call/record_call", path, str(seconds), video, audio, *options])


CALLS = {"mjpeg and PCM": ("mjpeg", "pcm", "mjpeg", "pcm_s16le"),
         "VP8 and Opus": ("vpx", "opus", "vp8", "opus"),
         "VP9 in layers": ("vpx,codec=vp9,temporal_layers=2", "opus", "vp9", "opus")}


def add_call(name, video, audio, video_name, audio_name):
    @test.case(f"{name}: both sides are in the file, in their time")
    def _(tmp):
        path = os.path.join(tmp, "call.mkv")
        for codec, stem in (("videocodec", video), ("audiocodec", audio)):
            if not os.path.exists(os.path.join(qvtest.BUILD, ".libs", f"{codec}-{stem.split(',')[0]}.so")):
                raise qvtest.Skip(f"no {codec} {stem}")
        record(path, 2.5, video, audio, "title=A call")
        found = streams(path)
        assert [s["codec_name"] for s in found["streams"]] == [video_name, audio_name] * 2
        assert [s["tags"]["title"] for s in found["streams"]] == list(NAMES)
        assert [s["disposition"]["default"] for s in found["streams"]] == [0, 0, 1, 1]
        assert found["format"]["tags"]["title"] == "A call"
        assert 2 < float(found["format"]["duration"]) < 20, found["format"]
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert_synchronised(path, tmp)


for call, codecs in CALLS.items():
    add_call(call, *codecs)


@test.case("after kill -9 the file holds all but the last seconds, and can be read")
def _(tmp):
    path = os.path.join(tmp, "call.mkv")
    call = test.start(["tests/call/record_call", path, "3600", "mjpeg", "pcm"])
    call.wait_for("^recording")
    deadline = time.monotonic() + qvtest.TIMEOUT
    # Some clusters.
    while os.path.getsize(path) < 800000 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(call.pid, signal.SIGKILL)
    call.wait()
    assert len(streams(path)["streams"]) == 4
    assert_synchronised(path, tmp)


@test.case("one can jump to any second")
def _(tmp):
    path = os.path.join(tmp, "call.mkv")
    record(path, 3.5, "mjpeg", "pcm")
    raw = qvtest.run(["ffmpeg", "-v", "debug", "-ss", "2.5", "-i", path, "-map", "0:0", "-frames:v", "1", "-f", "null", "-"])
    packets = probe(path, "-select_streams", "0", "-show_packets", "-read_intervals", "2.5%+0.5")["packets"]
    assert packets and 1 <= float(packets[0]["pts_time"]) <= 3, packets[:1]
    assert "Error" not in raw.stderr and "Invalid" not in raw.stderr, raw.stderr[-2000:]
    with open(path, "rb") as f:
        data = f.read()
    assert data.count(b"\x1c\x53\xbb\x6b") >= 2, "no cues, or nothing that leads to them"


@test.case("a file that exists is kept, unless it is to be overwritten")
def _(tmp):
    path = os.path.join(tmp, "call.mkv")
    with open(path, "w", encoding="ascii") as f:
        f.write("precious")
    done = qvtest.run(["tests/call/record_call", path, "1", "mjpeg", "pcm"], check=False)
    assert done.returncode == 1 and "exists, and is not overwritten" in done.stderr, done
    with open(path, encoding="ascii") as f:
        assert f.read() == "precious"
    record(path, 1, "mjpeg", "pcm", "overwrite=true")
    assert len(streams(path)["streams"]) == 4
    link = os.path.join(tmp, "link.mkv")
    os.symlink(path, link)
    for target in (link, "/dev/null", os.path.join(tmp, "none", "call.mkv")):
        done = qvtest.run(["tests/call/record_call", target, "1", "mjpeg", "pcm", "overwrite=true"], check=False)
        assert done.returncode == 1 and target in done.stderr, (target, done)


@test.case("a full disk ends the recording, is told, and leaves a file that can be read")
def _(tmp):
    path = os.path.join(tmp, "call.mkv")
    # As a disk: a limit on the size of files, whose signal the shell ignores for its child.
    script = 'trap "" XFSZ; ulimit -f 800; exec "$@"'
    call = test.start(["bash", "-c", script, "bash", qvtest.program("tests/call/record_call"), path, "3600", "mjpeg",
                       "pcm"])
    call.wait_for("^record-failed .*call.mkv")
    os.kill(call.pid, signal.SIGTERM)
    call.wait()
    assert len(streams(path)["streams"]) == 4
    assert_synchronised(path, tmp)


test.run()
