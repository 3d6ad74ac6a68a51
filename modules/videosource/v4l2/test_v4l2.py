# SPDX-License-Identifier: Apache-2.0
"""The video source `v4l2` on the real libv4l2 and libv4lconvert, over a fake camera that a libv4l2 plugin makes of a file.

libv4l2 takes plugins from one folder only, so each case binds another over it, in namespaces of its own.
"""

import glob
import os
import pwd
import shutil

import qvconform
import qvtest

test = qvtest.Test(__file__)
PLUGIN = os.path.join(qvtest.BUILD, "modules/videosource/v4l2/.libs/fake_camera.so")
DUMP = "modules/videosource/common/dump_source"
PICTURES, WIDTH, HEIGHT = 12, 64, 48
YUYV, MJPG = f"mode YUYV {WIDTH} {HEIGHT} 30", f"mode MJPG {WIDTH} {HEIGHT} 30"


def plugin_folder():
    found = glob.glob("/usr/lib/*/libv4l/plugins") + glob.glob("/usr/lib*/libv4l/plugins")
    if not found:
        raise qvtest.Skip("libv4l2 has no plugin folder here")
    return found[0]


def in_namespace(script, *args, user=None):
    """Runs a shell script as root of new user and mount namespaces, the plugin folder replaced by ours."""
    if not os.path.exists(PLUGIN):
        raise qvtest.Skip("the fake camera was not built")
    whole = f'mount --bind "$1" "$2" || exit 77; shift 2; {script}'
    done = qvtest.run(["unshare", "-rm", "sh", "-c", whole, "sh", os.path.dirname(PLUGIN), plugin_folder(), *args],
                      check=False, user=user, group=user, extra_groups=[] if user else None)
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        raise qvtest.Skip("no permission for user and mount namespaces: " + done.stderr.strip())
    return done


def content(path):
    with open(path, "rb") as f:
        return f.read()


def ffmpeg(*args):
    qvtest.run(["ffmpeg", "-v", "error", "-y", *args])


class Camera:
    """A fake camera's file with its pictures, and what the source said and gave of it."""

    def __init__(self, tmp, *lines):
        self.tmp, self.device, self.prefix = tmp, os.path.join(tmp, "video0"), os.path.join(tmp, "picture")
        source = ["-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate=25"]
        ffmpeg(*source, "-frames:v", str(PICTURES), "-pix_fmt", "yuyv422", "-f", "rawvideo", self.prefix + ".yuyv")
        ffmpeg(*source, "-frames:v", str(PICTURES), "-start_number", "0", self.prefix + "-%d.jpg")
        with open(self.device, "wb") as f:
            f.write("\n".join([f"camera {self.prefix}", f"pictures {PICTURES}", *lines, "end", ""]).encode())
            f.truncate(64 * 1024 + 8 * 2 * 1024 * 1024)

    def dump(self, *options, pixels="all", count=PICTURES, user=None, wrap=""):
        out = os.path.join(self.tmp, "samples")
        done = in_namespace(f'exec {wrap} "$@"', qvtest.program(DUMP), "v4l2", pixels, count, out,
                            f"device={self.device}", *options, user=user)
        self.status, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr
        assert done.returncode == 0, done.stdout + done.stderr
        lines = done.stdout.splitlines()
        self.format = next((line[7:] for line in lines if line.startswith("format ")), None)
        frames = [line.split() for line in lines if line.startswith("frame ")]
        self.sequences = [int(f[1]) for f in frames]
        self.times = [int(f[2]) for f in frames]
        sizes, self.frames, at, samples = [int(f[3]) for f in frames], [], 0, content(out)
        for size in sizes:
            self.frames.append(samples[at:at + size])
            at += size
        self.error = next((line[6:].replace(self.device, "DEVICE") for line in lines if line.startswith("error ")), None)
        self.warnings = [line for line in lines if "warning" in line]
        return self

    def jpeg(self, number):
        return content(f"{self.prefix}-{number % PICTURES}.jpg")

    def planar(self, number, pix_fmt="yuv422p"):
        """Picture `number` as ffmpeg turns it from packed to planar."""
        path = os.path.join(self.tmp, pix_fmt)
        if not os.path.exists(path):
            ffmpeg("-f", "rawvideo", "-pix_fmt", "yuyv422", "-s", f"{WIDTH}x{HEIGHT}", "-i", self.prefix + ".yuyv",
                   "-f", "rawvideo", "-pix_fmt", pix_fmt, path)
        size = WIDTH * HEIGHT * (2 if pix_fmt == "yuv422p" else 3 / 2)
        return content(path)[int(number % PICTURES * size):int((number % PICTURES + 1) * size)]


@test.case("MJPG is passed through byte for byte, with the camera's times and numbers")
def _(tmp):
    camera = Camera(tmp, MJPG, YUYV).dump(count=30)
    assert camera.error is None, camera.error
    assert camera.format == f"jpeg full {WIDTH}x{HEIGHT} 30/1", camera.format
    assert camera.sequences == list(range(30)), camera.sequences
    assert camera.frames == [camera.jpeg(n) for n in range(30)]
    for n, time in enumerate(camera.times):
        assert time % 1000 == 0
        assert abs(time - camera.times[0] - n * 1_000_000_000 // 30) <= 1000, (n, time)


@test.case("YUYV is split into planes as ffmpeg does")
def _(tmp):
    camera = Camera(tmp, MJPG, YUYV)
    for dump in (camera.dump("format=yuyv"), camera.dump(pixels="planar")):
        assert dump.error is None, dump.error
        assert dump.format == f"i422 limited {WIDTH}x{HEIGHT} 30/1", dump.format
        assert dump.sequences == list(range(PICTURES))
        assert dump.frames == [camera.planar(n) for n in range(PICTURES)]


@test.case("what the codec does not take is converted by libv4lconvert")
def _(tmp):
    for mode, name in ((YUYV, "limited"), (MJPG, "full")):
        camera = Camera(tmp, mode).dump(pixels="i420")
        assert camera.error is None, camera.error
        assert camera.format == f"i420 {name} {WIDTH}x{HEIGHT} 30/1", camera.format
        luma = WIDTH * HEIGHT
        for n, frame in zip(camera.sequences, camera.frames):
            expected = camera.planar(n)[:luma]
            if mode == YUYV:
                assert frame[:luma] == expected, n
            else:
                # The JPEGs were made from the same pictures, in full range.
                decoded = [16 + value * 219 / 255 for value in frame[:luma]]
                error = sum((a - b) ** 2 for a, b in zip(decoded, expected)) / luma
                assert error < 40, (n, error)


@test.case("the size and rate asked for are found in whichever format has them")
def _(tmp):
    camera = Camera(tmp, f"mode YUYV {WIDTH * 2} {HEIGHT * 2} 10", f"mode MJPG {WIDTH} {HEIGHT} 30",
                    f"mode YUYV {WIDTH} {HEIGHT} 15")
    dump = camera.dump(f"width={WIDTH}", f"height={HEIGHT}", "fps=30")
    assert dump.format == f"jpeg full {WIDTH}x{HEIGHT} 30/1", dump.format
    dump = camera.dump(f"width={WIDTH}", f"height={HEIGHT}", "fps=15")
    assert dump.format == f"i422 limited {WIDTH}x{HEIGHT} 15/1", (dump.format, dump.error)
    dump = camera.dump(count=0, pixels="planar")
    assert dump.format == f"i422 limited {WIDTH * 2}x{HEIGHT * 2} 10/1", dump.format


@test.case("what the camera does not do is refused with what it offers")
def _(tmp):
    camera = Camera(tmp, MJPG, YUYV, "mode YUYV 320 240 15")
    offers = "; it offers: MJPG 64x48 at 30; YUYV 64x48 at 30, 320x240 at 15"
    does_not = "unsupported DEVICE: the camera does not do "
    for options, expected in ((["width=640", "height=480"], "a format that the video codec takes 640x480"),
                              (["format=yuyv", "width=160"], "YUYV 160x48"),
                              (["format=mjpg", "width=320", "height=240"], "MJPG 320x240"),
                              (["fps=60"], "a format that the video codec takes at 60 frames/s")):
        dump = camera.dump(*options)
        assert dump.error == does_not + expected + offers, dump.error
    only = Camera(tmp, YUYV).dump("format=mjpg")
    assert only.error == does_not + "MJPG; it offers: YUYV 64x48 at 30", only.error
    dump = camera.dump("format=mjpg", pixels="planar")
    assert dump.error == ('unsupported DEVICE: format "mjpg" is passed on undecoded, which only the video codec mjpeg '
                          'takes; format "auto" decodes it'), dump.error
    dump = camera.dump("format=yuyv", pixels="i420")
    assert dump.error == ('unsupported DEVICE: format "yuyv" is i422, which the video codec does not take; format '
                          '"auto" converts it'), dump.error


@test.case("an unplugged camera is gone")
def _(tmp):
    dump = Camera(tmp, MJPG, "script ...u").dump()
    assert dump.sequences == [0, 1, 2]
    assert dump.error == "gone DEVICE: waiting for a picture: the camera was unplugged", dump.error


@test.case("drops show as gaps, also of a driver that does not count")
def _(tmp):
    dump = Camera(tmp, MJPG, "script ..dd.d.u").dump()
    assert dump.sequences == [0, 1, 4, 6], dump.sequences
    assert dump.frames == [dump.jpeg(n) for n in (0, 1, 4, 6)]
    dump = Camera(tmp, MJPG, "script ..s.u", "nocount").dump()
    assert dump.sequences == [0, 1, 3], dump.sequences


@test.case("short, broken and marked pictures are left out and counted")
def _(tmp):
    dump = Camera(tmp, MJPG, "script .sbez.u").dump()
    assert dump.sequences == [0, 5], dump.sequences
    assert dump.frames == [dump.jpeg(n) for n in (0, 5)]
    reasons = ["the JPEG image has no end (1 so far)", "the JPEG image has no end (2 so far)",
               "the JPEG image has another size than was agreed (4 so far)"]
    assert len(dump.warnings) == 3, dump.warnings
    for warning, reason in zip(dump.warnings, reasons):
        assert reason in warning, warning
    dump = Camera(tmp, YUYV, "script .ses.u").dump()
    assert dump.sequences == [0, 4], dump.sequences
    assert dump.frames == [dump.planar(n) for n in (0, 4)]
    assert "too few bytes (1 so far)" in dump.warnings[0], dump.warnings


@test.case("a reader that was slow gets the newest whole picture")
def _(tmp):
    dump = Camera(tmp, MJPG, "script .++..u").dump()
    assert dump.sequences == [0, 3, 4], dump.sequences
    dump = Camera(tmp, YUYV, "script .++s.u").dump()
    assert dump.sequences[0] == 0 and dump.sequences[-1] == 4, dump.sequences
    assert dump.frames == [dump.planar(n) for n in dump.sequences]


@test.case("pictures that come by the clock are the newest ones, in order")
def _(tmp):
    dump = Camera(tmp, "pace clock", f"mode YUYV {WIDTH} {HEIGHT} 100").dump(count=40)
    assert dump.error is None, dump.error
    assert dump.sequences == sorted(set(dump.sequences)) and len(dump.sequences) == 40
    assert dump.frames == [dump.planar(n) for n in dump.sequences]
    for sequence, time in zip(dump.sequences, dump.times):
        assert abs(time - dump.times[0] - (sequence - dump.sequences[0]) * 10_000_000) <= 1000


@test.case("a camera that sends nothing is a timeout, and ends when cancelled")
def _(tmp):
    camera = Camera(tmp, MJPG, "script .w")
    done = in_namespace('exec "$@"', qvtest.program("modules/videosource/v4l2/test_waiting"), camera.device)
    assert done.returncode == 0, done.stdout + done.stderr


@test.case("a camera in use, and a full bus, say so")
def _(tmp):
    hint = "the camera is in use by another program (`fuser -v DEVICE` shows which)"
    for ioctl, doing in (("S_FMT", "setting the format"), ("REQBUFS", "asking for buffers"),
                         ("STREAMON", "starting to stream")):
        dump = Camera(tmp, MJPG, YUYV, f"busy {ioctl}").dump("format=yuyv")
        assert dump.error == f"busy DEVICE: {doing}: {hint}", dump.error
    dump = Camera(tmp, MJPG, "full STREAMON").dump()
    assert dump.error == ('io DEVICE: starting to stream: the USB bus has no bandwidth left: take a smaller picture, a '
                          'lower rate or format = "mjpg", or another USB port'), dump.error


@test.case("what is no camera says so")
def _(tmp):
    camera, hint = Camera(tmp, MJPG), " (`v4l2-ctl --list-devices` shows the cameras)"
    for kind, why in (("none", "it does not answer as a video device"),
                      ("output", "it captures no pictures; a camera often has a second device for metadata"),
                      ("still", "it cannot stream")):
        dump = Camera(tmp, MJPG, f"kind {kind}").dump()
        assert dump.error == f"invalid DEVICE: not a camera: {why}{hint}", dump.error
    for device, expected in (("/dev/null", "invalid /dev/null: not a camera: it does not answer as a video device" + hint),
                             (tmp, f"io {tmp}: opening: Is a directory"),
                             (f"{tmp}/no", f"not-found {tmp}/no: there is no such device" + hint)):
        camera.device = device
        assert camera.dump().error.replace("DEVICE", device) == expected, camera.error


def ordinary_user(tmp):
    """The id of a user who is not root, once the files of the case are theirs; None if that is who runs the tests."""
    if os.getuid() != 0:
        return None
    user = pwd.getpwnam("nobody").pw_uid
    try:
        for folder, _folders, files in os.walk(tmp):
            for path in [folder] + [os.path.join(folder, f) for f in files]:
                os.chown(path, user, -1)
        if qvtest.run(["test", "-x", qvtest.program(DUMP)], user=user, check=False).returncode != 0:
            raise qvtest.Skip("an ordinary user cannot read the build folder")
    except OSError as why:
        raise qvtest.Skip(f"no other user here: {why}") from None
    return user


@test.case("an ordinary user can do the same")
def _(tmp):
    camera = Camera(tmp, MJPG, YUYV)
    # The build folder may belong to root, who is nobody in the namespace of an ordinary user.
    modules = os.path.join(tmp, "modules")
    os.mkdir(modules)
    shutil.copy(os.path.join(qvtest.BUILD, ".libs/videosource-v4l2.so"), modules)
    camera.dump(user=ordinary_user(tmp), wrap=f"env QVISIO_MODULE_PATH={modules}")
    assert camera.error is None, camera.error
    assert camera.frames == [camera.jpeg(n) for n in range(PICTURES)]


@test.case("a camera that the user may not use says so")
def _(tmp):
    camera = Camera(tmp, MJPG)
    os.chmod(camera.device, 0)
    done = qvtest.run([DUMP, "v4l2", "all", "1", "/dev/null", f"device={camera.device}"], user=ordinary_user(tmp), check=False)
    assert done.stdout.strip() == (f"error denied {camera.device}: no permission to use the camera (its group, often "
                                   '"video", has it)'), done.stdout + done.stderr


@test.case("it passes the conformance suite of its kind")
def _(tmp):
    for mode in (MJPG, YUYV):
        camera = Camera(tmp, "pace clock", mode)
        done = in_namespace('exec "$@"', qvtest.program("qvisio-module"), "check", "videosource/v4l2",
                            f"device={camera.device}")
        qvconform.judge(done)


@test.case("valgrind finds no fault")
def _(tmp):
    if not shutil.which("valgrind"):
        raise qvtest.Skip("no program valgrind")
    if b"__asan_init" in content(os.path.join(qvtest.BUILD, ".libs/videosource-v4l2.so")):
        raise qvtest.Skip("valgrind does not run what AddressSanitizer has built")
    wrap = f"{os.path.join(qvtest.BUILD, 'libtool')} --mode=execute valgrind -q --error-exitcode=9 --leak-check=full"
    for lines, options in (([MJPG, "script .sbez.u"], {}), ([YUYV, "script .s.u"], {}),
                           ([MJPG, "script ....u"], {"pixels": "i420"}), ([MJPG, "busy STREAMON"], {})):
        Camera(tmp, *lines).dump(wrap=wrap, **options)


test.run()
