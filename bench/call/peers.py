# SPDX-License-Identifier: Apache-2.0
"""What calls are measured against: visio, baresip, GStreamer, FFmpeg and the floor, with the same devices and network.

Each has `start(field, folder)`, which returns once media flow from node 1 to node 2. Sound arrives at the sound card of
the tests (tests/harness/card), in the file heard-2; pictures are written down as of the witness, in the file seen-2.
"""

import os
import shutil
import statistics
import tempfile
import time

import qvaudio
import qvcall
import qvfield
import qvtest

WIDTH, HEIGHT, FPS, BITRATE = 1280, 720, 30, 1500000
SIZE = f"{WIDTH} {HEIGHT}"


def helper(name):
    """A program of this folder, for a shell."""
    return qvtest.program("bench/call/" + name)


class Visio:
    """A call of visio. `pictures`: True, or "judged". `both`: node 2 sends pictures too; it always sends sound.

    `film`: a Y4M file to send in place of the test pattern. `adapt_size`: as in the configuration.
    """

    def __init__(self, name="visio, srtp", pictures=False, sound=True, transport="srtp", both=False,
                 codec='module = "opus";', bitrate=BITRATE, rekey=0.0, ppm=0,
                 film=None, adapt_size=True):
        self.name, self.pictures, self.sound, self.transport, self.both = name, pictures, sound, transport, both
        self.codec, self.bitrate, self.rekey, self.ppm, self.film = codec, bitrate, rekey, ppm, film
        self.adapt_size = adapt_size

    def start(self, field, folder):
        self.processes, self.folder = [], folder
        qvcall.write_keys(folder, 200)
        self.run(field, folder, 2, 12, f'listen: {{ address = "10.99.0.2:{qvfield.PORT}"; auto_answer = true; }};', "listen")
        qvcall.event(self.processes[-1], "listening")
        self.run(field, folder, 1, 11, 'contacts: ( { name = "bob"; host = "10.99.0.2"; sae_id = "12"; } );', "call", "bob")
        qvcall.event(self.processes[-1], "opened")
        told = {}
        while self.transport == "srtp" and (told.get("transport") != "srtp" or told["of_peer"]):
            told = qvcall.event(self.processes[-1], "transport")

    def media(self, folder, node):
        text = ""
        if self.sound:
            text += (f'audio: {{ source: {{ module = "alsa"; device = "card"; }}; codec: {{ {self.codec} }}; '
                     'sink: { module = "alsa"; device = "card"; }; };\n')
        if self.pictures:
            source = f'source: {{ module = "testpattern"; width = {WIDTH}; height = {HEIGHT}; fps = {FPS}; }};'
            if self.film:
                source = f'source: {{ module = "file"; path = "{self.film}"; loop = true; }};'
            if node == 2 and not self.both:
                source = ""
            judge = str(self.pictures == "judged").lower()
            sink = (f'sink: {{ module = "witness"; path = "{folder}/seen-{node}"; judge = {judge}; '
                    f'width = {WIDTH}; height = {HEIGHT}; }};'
                    if node == 2 or self.both else "")
            adapts = str(self.adapt_size).lower()
            text += (f'video: {{ {source} {sink} codec: {{ module = "vpx"; bitrate = {self.bitrate}; }}; '
                     f'adapt_size = {adapts}; }};\n')
        return text

    def run(self, field, folder, node, sae, text, *command):
        config = (f'control = "{node}.sock"; key_source: {qvcall.psk_source(f"sae-{sae}", sae)};\n'
                  f'tls: {{ module = "openssl"; }};\nrekey: {{ interval = {self.rekey}; }};\n'
                  f'transport: {{ prefer = "{self.transport}"; }};\n{text}\n'
                  + self.media(folder, node))
        path = qvcall.write(folder, f"visio-{node}.conf", config)
        env = {"QVISIO_MODULE_PATH": qvfield.MODULES + ":" + os.environ["QVISIO_MODULE_PATH"],
               **qvaudio.card(folder, node, ppm=self.ppm if node == 1 else 0)}
        self.processes.append(field.start(node, ["visio", "--stats=json", "--config=" + path, *command], cwd=folder,
                                          env=env))

    def hang_up(self):
        """The summaries of both ends, of node 2 first."""
        qvtest.run(["visio", f"--socket={self.folder}/1.sock", "ctl", "hangup"])
        return [qvcall.event(process, "summary") for process in self.processes]


BARESIP = """\
poll_method epoll
sip_listen 10.99.0.{node}:5060
audio_player alsa,card
audio_source alsa,card
audio_alert alsa,card
ausrc_channels 1
auplay_channels 1
ausrc_srate 48000
auplay_srate 48000
audio_buffer 20-160
jitter_buffer_delay {buffer}
module_path {modules}
module opus.so
module alsa.so
{pictures}
module_tmp account.so
module_app menu.so
opus_bitrate 32000
opus_stereo no
opus_sprop_stereo no
"""
BARESIP_MODULES = ("/usr/lib/baresip/modules", "/usr/lib64/baresip/modules")


class Baresip:
    """Plain RTP; both ends send sound, node 1 pictures, which node 2 shows in a window of an Xvfb.

    `buffer`: frames that its jitter buffer holds at least and at most; 5-10 by default.
    """

    def __init__(self, name, buffer="5-10", pictures=False):
        self.name, self.buffer, self.pictures = name, buffer, pictures

    def start(self, field, folder):
        self.processes = []
        for node, who in ((2, "b"), (1, "a")):
            own = os.path.join(folder, "baresip-" + who)
            os.mkdir(own)
            codecs = "audio_codecs=opus/48000/2" + (";video_codecs=vp8" if self.pictures else "")
            qvcall.write(own, "contacts", "")
            qvcall.write(own, "accounts", f"<sip:{who}@10.99.0.{node}>;regint=0;answermode=auto;{codecs}\n")
            modules = next((path for path in BARESIP_MODULES if os.path.isdir(path)), BARESIP_MODULES[0])
            qvcall.write(own, "config", BARESIP.format(node=node, buffer=self.buffer, modules=modules,
                                                       pictures=self.picture_words(field, folder, node)))
            dial = ["-e", "d sip:b@10.99.0.2"] if node == 1 else []
            env = qvaudio.card(folder, node)
            if self.pictures and node == 2:
                env["DISPLAY"] = self.display
            self.processes.append(field.start(node, ["baresip", "-f", own, "-v", *dial], env=env))
            self.processes[-1].wait_for("baresip is ready")
        self.processes[-1].wait_for("(?i)established")

    def picture_words(self, field, folder, node):
        if not self.pictures:
            return ""
        words = f"video_size {WIDTH}x{HEIGHT}\nvideo_bitrate {BITRATE}\nvideo_fps {FPS}\nvideo_fullscreen no\n"
        words += "module vp8.so\n"
        if node == 2:
            self.display = start_screen(field, folder)
            return words + "module x11.so\nvideo_display x11,nil\n"
        fifo = os.path.join(folder, "camera.y4m")
        os.mkfifo(fifo)
        self.processes.append(field.start(1, ["sh", "-c", f"exec {helper('camera')} {SIZE} {FPS} y4m gray >{fifo}"]))
        return words + f"module avformat.so\nvideo_source avformat,{fifo}\n"


def start_screen(field, folder):
    """An X server on node 2 whose screen a viewer watches. Its name."""
    screen = field.start(2, ["Xvfb", "-displayfd", "1", "-screen", "0", f"{WIDTH + 2}x{HEIGHT + 2}x24", "-fbdir", folder, "-nolisten",
                             "tcp"])
    display = ":" + screen.wait_for(r"^(\d+)$").group(1)
    pixels = os.path.join(folder, "Xvfb_screen0")
    field.start(2, ["sh", "-c", f"exec {helper('viewer')} screen {pixels} {SIZE} >{folder}/seen-2"])
    return display


class GStreamer:
    """rtpbin at the receiver, one way. `latency`: of its jitter buffer in ms, 200 by default."""

    def __init__(self, name, latency=200, pictures=False):
        self.name, self.latency, self.pictures = name, latency, pictures

    def start(self, field, folder):
        qvtest.program("gst-launch-1.0")
        receive, send = self.picture_lines(folder) if self.pictures else self.sound_lines()
        self.processes = [field.start(2, ["sh", "-c", receive], env=qvaudio.card(folder, 2))]
        self.processes[0].wait_for("PREROLL|PLAYING")
        self.processes.append(field.start(1, ["sh", "-c", send], env=qvaudio.card(folder, 1)))

    def bin(self, media, rate, name):
        caps = f"application/x-rtp,media={media},clock-rate={rate},encoding-name={name},payload=96"
        return f"rtpbin name=b latency={self.latency} udpsrc port=5004 caps={caps} ! b.recv_rtp_sink_0 b."

    def sound_lines(self):
        receive = (f"gst-launch-1.0 {self.bin('audio', 48000, 'OPUS')} ! rtpopusdepay ! opusdec ! "
                   "alsasink device=card buffer-time=40000 latency-time=10000")
        send = ("gst-launch-1.0 alsasrc device=card buffer-time=40000 latency-time=10000 ! audio/x-raw,rate=48000,channels=1 ! "
                "opusenc bitrate=32000 audio-type=voice ! rtpopuspay pt=96 ! udpsink host=10.99.0.2 port=5004")
        return receive, send

    def picture_lines(self, folder):
        receive = (f"gst-launch-1.0 {self.bin('video', 90000, 'VP8')} ! rtpvp8depay ! vp8dec ! video/x-raw,format=I420 ! "
                   f"fdsink fd=3 sync=true 3>&1 >&2 | {helper('viewer')} raw {SIZE} >{folder}/seen-2")
        send = (f"{helper('camera')} {SIZE} {FPS} raw | gst-launch-1.0 fdsrc blocksize={WIDTH * HEIGHT * 3 // 2} ! "
                f"rawvideoparse width={WIDTH} height={HEIGHT} framerate={FPS}/1 format=i420 ! vp8enc deadline=1 cpu-used=-6 "
                f"target-bitrate={BITRATE} end-usage=cbr keyframe-max-dist=150 error-resilient=default lag-in-frames=0 ! "
                "rtpvp8pay pt=96 ! udpsink host=10.99.0.2 port=5004 sync=false")
        return receive, send


SDP = """\
v=0
o=- 0 0 IN IP4 10.99.0.1
s=-
c=IN IP4 10.99.0.2
t=0 0
m=video 5004 RTP/AVP 96
a=rtpmap:96 VP8/90000
"""


class FFmpeg:
    """FFmpeg at both ends, with what makes it quick; pictures only, one way."""

    name = "FFmpeg RTP, tuned"

    def start(self, field, folder):
        program = qvtest.program("ffmpeg")
        sdp = qvcall.write(folder, "call.sdp", SDP)
        receive = (f"{program} -loglevel error -protocol_whitelist file,udp,rtp -fflags nobuffer -flags low_delay "
                   f"-probesize 32 -analyzeduration 0 -reorder_queue_size 0 -i {sdp} -f rawvideo -pix_fmt yuv420p -fps_mode "
                   f"passthrough -flush_packets 1 - | {helper('viewer')} raw {SIZE} >{folder}/seen-2")
        send = (f"{helper('camera')} {SIZE} {FPS} y4m | {program} -loglevel error -fflags nobuffer -probesize 32 "
                f"-analyzeduration 0 -f yuv4mpegpipe -i - -c:v libvpx -deadline realtime -cpu-used 6 -b:v {BITRATE} "
                f"-maxrate {BITRATE} -lag-in-frames 0 -error-resilient 1 -g 30 -f rtp -payload_type 96 rtp://10.99.0.2:5004")
        self.processes = [field.start(2, ["sh", "-c", receive]), field.start(1, ["sh", "-c", send])]


class Floor:
    """One process that does it all to itself."""

    def __init__(self, name="floor", pictures=False):
        self.name, self.pictures = name, pictures

    def start(self, field, folder):
        if self.pictures:
            argv = ["sh", "-c", f"exec {helper('floor_picture')} {SIZE} {FPS} {BITRATE} >{folder}/seen-2"]
        else:
            argv = ["bench/call/floor_sound", "card"]
        self.processes = [field.start(2, argv, env=qvaudio.card(folder, 2))]


def wait_while(condition, peer, limit=60):
    """Until a peer has shown or played what is wanted of it."""
    deadline = time.monotonic() + limit
    while condition():
        assert peer.processes[-1].running(), peer.processes[-1].output()
        assert time.monotonic() < deadline, f"{peer.name}: {[p.output()[-500:] for p in peer.processes]}"
        time.sleep(0.1)


def recorded(path):
    """Seconds of sound in a recording that grows."""
    try:
        with open(path, "rb") as f:
            _, rate, channels, _ = f.readline().split()
        return os.path.getsize(path) / (2 * int(rate) * int(channels))
    except (FileNotFoundError, ValueError):
        return 0


def seen(folder):
    path = os.path.join(folder, "seen-2")
    return qvfield.Seen(path, FPS, (WIDTH, HEIGHT)) if os.path.exists(path) else None


def show(folder, peer, seconds, skip=1):
    """What was shown, once that has gone on for `skip` and `seconds` seconds; without what came in the first `skip`."""
    def span(pictures):
        return pictures.all[-1].shown_ns - pictures.all[0].shown_ns if pictures and pictures.all else 0

    wait_while(lambda: span(seen(folder)) < (seconds + skip) * 1e9, peer, seconds + skip + 60)
    pictures = seen(folder)
    start = pictures.all[0].shown_ns + skip * 1e9
    pictures.all = [p for p in pictures.all if p.shown_ns >= start]
    pictures.stamped = [p for p in pictures.stamped if p.shown_ns >= start]
    return pictures


def verdict(met):
    return "met" if met else "MISSED"


def ratio(what, ours, theirs, goal):
    """A row of the table of goals; pairs of rounds are compared. None: not measured."""
    if not ours or not theirs:
        print(f"{what:<56} not measured  goal {goal:5.2f}")
        return
    ratios = [a / b if b > 0 else (0 if a == 0 else float("inf")) for a, b in zip(ours, theirs)]
    median = statistics.median(ratios)
    print(f"{what:<56} {median:7.3f} {min(ratios):7.3f}-{max(ratios):.3f}  goal {goal:5.2f} {verdict(median <= goal)}",
          flush=True)


class Bench:
    """Runs each measurement in a folder of its own, in turn, and ends what it started."""

    def __init__(self, path):
        self.test = qvtest.Test(path)

    def round(self, function, *arguments):
        folder = tempfile.mkdtemp(prefix="qvisio-bench-")
        try:
            return function(folder, *arguments)
        finally:
            for process in reversed(self.test.processes):
                process.stop()
            self.test.processes.clear()
            shutil.rmtree(folder, ignore_errors=True)

    def alternate(self, rounds, peers, function):
        """{name: [what `function(folder, peer)` gave in each round]}, without peers that are not installed or fail."""
        results = {peer.name: [] for peer in peers}
        for _ in range(rounds):
            for peer in peers:
                try:
                    if peer.name in results:
                        results[peer.name].append(self.round(function, peer))
                except qvtest.Skip as why:
                    print(f"{peer.name}: not measured: {why}")
                    del results[peer.name]
                except AssertionError as why:
                    print(f"{peer.name}: a round failed: {str(why)[:500]}")
        return {name: parts for name, parts in results.items() if parts}
