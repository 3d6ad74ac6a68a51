# SPDX-License-Identifier: Apache-2.0
"""What a call sends over UDP, opened by the reference, is RTP that FFmpeg decodes, with repair packets beside it or not; and a
peer that knows nothing of these."""

import os
import socket
import struct
import time

import qvcall
import qvfield
import qvtest

test = qvtest.Test(__file__)
MODULES = os.path.join(qvtest.BUILD, "tests/harness/.libs")
VIDEO = {
    "vp8": ('module = "vpx"; codec = "vp8"; bitrate = 300000; key_interval = 1;', 96, "a=rtpmap:96 VP8/90000\n"),
    "vp9": ('module = "vpx"; codec = "vp9"; bitrate = 300000; key_interval = 1;', 97, "a=rtpmap:97 VP9/90000\n"),
    "mjpeg": ('module = "mjpeg"; quality = 50;', 26, ""),
}
OPUS, AGAIN, REPAIR = 98, 120, 121
PATIENCE = 60  # s


def config(name, sae, codec):
    return (f'control = "{name}.sock";\nkey_source: {qvcall.psk_source(f"sae-{sae}", sae)};\n'
            f'tls: {{ module = "openssl"; }};\nrekey: {{ interval = 0.5; }};\n'
            f'transport: {{ srtp: {{ module = "tap"; path = "{name}.rtp"; }}; }};\n'
            'video: { source: { module = "testpattern"; width = 320; height = 240; fps = 20; }; '
            f'codec: {{ {codec} }}; sink: {{ module = "null"; }}; }};\n'
            'audio: { source: { module = "tone"; }; codec: { module = "opus"; }; sink: { module = "null"; }; };\n')


def call(tmp, codec):
    """The packets that the caller sent in some seconds, under several keys."""
    env = {"QVISIO_MODULE_PATH": MODULES + ":" + os.environ.get("QVISIO_MODULE_PATH", "")}
    qvcall.write_keys(tmp, 50)
    path = qvcall.write(tmp, "bob.conf", config("bob", 12, codec) +
                        'listen: { address = "127.0.0.1:0"; auto_answer = true; };\n')
    bob = test.start(["visio", "--stats=json", "--config=" + path, "listen"], cwd=tmp, env=env)
    port = int(qvcall.event(bob, "listening")["address"].rsplit(":", 1)[1])
    path = qvcall.write(tmp, "alice.conf", config("alice", 11, codec) +
                        f'contacts: ( {{ name = "bob"; host = "localhost"; port = {port}; sae_id = "12"; }} );\n')
    alice = test.start(["visio", "--stats=json", "--config=" + path, "call", "bob"], cwd=tmp, env=env)
    while qvcall.event(alice, "transport")["transport"] != "srtp":
        pass
    for _ in range(3):
        qvcall.event(alice, "rekeyed")
    while qvcall.event(alice, "stats")["video"]["sent"] < 60:
        pass
    qvtest.run(["visio", "--socket=" + os.path.join(tmp, "alice.sock"), "ctl", "hangup"])
    assert qvcall.event(alice, "summary")["end"] == "cancelled"
    assert alice.wait(qvtest.TIMEOUT) == 0
    return tapped(os.path.join(tmp, "alice.rtp"))


def tapped(path):
    packets, at = [], 0
    with open(path, "rb") as f:
        data = f.read()
    while at < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        packets.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return packets


def payload_at(packet):
    return 12 + (4 + 4 * struct.unpack_from(">H", packet, 14)[0] if packet[0] & 0x10 else 0)


def begins_key(name, packet):
    """Whether a picture begins here that needs no other: a call's first one goes in the session."""
    payload = packet[payload_at(packet):]
    if name == "vp8":
        return payload[0] & 0x10 and not payload[6] & 1
    if name == "vp9":
        return payload[0] & 0x08 and not payload[0] & 0x40
    return True


def without_references(packet):
    """A packet of VP9 in flexible mode (RFC 9628, section 4.2), whose references FFmpeg 5 reads by an older draft, as one in
    the other mode: the same but for layers and references in its descriptor."""
    begin = at = payload_at(packet)
    flags, kept = packet[at], b""
    assert flags & 0x10, "calls use the flexible mode"
    at += 1
    if flags & 0x80:
        size = 2 if packet[at] & 0x80 else 1
        kept = packet[at:at + size]
        at += size
    if flags & 0x20:
        at += 1
    if flags & 0x40:
        while packet[at] & 1:
            at += 1
        at += 1
    return packet[:begin] + bytes([flags & ~0x30]) + kept + packet[at:]


def is_bound(port):
    with open("/proc/net/udp", encoding="ascii") as f:
        return any(line.split()[1].endswith(f":{port:04X}") for line in f.readlines()[1:])


def ffmpeg_decodes(tmp, packets, kind, payload_type, attributes, count, others=False):
    """Frames that FFmpeg decodes of the packets of one payload type, each with its MD5. `others`: all packets come to its port."""
    port = 1
    while port % 2:
        port = qvtest.free_port(socket.SOCK_DGRAM)
    sdp = qvcall.write(tmp, f"{kind}.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
                       f"m={kind} {port} RTP/AVP {payload_type}\n{attributes}")
    out = os.path.join(tmp, kind + ".md5")
    receiver = test.start([qvtest.program("ffmpeg"), "-v", "error", "-y", "-protocol_whitelist", "file,udp,rtp",
                           "-threads", "1", "-analyzeduration", "0", "-probesize", "50000", "-buffer_size", "4000000",
                           *(["-reorder_queue_size", "0"] if others else []), "-i", sdp, "-vsync", "passthrough", "-f", "framemd5", "-frames", str(count), out])
    deadline = time.monotonic() + qvtest.TIMEOUT
    while not is_bound(port):
        assert receiver.running() and time.monotonic() < deadline, receiver.output()
        time.sleep(0.01)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for packet in packets:
            if others or packet[1] & 127 == payload_type:
                s.sendto(packet, ("127.0.0.1", port))
                time.sleep(0.002)  # the pace of a sender
    receiver.wait()
    with open(out, encoding="ascii") as f:
        return [line.split(",") for line in f if not line.startswith("#")]


for name, (codec, payload_type, attributes) in VIDEO.items():
    @test.case(f"{name} and opus of a call, under changing keys")
    def _(tmp, name=name, codec=codec, payload_type=payload_type, attributes=attributes):
        packets = call(tmp, codec)
        video = [p for p in packets if p[1] & 127 == payload_type]
        while video and not begins_key(name, video[0]):
            video.pop(0)
        if name == "vp9":
            video = [without_references(packet) for packet in video]
        pictures = sum(1 for p in video if p[1] & 0x80)
        assert pictures >= 20, pictures
        frames = ffmpeg_decodes(tmp, video, "video", payload_type, attributes, pictures - 5)
        assert len(frames) == pictures - 5, (len(frames), pictures)
        assert {int(frame[4]) for frame in frames} == {320 * 240 * 3 // 2}, frames[0]
        assert len({frame[5] for frame in frames}) > len(frames) // 2
        if name == "vp8":
            sounds = sum(1 for p in packets if p[1] & 127 == OPUS)
            heard = ffmpeg_decodes(tmp, packets, "audio", OPUS, "a=rtpmap:98 opus/48000/2\n", sounds - 5)
            assert len(heard) >= sounds - 5, (len(heard), sounds)


def lossy_call(tmp, loss, tls=None):
    """A call between two namespaces, of which what each end sends is tapped."""
    field = qvfield.Field(test, tmp, seed=3, delay=10, loss=loss)
    taps = {node: f'srtp: {{ module = "tap"; path = "{node}.rtp"; }};' for node in (1, 2)}
    call = qvfield.Call(field, video_codec=dict(module="vpx", bitrate=300000, key_interval=1), transport=dict(prefer="srtp"),
                        more_transport=taps, tls=tls)
    call.await_transport("srtp")
    return call


def sent_by(call, node, payload_type):
    return [p for p in tapped(call.path(f"{node}.rtp")) if p[1] & 127 == payload_type]


@test.case("FFmpeg decodes pictures beside which repair packets travel, also where all come to one port")
def _(tmp):
    call = lossy_call(tmp, 0.05)
    for _ in range(PATIENCE):
        if call.stats(2)[0]["repaired"]["rebuilt"] >= 3 and call.ctl(1, "status")["sent"] >= 80:
            break
    assert call.hang_up()[2]["repaired"]["rebuilt"] >= 3
    assert call.seen(2).corrupt() == 0 and call.seen(2).backward() == 0
    packets = tapped(call.path("1.rtp"))
    assert len(sent_by(call, 1, REPAIR)) >= 10
    while not (packets[0][1] & 127 == 96 and begins_key("vp8", packets[0])):
        packets.pop(0)
    media = [p for p in packets if p[1] & 127 == 96]
    numbers = [struct.unpack_from(">H", p, 2)[0] for p in media]
    assert all(b == (a + 1) & 0xffff for a, b in zip(numbers, numbers[1:])), "repair packets have numbers of their own"
    pictures = sum(1 for p in media if p[1] & 0x80)
    assert pictures >= 40, pictures
    alone = ffmpeg_decodes(tmp, packets, "video", 96, VIDEO["vp8"][2], pictures - 5)
    assert len(alone) == pictures - 5 and len({frame[5] for frame in alone}) > len(alone) // 2, len(alone)
    beside = ffmpeg_decodes(tmp, packets, "video", 96, VIDEO["vp8"][2], pictures - 5, others=True)
    assert [frame[5] for frame in beside] == [frame[5] for frame in alone]


@test.case("a peer of 1.2 that knows no repair packets gets none, sends none, and loses nothing for good")
def _(tmp):
    call = lossy_call(tmp, 0.05, tls={2: "older"})
    for _ in range(PATIENCE):
        if all(call.stats(node)[0]["repaired"]["resent"] >= 5 for node in (1, 2)):
            break
    for node in (1, 2):
        status = call.ctl(node, "status")
        assert status["transport"] == "srtp" and status["redundancy"] == 0, status
    summaries = call.hang_up()
    for node in (1, 2):
        assert summaries[node]["repaired"]["rebuilt"] == 0 and summaries[node]["repaired"]["resent"] >= 5, summaries[node]
        assert not sent_by(call, node, REPAIR) and len(sent_by(call, node, AGAIN)) >= 5
        assert call.seen(node).corrupt() == 0 and call.seen(node).backward() == 0 and len(call.seen(node).all) > 20


test.run()
