# SPDX-License-Identifier: Apache-2.0
"""The video source `file` against ffmpeg's own decode of what ffmpeg made."""

import os
import shutil

import qvtest

test = qvtest.Test(__file__)


def ffmpeg(*args):
    qvtest.run(["ffmpeg", "-v", "error", "-y", *args])


def make(path, *args, size="64x48", seconds=0.4):
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}", *args, path)
    return path


def content(path):
    with open(path, "rb") as f:
        return f.read()


class Dump:
    """What the source said and gave."""

    def __init__(self, tmp, path, *options, pixels="all", count=1000, pace="none"):
        out = os.path.join(tmp, "samples")
        done = qvtest.run(["modules/videosource/common/dump_source", "file", pixels, count, out, f"path={path}",
                           f"pace={pace}", *options])
        lines = done.stdout.splitlines()
        self.format = next((line[7:] for line in lines if line.startswith("format ")), None)
        self.sequences = [int(line.split()[1]) for line in lines if line.startswith("frame ")]
        self.times = [int(line.split()[2]) for line in lines if line.startswith("frame ")]
        self.error = next((line[6:] for line in lines if line.startswith("error ")), None)
        self.warnings = [line for line in lines if "warning" in line]
        self.samples = content(out)


def expect_error(tmp, data, expected, name="bad.y4m", *options, **more):
    path = os.path.join(tmp, name)
    with open(path, "wb") as f:
        f.write(data)
    dump = Dump(tmp, path, *options, **more)
    assert dump.error == expected.replace("FILE", path, 1), dump.error
    return dump


for pix_fmt, name in (("yuv420p", "i420"), ("yuv422p", "i422"), ("yuv444p", "i444"), ("gray", "gray")):
    for size in ("64x48", "63x47", "1x1"):
        @test.case(f"Y4M {pix_fmt} {size} as ffmpeg decodes it")
        def _(tmp, pix_fmt=pix_fmt, name=name, size=size):
            y4m = os.path.join(tmp, "in.y4m")
            make(y4m, "-vf", f"scale={size.replace('x', ':')}", "-pix_fmt", pix_fmt, "-strict", "-1")
            ffmpeg("-i", y4m, "-f", "rawvideo", os.path.join(tmp, "raw"))
            dump = Dump(tmp, y4m)
            assert dump.error == f"end {y4m}: the file ended", dump.error
            full = b" XCOLORRANGE=FULL" in content(y4m).split(b"\n")[0]
            assert dump.format == f"{name} {'full' if full else 'limited'} {size} 25/1", dump.format
            assert dump.sequences == list(range(10)), dump.sequences
            assert dump.samples == content(os.path.join(tmp, "raw"))


@test.case("XCOLORRANGE tells the range, and an NTSC rate stays a fraction")
def _(tmp):
    y4m = make(os.path.join(tmp, "in.y4m"), "-vf", "scale=out_range=full", "-color_range", "pc", "-pix_fmt",
               "yuv420p", "-r", "30000/1001", "-strict", "-1")
    if b"XCOLORRANGE=FULL" not in content(y4m)[:200]:
        raise qvtest.Skip("this ffmpeg writes no XCOLORRANGE")
    assert Dump(tmp, y4m).format == "i420 full 64x48 30000/1001"
    assert Dump(tmp, y4m, "fps=23.976").format == "i420 full 64x48 24000/1001"
    assert Dump(tmp, y4m, "fps=12.5").format == "i420 full 64x48 12500/1000"


@test.case("JPEG images are passed through byte for byte")
def _(tmp):
    for args in (["-c:v", "mjpeg", "-f", "mjpeg"], ["-c:v", "mjpeg", "-f", "mjpeg", "-q:v", "1"],
                 ["-c:v", "mjpeg", "-f", "mjpeg", "-huffman", "default", "-threads", "4", "-slices", "4",
                  "-thread_type", "slice"]):
        jpegs = make(os.path.join(tmp, "in.mjpeg"), *args, size="320x240", seconds=2)
        dump = Dump(tmp, jpegs)
        assert dump.error == f"end {jpegs}: the file ended", dump.error
        assert dump.format == "jpeg full 320x240 30/1", dump.format
        assert dump.sequences == list(range(50)), dump.sequences
        assert dump.samples == content(jpegs)
        assert not dump.warnings
    assert b"\xff\xd0" in dump.samples, "no restart markers were tried"


@test.case("a single JPEG repeats with loop, also a progressive one with a thumbnail")
def _(tmp):
    thumbnail = content(make(os.path.join(tmp, "small.jpg"), "-frames:v", "1", size="16x16"))
    jpeg = make(os.path.join(tmp, "in.jpg"), "-frames:v", "1")
    progressive = os.path.join(tmp, "progressive.jpg")
    qvtest.run(["convert", jpeg, "-interlace", "JPEG", progressive])
    data = content(progressive)
    assert b"\xff\xc2" in data
    app = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    with open(progressive, "wb") as f:
        f.write(data[:2] + app + data[2:])
    for path in (jpeg, progressive):
        dump = Dump(tmp, path, "loop=true", "fps=5", count=7)
        assert dump.error is None, dump.error
        assert dump.format == "jpeg full 64x48 5/1", dump.format
        assert dump.samples == content(path) * 7


@test.case("loop starts again at the first picture")
def _(tmp):
    y4m = make(os.path.join(tmp, "in.y4m"), "-pix_fmt", "yuv420p")
    once, more = Dump(tmp, y4m), Dump(tmp, y4m, "loop=true", count=25)
    assert more.error is None and more.sequences == list(range(25))
    assert more.samples == (once.samples * 3)[:len(more.samples)]


@test.case("paced by the clock: capture times lie on the grid, what was missed is a gap")
def _(tmp):
    y4m = make(os.path.join(tmp, "in.y4m"), "-pix_fmt", "yuv420p")
    dump, size = Dump(tmp, y4m, "fps=100", pace="clock"), 64 * 48 * 3 // 2
    all_samples = Dump(tmp, y4m).samples
    assert dump.error == f"end {y4m}: the file ended"
    for n, (sequence, time) in enumerate(zip(dump.sequences, dump.times)):
        assert time - dump.times[0] == (sequence - dump.sequences[0]) * 10_000_000
        assert dump.samples[n * size:(n + 1) * size] == all_samples[sequence * size:(sequence + 1) * size]


@test.case("a codec that does not take the file's format is told what to do")
def _(tmp):
    jpeg = make(os.path.join(tmp, "in.jpg"), "-frames:v", "1")
    dump = Dump(tmp, jpeg, pixels="planar")
    assert dump.error == (f"config test: path: {jpeg} holds JPEG images, which only the video codec mjpeg takes")


HEADER = b"YUV4MPEG2 W4 H2 F25:1 Ip C420jpeg\n"
PICTURE = b"FRAME\n" + bytes(12)


@test.case("damaged Y4M files are refused with the reason and the byte")
def _(tmp):
    long = b"YUV4MPEG2 W4 H2 " + b"X" * 2000 + b"\n"
    for data, expected in (
            (b"", "io FILE: the file is empty"),
            (b"RIFF", "unsupported FILE: neither a Y4M file nor JPEG images (ffmpeg -i FILE -pix_fmt yuv420p "
                      "OUT.y4m converts many kinds)"),
            (b"YUV4MPEG W4 H2\n", 'io FILE: byte 0: no "YUV4MPEG2" header'),
            (b"YUV4MPEG2 W4 H2", "io FILE: byte 15: the file ends within a header line"),
            (long, "io FILE: byte 1023: a header line with more than 1023 bytes"),
            (b"YUV4MPEG2 W4\0 H2\n", "io FILE: byte 12: a header line with a zero byte"),
            (b"YUV4MPEG2 W4\n", "io FILE: the header gives no height"),
            (b"YUV4MPEG2 W0 H2\n", 'io FILE: the header gives a width of "0", which is not from 1 to 8192'),
            (b"YUV4MPEG2 W4 H99999999999999999999\n",
             'io FILE: the header gives a height of "99999999999999999999", which is not from 1 to 8192'),
            (b"YUV4MPEG2 W4 H2 F25\n", 'io FILE: the header gives a frame rate of "25", which is not NUMBER:NUMBER'),
            (b"YUV4MPEG2 W4 H2 F9999:1\n", "invalid FILE: a frame rate of 9999/1 is outside 0 to 1000 a second"),
            (b"YUV4MPEG2 W4 H2 It\n", 'unsupported FILE: the header says interlaced ("It"); only progressive pictures '
                                      "are taken (ffmpeg -vf yadif makes them)"),
            (b"YUV4MPEG2 W4 H2 C420p10\n",
             'unsupported FILE: the header gives the pixel format "C420p10"; C420, C422, C444 and Cmono with 8 bits '
             "are taken (ffmpeg -pix_fmt yuv420p makes one)"),
            (HEADER + PICTURE[:-1], "io FILE: byte 51: the file ends within a picture"),
            (HEADER + PICTURE + b"FRANE\n", 'io FILE: byte 52: no "FRAME" where a picture must begin'),
            (HEADER + PICTURE + b"FRA", "io FILE: byte 55: the file ends within a header line")):
        expect_error(tmp, data, expected)
    assert len(expect_error(tmp, HEADER + PICTURE + PICTURE[:9], "io FILE: byte 61: the file ends within a picture")
               .sequences) == 1
    expect_error(tmp, HEADER, "io FILE: the file holds no picture to repeat", "bad.y4m", "loop=true")


@test.case("headers with little, much and unknown content are taken")
def _(tmp):
    path = os.path.join(tmp, "in.y4m")
    for header, expected in ((b"YUV4MPEG2 W4 H2", "i420 limited 4x2 30/1"),
                             (b"YUV4MPEG2 H2 W4 F0:0 I? A1:1 XYSCSS=420JPEG XSOMETHING Z", "i420 limited 4x2 30/1"),
                             (b"YUV4MPEG2 W4 H2 F24:1 C420paldv XCOLORRANGE=LIMITED", "i420 limited 4x2 24/1")):
        with open(path, "wb") as f:
            f.write(header + b"\n" + b"FRAME Ip XY\n" + bytes(12))
        dump = Dump(tmp, path)
        assert dump.format == expected, dump.format
        assert dump.samples == bytes(12) and dump.error == f"end {path}: the file ended"


@test.case("damaged JPEG images are left out with a warning, and are gaps in the sequence")
def _(tmp):
    one = [content(make(os.path.join(tmp, f"{i}.jpg"), "-ss", str(i * 0.1), "-frames:v", "1", seconds=1))
           for i in range(3)]
    other = content(make(os.path.join(tmp, "other.jpg"), "-frames:v", "1", size="80x48"))
    cut = one[1][:-20]
    for middle, warning in ((cut, "a new image before the end of this one, in the JPEG image at byte {0}"),
                            (other, "byte {0}: a JPEG image of 80x48 in a stream of 64x48"),
                            (b"\0\0\0\0", "no start of image (FF D8), in the JPEG image at byte {0}")):
        path = os.path.join(tmp, "in.mjpeg")
        with open(path, "wb") as f:
            f.write(one[0] + middle + one[2])
        dump = Dump(tmp, path)
        assert dump.samples == one[0] + one[2]
        assert dump.sequences == [0, 2], dump.sequences
        assert dump.error == f"end {path}: the file ended", dump.error
        assert len(dump.warnings) == 1 and warning.format(len(one[0])) in dump.warnings[0], dump.warnings


@test.case("a JPEG stream that ends within an image is an error with the byte")
def _(tmp):
    one = content(make(os.path.join(tmp, "one.jpg"), "-frames:v", "1"))
    cut = one + one[:-5]
    dump = expect_error(tmp, cut, f"io FILE: byte {len(cut)}: the file ends, in the JPEG image at byte {len(one)}",
                        "cut.mjpeg")
    assert dump.samples == one
    expect_error(tmp, one[:40], "io FILE: byte 40: the file ends, in the JPEG image at byte 0", "cut.mjpeg")
    expect_error(tmp, b"\xff\xd8\xff\xd9" * 200, "io FILE: byte 400: 100 damaged JPEG images in a row", "cut.mjpeg")


@test.case("what is no file says so")
def _(tmp):
    fifo, absent = os.path.join(tmp, "fifo"), os.path.join(tmp, "absent")
    os.mkfifo(fifo)
    assert Dump(tmp, fifo).error == f"config test: path: {fifo} is not a regular file"
    assert Dump(tmp, tmp).error == f"config test: path: {tmp} is not a regular file"
    assert Dump(tmp, absent).error == f"config test: path: cannot open {absent}: No such file or directory"


@test.case("valgrind finds no fault")
def _(tmp):
    if not shutil.which("valgrind"):
        raise qvtest.Skip("no program valgrind")
    if b"__asan_init" in content(os.path.join(qvtest.BUILD, ".libs/videosource-file.so")):
        raise qvtest.Skip("valgrind does not run what AddressSanitizer has built")
    y4m = make(os.path.join(tmp, "in.y4m"), "-pix_fmt", "yuv420p")
    jpegs = make(os.path.join(tmp, "in.mjpeg"), "-c:v", "mjpeg", "-f", "mjpeg")
    one, path = content(jpegs), os.path.join(tmp, "damaged")
    for data in (content(y4m), content(y4m)[:-7], one, one[:900] + one[1800:], one[:-9], b"YUV4MPEG2 W4\n"):
        with open(path, "wb") as f:
            f.write(data)
        qvtest.run([os.path.join(qvtest.BUILD, "libtool"), "--mode=execute", "valgrind", "-q", "--error-exitcode=9",
                    "--leak-check=full", qvtest.program("modules/videosource/common/dump_source"), "file", "all", "25",
                    "/dev/null", f"path={path}", "pace=none", "loop=true"])


test.run()
