# SPDX-License-Identifier: Apache-2.0
"""videosource/libav and audiosource/libav: files of many kinds play in step; what leads astray is refused."""

import array
import functools
import http.server
import os
import re
import socket
import threading
import time

import qvstamp
import qvtest

test = qvtest.Test(__file__)
RATE, CHIRP = 48000, 0.5


def ffmpeg(*words):
    qvtest.run(["ffmpeg", "-v", "error", "-y", *words])


def make_call(tmp):
    """A file with stamps and chirps, both of one clock."""
    path = os.path.join(tmp, "call.mkv")
    if not os.path.exists(path):
        qvtest.run(["tests/call/record_call", path, "3", "mjpeg,quality=90", "pcm"])
    return path


def play(tmp, frames, blocks, *options, check=True):
    """(pictures [(sequence, capture time, stamp)], sound (time of the first sample, samples), what else was said)."""
    done = qvtest.run(["modules/videosource/libav/play_both", str(frames), str(blocks), tmp, *options])
    said = done.stdout
    shown = [(int(n), int(at) / 1e9, int(w), int(h))
             for n, at, w, h in re.findall(r"^picture (\d+) (-?\d+) (\d+)x(\d+)$", said, re.M)]
    heard = [tuple(map(int, found)) for found in re.findall(r"^sound (\d+) (-?\d+) (\d+)$", said, re.M)]
    rest = re.findall(r"^(?:pictures|sound): .*", said, re.M)
    pictures, samples = [], array.array("h")
    if shown:
        with open(os.path.join(tmp, "luma"), "rb") as f:
            pictures = [(n, at, qvstamp.read_stamp(f.read(w * h), w, h)) for n, at, w, h in shown]
    if heard:
        with open(os.path.join(tmp, "pcm"), "rb") as f:
            samples.frombytes(f.read())
    if check:
        assert shown or not frames, said[-2000:]
        position = 0
        for at, _, count in heard:
            assert at == position, (at, position)
            position += count
        for at, capture, _ in heard if "pace=none" not in options else ():
            # The clock of the file goes on evenly.
            assert abs(capture / 1e9 - heard[0][1] / 1e9 - at / RATE) < 0.1, (at, capture)
    return pictures, (heard[0][1] / 1e9 if heard else 0, samples), rest


def assert_in_step(pictures, sound, bound=0.015, most=0):
    """A chirp begins where the stamps around it say so."""
    stamped = [(at, stamp[1]) for _, at, stamp in pictures if stamp]
    assert len(stamped) >= 0.95 * len(pictures) > 20, (len(stamped), len(pictures))
    begin, samples = sound
    onsets = [begin + at for at in qvstamp.onsets(samples, RATE)]
    assert len(onsets) >= 2, onsets
    bad = []
    for at in onsets:
        near = min(stamped, key=lambda pair: abs(pair[0] - at))
        if abs(near[0] - at) > 0.2:
            continue
        late = qvstamp.off(at - near[0] + near[1], CHIRP)
        if abs(late) > bound:
            bad.append(f"{late * 1000:.1f} ms")
    assert len(bad) <= most, f"chirps against the pictures: {bad} of {len(onsets)}"


FILES = {"call.mp4": ("-c:v", "mpeg4", "-q:v", "2", "-c:a", "aac"),
         "call.avi": ("-c:v", "mjpeg", "-q:v", "2", "-c:a", "pcm_s16le"),
         "call.ts": ("-c:v", "mpeg2video", "-q:v", "2", "-c:a", "mp2"),
         "call.webm": ("-c:v", "libvpx", "-b:v", "2M", "-deadline", "realtime", "-c:a", "libopus")}


@test.case("pictures and sound of one file are in step, whatever kind of file it is")
def _(tmp):
    call = make_call(tmp)
    pictures, sound, _ = play(tmp, 70, 120, "path=" + call)
    assert_in_step(pictures, sound)
    for name, codecs in FILES.items():
        path = os.path.join(tmp, name)
        ffmpeg("-i", call, "-map", "0:0", "-map", "0:1", "-r", "30", *codecs, path)
        pictures, sound, rest = play(tmp, 10000, 10000, "path=" + path, "pace=none")
        assert len(rest) == 2 and all("has ended" in text for text in rest), rest
        assert 60 < len(pictures) < 120 and 2 * RATE < len(sound[1]) < 4 * RATE, (name, len(pictures), len(sound[1]))
        assert all(stamp for _, _, stamp in pictures[5:40]), name
    pictures, sound, _ = play(tmp, 70, 120, "path=" + os.path.join(tmp, "call.ts"))
    assert_in_step(pictures, sound, 0.035)


@test.case("a loop goes on in step; start and stream choose")
def _(tmp):
    call = make_call(tmp)
    pictures, sound, _ = play(tmp, 130, 230, "path=" + call, "loop=true", "start=1.0")
    numbers = [stamp[0] for _, _, stamp in pictures if stamp]
    seams = sum(after < before for before, after in zip(numbers, numbers[1:]))
    assert seams > 0, "it never began again"
    # Around each seam there is a chirp, perhaps, that belongs to the pictures before.
    assert_in_step(pictures, sound, 0.025, most=seams)
    first = play(tmp, 5, 0, "path=" + call)[0][0][2][1]
    later = pictures[0][2][1]
    assert 0.9 < later - first < 1.2, later - first
    # Stream 2 is what the other end sent, of the same clock.
    pictures, _, _ = play(tmp, 5, 0, "path=" + call, "stream=2")
    assert pictures[2][2]
    _, _, rest = play(tmp, 1, 0, "path=" + call, "stream=1", check=False)
    assert "stream 1" in rest[0] and "is no pictures" in rest[0], rest


def refused(tmp, *options):
    _, _, rest = play(tmp, 1, 0, *options, check=False)
    assert len(rest) == 1, (options, rest)
    return rest[0]


@test.case("what leads elsewhere, or is no file, is refused")
def _(tmp):
    call = make_call(tmp)
    lists = {"list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{call}\n#EXT-X-ENDLIST\n",
             "list.ffconcat": f"ffconcat version 1.0\nfile '{call}'\n",
             "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 26\n"}
    for name, text in lists.items():
        path = os.path.join(tmp, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        assert name in refused(tmp, "path=" + path), name
        if name == "list.ffconcat":
            assert "that may be read" in refused(tmp, "path=" + path, "format=concat")
    for url in ("file:" + call, call, "concat:" + call, "subfile,,start,0,end,0,,:" + call):
        assert call in refused(tmp, "url=" + url), url
    fifo = os.path.join(tmp, "fifo")
    os.mkfifo(fifo)
    assert "not a regular file" in refused(tmp, "path=" + fifo)
    assert "not a regular file" in refused(tmp, "path=" + tmp)
    assert "No such file" in refused(tmp, "path=" + os.path.join(tmp, "none"))
    assert "one of path and url" in refused(tmp)
    assert "only one of" in refused(tmp, "path=" + call, "url=http://127.0.0.1/")


@test.case("damaged and cut files end or are refused, and nothing crashes")
def _(tmp):
    call = make_call(tmp)
    mp4 = os.path.join(tmp, "call.mp4")
    ffmpeg("-i", call, "-map", "0:0", "-map", "0:1", *FILES["call.mp4"], mp4)
    for source in (call, mp4):
        with open(source, "rb") as f:
            whole = f.read()
        for seed in range(4):
            data = bytearray(whole[:len(whole) * (seed + 1) // 4])
            for i in range(0, 400):
                data[(i * 7919 * (seed + 1)) % len(data)] ^= 0xff >> (i % 8)
            path = os.path.join(tmp, f"damaged{seed}" + os.path.splitext(source)[1])
            with open(path, "wb") as f:
                f.write(data)
            _, _, rest = play(tmp, 10000, 10000, "path=" + path, "pace=none", check=False)
            assert len(rest) == 2, rest


@test.case("a stream comes over the network where url says so, and its end is told")
def _(tmp):
    call = make_call(tmp)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(
        type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None}), directory=tmp))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    try:
        pictures, sound, rest = play(tmp, 10000, 10000, "url=" + url + os.path.basename(call))
        assert_in_step(pictures, sound)
        assert len(rest) == 2 and all("has ended" in text for text in rest), rest
        assert "404" in refused(tmp, "url=" + url + "none.mkv")
    finally:
        server.shutdown()


# How FFmpeg sends a stream, and by what url it is received; whichever of the two listens is started first.
PROTOCOLS = {
    "udp": ("-f mpegts udp://127.0.0.1:{port}?pkt_size=1316", "udp://127.0.0.1:{port}", False),
    "rtp": ("-f rtp_mpegts rtp://127.0.0.1:{port}", "rtp://127.0.0.1:{port}", False),
    "tcp": ("-f mpegts tcp://127.0.0.1:{port}?listen=1", "tcp://127.0.0.1:{port}", True),
    "http": ("-f mpegts -listen 1 http://127.0.0.1:{port}/live", "http://127.0.0.1:{port}/live", True),
    "srt": ("-f mpegts srt://127.0.0.1:{port}?mode=caller", "srt://127.0.0.1:{port}?mode=listener", False),
}


def await_port(port):
    """Until somebody listens there; asking by a connection would take the only one."""
    deadline = time.monotonic() + qvtest.TIMEOUT
    while f":{port:04X} 00000000:0000 0A" not in open("/proc/net/tcp", encoding="ascii").read():
        assert time.monotonic() < deadline, f"nobody listens on port {port}"
        time.sleep(0.02)


def make_live(tmp):
    path = os.path.join(tmp, "live.ts")
    ffmpeg("-i", make_call(tmp), "-map", "0:0", "-map", "0:1", "-r", "30", "-g", "10", *FILES["call.ts"], path)
    return path


def add_protocol(name, send, receive, sender_listens):
    @test.case(f"a live stream is received by {name}")
    def _(tmp):
        protocols = qvtest.run(["ffmpeg", "-hide_banner", "-protocols"]).stdout.split()
        if name not in protocols:
            raise qvtest.Skip(f"FFmpeg here knows no {name}")
        port = qvtest.free_port()
        sender = test.start(["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", make_live(tmp), "-c", "copy",
                             *send.format(port=port).split()])
        if sender_listens:
            await_port(port)
        pictures, sound, _ = play(tmp, 60, 60, "url=" + receive.format(port=port), check=False)
        assert len(pictures) == 60 and sum(stamp is not None for _, _, stamp in pictures) >= 45, len(pictures)
        assert len(sound[1]) > RATE // 2
        sender.stop()


for protocol, how in PROTOCOLS.items():
    add_protocol(protocol, *how)


@test.case("a stream that stalls goes on when it comes back, and its end is told")
def _(tmp):
    with open(make_live(tmp), "rb") as f:
        data = f.read()
    listener = socket.create_server(("127.0.0.1", 0))
    stalled, resumed = threading.Event(), threading.Event()

    def serve():
        with listener.accept()[0] as client:
            client.sendall(data[:len(data) // 2])
            stalled.set()
            resumed.wait(qvtest.TIMEOUT)
            client.sendall(data[len(data) // 2:])
    server = threading.Thread(target=serve, daemon=True)
    server.start()
    url = f"url=tcp://127.0.0.1:{listener.getsockname()[1]}"
    # Twice the time that half of the stream lasts, so that the reader has come to its end.
    threading.Timer(3, lambda: stalled.wait(qvtest.TIMEOUT) and resumed.set()).start()
    pictures, sound, rest = play(tmp, 10000, 10000, url, check=False)
    server.join(qvtest.TIMEOUT)
    assert len(rest) == 2 and all("has ended" in text for text in rest), rest
    numbers = [stamp[0] for _, _, stamp in pictures if stamp]
    assert len(numbers) >= 60 and numbers == sorted(numbers), numbers
    assert len(sound[1]) > 2 * RATE, len(sound[1])
    listener.close()


@test.case("a server that says nothing, or is not there, is given up")
def _(tmp):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert f"127.0.0.1:{port}" in refused(tmp, f"url=tcp://127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in refused(tmp, f"url=tcp://127.0.0.1:{port}")


test.run()
