# SPDX-License-Identifier: Apache-2.0
"""FFmpeg reads our RTP, we read FFmpeg's, and tshark understands both RTP and RTCP."""

import os
import socket
import struct
import time

import qvtest

test = qvtest.Test(__file__)
FRAMES = 40


def ffmpeg(*arguments):
    return qvtest.run([qvtest.program("ffmpeg"), "-nostdin", "-v", "error", "-y", *arguments])


def peer(data, *arguments):
    """rtp_peer with length-prefixed chunks in and out."""
    joined = b"".join(struct.pack(">I", len(chunk)) + chunk for chunk in data)
    done = qvtest.run(["rtp_peer", *arguments], input=joined, text=False)
    out, at = [], 0
    while at < len(done.stdout):
        size = struct.unpack_from(">I", done.stdout, at)[0]
        out.append(done.stdout[at + 4:at + 4 + size])
        at += 4 + size
    return out


def ivf_frames(path):
    with open(path, "rb") as f:
        data = f.read()
    frames, at = [], 32
    while at < len(data):
        size = struct.unpack_from("<I", data, at)[0]
        frames.append(data[at + 12:at + 12 + size])
        at += 12 + size
    return frames


def ogg_packets(path):
    with open(path, "rb") as f:
        data = f.read()
    packets, at, part = [], 0, b""
    while at < len(data):
        assert data[at:at + 4] == b"OggS"
        sizes = data[at + 27:at + 27 + data[at + 26]]
        at += 27 + len(sizes)
        for size in sizes:
            part += data[at:at + size]
            at += size
            if size < 255:
                packets.append(part)
                part = b""
    return packets[2:]  # without OpusHead and OpusTags


def jpeg_files(folder):
    names = sorted(name for name in os.listdir(folder) if name.endswith(".jpg"))
    frames = []
    for name in names:
        with open(os.path.join(folder, name), "rb") as f:
            frames.append(f.read())
    return frames


VIDEO = ["-f", "lavfi", "-i", f"testsrc2=size=320x240:rate=30:duration={FRAMES / 30}"]
REALTIME = ["-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-g", "15", "-b:v", "1M"]


class Format:
    """How to make a stream of one format, and its units."""

    def __init__(self, name, sdp, payload_type, make, units, container):
        self.name, self.sdp, self.type = name, sdp, payload_type
        self.make, self.units, self.container = make, units, container


def make_vpx(codec):
    def make(tmp):
        path = os.path.join(tmp, "in.ivf")
        # Without hidden frames, an IVF frame is what a packetiser cuts.
        ffmpeg(*VIDEO, "-c:v", codec, *REALTIME, "-auto-alt-ref", "0", path)
        return path
    return make


def make_jpeg(pixels):
    def make(tmp):
        path = os.path.join(tmp, "in.avi")
        ffmpeg(*VIDEO, "-pix_fmt", pixels, "-c:v", "mjpeg", "-huffman", "default", "-q:v", "3", path)
        return path
    return make


def make_opus(tmp):
    path = os.path.join(tmp, "in.ogg")
    ffmpeg("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=0.8", "-c:a", "libopus", "-b:a",
           "32k", path)
    return path


def jpegs_of(path):
    folder = path + ".frames"
    os.mkdir(folder)
    ffmpeg("-i", path, "-c", "copy", "-f", "image2", os.path.join(folder, "%04d.jpg"))
    return jpeg_files(folder)


FORMATS = [
    Format("vp8", "m=video {port} RTP/AVP 96\na=rtpmap:96 VP8/90000\n", 96, make_vpx("libvpx"), ivf_frames, "ivf"),
    Format("vp9", "m=video {port} RTP/AVP 96\na=rtpmap:96 VP9/90000\n", 96, make_vpx("libvpx-vp9"), ivf_frames,
           "ivf"),
    Format("jpeg", "m=video {port} RTP/AVP 26\n", 26, make_jpeg("yuvj420p"), jpegs_of, "avi"),
    Format("opus", "m=audio {port} RTP/AVP 97\na=rtpmap:97 opus/48000/2\n", 97, make_opus, ogg_packets, "ogg"),
]


def is_key(name, data):
    if name == "vp8":
        return not data[0] & 1
    if name == "vp9":
        return not data[0] & 4  # frame_type of profile 0
    return True


def cut(name, units, payload_type, layers="1", mode="plain"):
    heads = [struct.pack(">BBHH", int(is_key(name, unit)), 0, 320, 240) + unit for unit in units]
    return peer(heads, "cut", name, str(payload_type), layers, mode)


def scan(jpeg):
    """What a JPEG image is apart from the order and form of its header: the entropy-coded bytes and its end."""
    at = jpeg.index(b"\xff\xda")
    return jpeg[at + 2 + struct.unpack_from(">H", jpeg, at + 2)[0]:].split(b"\xff\xd9")[0]


def same(name, got, sent):
    if name == "jpeg":
        got, sent = [scan(unit) for unit in got], [scan(unit) for unit in sent]
    return got == sent


def decoded(path):
    return ffmpeg("-i", path, "-f", "framemd5", "-").stdout


def pictures(text):
    return [line.split(",")[-1].strip() for line in text.splitlines() if not line.startswith("#")]


def is_bound(port):
    with open("/proc/net/udp", encoding="ascii") as f:
        return any(line.split()[1].endswith(f":{port:04X}") for line in f.readlines()[1:])


def even_port():
    while True:
        port = qvtest.free_port(socket.SOCK_DGRAM)
        if port % 2 == 0:
            return port


def ours_to_ffmpeg(tmp, kind, units, packets):
    port = even_port()
    sdp = os.path.join(tmp, "in.sdp")
    with open(sdp, "w", encoding="ascii") as f:
        f.write("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n" + kind.sdp.format(port=port))
    out = os.path.join(tmp, "out." + kind.container)
    # FFmpeg writes no VP9 that it has not decoded: its packets have no decoding times. Its decoder keeps some back.
    how = ["-vsync", "passthrough", "-f", "framemd5"] if kind.name == "vp9" else ["-c", "copy"]
    held = 2 if kind.name == "vp9" else 0
    receiver = test.start([qvtest.program("ffmpeg"), "-v", "error", "-y", "-protocol_whitelist", "file,udp,rtp",
                           "-threads", "1", "-analyzeduration", "0", "-probesize", "200000",
                           "-buffer_size", "4000000", "-i", sdp, *how,
                           "-frames", str(len(units) - held), "-flush_packets", "1", out])
    deadline = time.monotonic() + qvtest.TIMEOUT
    while not is_bound(port):
        assert receiver.running() and time.monotonic() < deadline, receiver.output()
        time.sleep(0.01)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for packet in packets:
            s.sendto(packet, ("127.0.0.1", port))
            time.sleep(0.002)  # the pace of a sender
    receiver.wait()
    return out


def ffmpeg_to_ours(kind, path, units):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4000000)
        s.bind(("127.0.0.1", 0))
        s.settimeout(qvtest.TIMEOUT)
        port = s.getsockname()[1]
        sender = test.start([qvtest.program("ffmpeg"), "-v", "error", "-re", "-i", path, "-c", "copy", "-strict",
                             "experimental", "-f", "rtp",
                             f"rtp://127.0.0.1:{port}?rtcpport={qvtest.free_port(socket.SOCK_DGRAM)}&pkt_size=1200"])
        packets, ended = [], 0
        while ended < len(units):
            packet = s.recv(2048)
            packets.append(packet)
            ended += packet[1] >> 7 if kind.name != "opus" else 1
        sender.stop()
    return peer(packets, "join", kind.name)


for each in FORMATS:
    @test.case(f"{each.name}: FFmpeg reads what we send, bit by bit")
    def _(tmp, kind=each):
        path = kind.make(tmp)
        units = kind.units(path)
        assert len(units) >= FRAMES, len(units)
        out = ours_to_ffmpeg(tmp, kind, units, cut(kind.name, units, kind.type))
        if kind.name == "vp9":
            with open(out, encoding="ascii") as f:
                got, sent = pictures(f.read()), pictures(decoded(path))
            assert len(got) == len(sent) - 2 and got == sent[:len(got)], (len(got), len(sent))
            return
        got = kind.units(out)
        assert same(kind.name, got, units), (len(got), len(units))
        lines = [line for line in decoded(out).splitlines() if not line.startswith("#")]
        assert len(lines) >= FRAMES, lines

    @test.case(f"{each.name}: we read what FFmpeg sends, bit by bit")
    def _(tmp, kind=each):
        path = kind.make(tmp)
        units = kind.units(path)
        got = ffmpeg_to_ours(kind, path, units)
        assert same(kind.name, got, units), (len(got), len(units))


def pcap(path, datagrams, port):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for number, data in enumerate(datagrams):
            udp = struct.pack(">HHHH", port, port, 8 + len(data), 0) + data
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number & 0xffff, 0, 64, 17, 0, b"\x7f\0\0\1",
                             b"\x7f\0\0\1")
            f.write(struct.pack("<IIII", number, 0, len(ip + udp), len(ip + udp)) + ip + udp)


def dissect(tmp, datagrams, *decode):
    path = os.path.join(tmp, "c.pcap")
    pcap(path, datagrams, 5004)
    arguments = [word for rule in decode for word in ("-d", rule)]
    text = qvtest.run([qvtest.program("tshark"), "-r", path, *arguments, "-V"], env=dict(os.environ, HOME=tmp)).stdout
    assert "Malformed" not in text, text[text.index("Malformed") - 3000:][:4000]
    return text


for each in FORMATS:
    @test.case(f"{each.name}: tshark dissects our packets")
    def _(tmp, kind=each):
        units = kind.units(kind.make(tmp))
        packets = cut(kind.name, units, kind.type, *(("3", "flexible") if kind.name == "vp9" else ()))
        rules = ["udp.port==5004,rtp"]
        if kind.name in ("vp8", "opus"):  # this tshark knows no VP9
            rules.append(f"rtp.pt=={kind.type},{kind.name}")
        text = dissect(tmp, packets, *rules)
        assert text.count("Real-Time Transport Protocol") >= len(packets)
        assert text.count("RFC 5285 Header Extension (One-Byte Header)") >= 2 * len(packets), text[:3000]


@test.case("tshark dissects our RTCP")
def _(tmp):
    text = dissect(tmp, peer([], "reports"), "udp.port==5004,rtcp")
    for words in ("Sender Report", "Receiver Report", "a name", "Goodbye", "Generic negative acknowledgement",
                  "PLI", "Transport-cc"):
        assert words.lower() in text.lower(), (words, text)


test.run()
