# SPDX-License-Identifier: Apache-2.0
"""Calls of two `visio` over a network whose rate is too low for the camera's size for a while: pictures get smaller, and
large again."""

import os

import qvcall
import qvfield
import qvtest

test = qvtest.Test(__file__)
WIDTH, HEIGHT = 640, 480
PICTURES = dict(module="testpattern", width=WIDTH, height=HEIGHT, fps=20)
NARROW, WIDE = 2e5, 5e6
PATIENCE = 90  # s


def call_over(tmp, codec="vp8", **more):
    field = qvfield.Field(test, tmp, seed=11, delay=20, rate=WIDE, queue=int(NARROW / 8))
    return qvfield.Call(field, video_codec=dict(module="vpx", codec=codec, bitrate=600000), pictures=PICTURES,
                        transport=dict(prefer="srtp"), **more)


def size_sent(call, node):
    """As the statistics of the next second tell it."""
    size = call.stats(node)[0]["sent_size"]
    return size and (size["width"], size["height"])


def until_size(call, node, wanted):
    """Seconds of statistics until pictures are sent in a size for which `wanted` is true."""
    for seconds in range(1, PATIENCE):
        if wanted(size_sent(call, node)):
            return seconds
    raise AssertionError(f"{PATIENCE} s in vain")


def until_shown(call, node, wanted):
    """Until enough pictures of such a size were shown there."""
    for _ in range(PATIENCE):
        if sum(wanted(p.size) for p in call.seen(node).all) >= 20:
            return
        call.stats(node)
    raise AssertionError(f"{PATIENCE} s in vain")


def smaller(size):
    return size is not None and size != (WIDTH, HEIGHT)


def full(size):
    return size == (WIDTH, HEIGHT)


def check_seen(seen, sizes):
    """What was shown reads right in every size, and is the picture that was painted. While the network gets narrow, libvpx may
    leave a block of one picture as it was, and its stamp does not read; what was broken on the way stays broken."""
    assert seen.unreadable() <= 2 and seen.corrupt() == seen.unreadable(), (seen.unreadable(), seen.corrupt())
    assert seen.backward() == 0, seen.backward()
    shown = {p.size for p in seen.all}
    assert len(shown) >= sizes and (WIDTH, HEIGHT) in shown, shown
    for size in shown:
        of_size = sorted(p.psnr for p in seen.all if p.size == size)
        print(f"# {size}: {len(of_size)} pictures, PSNR {of_size[0]:.1f} to {of_size[-1]:.1f}")
        # A first picture may be coarse.
        assert of_size[len(of_size) // 2] > 18, (size, of_size)


def frames(path, stream):
    """A line for each picture of a recording that FFmpeg decodes; nothing of it may be wrong."""
    done = qvtest.run(["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", path, "-map", f"0:v:{stream}", "-vsync",
                       "passthrough", "-f", "framemd5", "-"])
    assert not done.stderr, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("#")]


def sizes_of(path, stream):
    done = qvtest.run(["ffprobe", "-v", "error", "-select_streams", f"v:{stream}", "-show_entries", "frame=width,height",
                       "-of", "csv=p=0", path])
    assert not done.stderr, done.stderr
    return {tuple(int(word) for word in line.split(",")[:2]) for line in done.stdout.splitlines() if line}


def narrowed(tmp, codec):
    """A call over a network that has become narrow, recorded at node 2, whose ends both send smaller pictures; and the
    recording."""
    call = call_over(tmp, codec)
    call.await_transport("srtp")
    until_size(call, 1, full)
    path = os.path.join(tmp, "call.mkv")
    assert call.ctl(2, "record", path)["ok"]
    call.stats(2, 2)  # for the key pictures with which it begins
    call.field.set(rate=NARROW)
    for node in (1, 2):
        print(f"# smaller after {until_size(call, node, smaller)} s")
    status = call.ctl(1, "status")
    assert smaller((status["sent_size"]["width"], status["sent_size"]["height"])), status["sent_size"]
    for node in (1, 2):
        until_shown(call, node, smaller)
    return call, path


def finish(call, path, widened):
    """Both saw the pictures in all sizes, and FFmpeg those of the recording. It may have begun with the first key picture of a
    smaller size."""
    assert call.ctl(2, "record", "stop")["ok"]
    call.hang_up()
    for node in (1, 2):
        check_seen(call.seen(node), 2)
    assert len(qvcall.recorded(path)) == 4, qvcall.recorded(path)
    for stream in (0, 1):
        sizes = sizes_of(path, stream)
        assert any(smaller(size) for size in sizes) and (not widened or (WIDTH, HEIGHT) in sizes), sizes
        assert len(frames(path, stream)) > 10


@test.case("vp8: the size goes down where the network gets narrow, and up again; a recording over it plays")
def _(tmp):
    call, path = narrowed(tmp, "vp8")
    call.field.set(rate=WIDE)
    for node in (1, 2):
        print(f"# full again after {until_size(call, node, full)} s")
    finish(call, path, True)


@test.case("vp9: the size goes down where the network gets narrow; a recording over it plays")
def _(tmp):
    finish(*narrowed(tmp, "vp9"), False)


@test.case("with adapt_size = false the size stays")
def _(tmp):
    call = call_over(tmp, more_video="adapt_size = false;")
    call.await_transport("srtp")
    call.field.set(rate=NARROW)
    call.stats(1, 5)
    call.hang_up()
    for node in (1, 2):
        assert {p.size for p in call.seen(node).all} == {(WIDTH, HEIGHT)}


test.run()
