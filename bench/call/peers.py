# SPDX-License-Identifier: Apache-2.0
"""What calls are measured against: visio, baresip, GStreamer, FFmpeg and the floor, with the same devices and network.

Each has `start(field, folder)`, which returns once media flow from node 1 to node 2; what arrives there is heard at the
sound card of the tests (tests/harness/card) and seen where each says.
"""

import os
import shutil
import statistics
import tempfile

import qvcall
import qvfield
import qvtest

CARD = os.path.join(qvtest.BUILD, "tests/harness/.libs/qvcard.so")
LIBRARY = f'pcm_type.qvcard {{ lib "{CARD}" }}\nctl.card {{ type hw card 0 }}\n'


def sound_card(folder, node):
    """The environment in which ALSA's device "card" is the card of a node, which writes heard-NODE."""
    text = LIBRARY + f'pcm.card {{ type qvcard path "{folder}/heard-{node}" {chirp_words()} }}\n'
    return {"ALSA_CONFIG_PATH": qvcall.write(folder, f"asound-{node}.conf", text)}


def chirp_words():
    return " ".join(f"{name} {value}" for name, value in qvfield.CHIRP.items())


class Visio:
    """A call in which both ends send."""

    def __init__(self, name="visio, stream", sound=True, extra="", sink="", codec='module = "opus";'):
        self.name, self.sound, self.extra, self.sink, self.codec = name, sound, extra, sink, codec

    def start(self, field, folder):
        qvcall.write_keys(folder)
        self.run(field, folder, 2, 12, f'listen: {{ address = "10.99.0.2:{qvfield.PORT}"; auto_answer = true; }};', "listen")
        qvcall.event(self.processes[-1], "listening")
        self.run(field, folder, 1, 11, 'contacts: ( { name = "bob"; host = "10.99.0.2"; sae_id = "12"; } );', "call", "bob")
        qvcall.event(self.processes[-1], "opened")

    processes = ()

    def run(self, field, folder, node, sae, text, *command):
        config = (f'control = "{node}.sock"; key_source: {qvcall.psk_source(f"sae-{sae}", sae)};\n'
                  f'tls: {{ module = "openssl"; }};\nrekey: {{ interval = 0.0; }};\n{self.extra}\n{text}\n'
                  f'audio: {{ source: {{ module = "alsa"; device = "card"; }}; codec: {{ {self.codec} }}; '
                  f'sink: {{ module = "alsa"; device = "card"; {self.sink} }}; }};\n')
        path = qvcall.write(folder, f"visio-{node}.conf", config)
        self.processes = [*self.processes, field.start(node, ["visio", "--stats=json", "--config=" + path, *command],
                                                       cwd=folder, env=sound_card(folder, node))]


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
{video}
module_tmp account.so
module_app menu.so
opus_bitrate 32000
opus_stereo no
opus_sprop_stereo no
"""


class Baresip:
    """Plain RTP, both ends send. `buffer`: frames that its jitter buffer holds at least and at most; 5-10 by default."""

    def __init__(self, name, buffer="5-10"):
        self.name, self.buffer = name, buffer

    def start(self, field, folder):
        self.processes = []
        for node, who in ((2, "b"), (1, "a")):
            own = os.path.join(folder, "baresip-" + who)
            os.mkdir(own)
            qvcall.write(own, "contacts", "")
            qvcall.write(own, "accounts", f"<sip:{who}@10.99.0.{node}>;regint=0;answermode=auto;audio_codecs=opus/48000/2\n")
            modules = next(path for path in ("/usr/lib/baresip/modules", "/usr/lib64/baresip/modules")
                           if os.path.isdir(path))
            qvcall.write(own, "config", BARESIP.format(node=node, buffer=self.buffer, modules=modules, video=""))
            dial = ["-e", "d sip:b@10.99.0.2"] if node == 1 else []
            self.processes.append(field.start(node, ["baresip", "-f", own, "-v", *dial], env=sound_card(folder, node)))
            self.processes[-1].wait_for("baresip is ready")
        self.processes[-1].wait_for("(?i)established")


class GStreamer:
    """rtpbin at the receiver, one way. `latency`: of its jitter buffer in ms, 200 by default."""

    def __init__(self, name, latency=200):
        self.name, self.latency = name, latency

    def start(self, field, folder):
        caps = "application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,payload=96"
        receive = (f"rtpbin name=b latency={self.latency} udpsrc port=5004 caps={caps} ! b.recv_rtp_sink_0 b. ! rtpopusdepay ! "
                   "opusdec ! alsasink device=card buffer-time=40000 latency-time=10000")
        send = ("alsasrc device=card buffer-time=40000 latency-time=10000 ! audio/x-raw,rate=48000,channels=1 ! "
                "opusenc bitrate=32000 audio-type=voice ! rtpopuspay pt=96 ! udpsink host=10.99.0.2 port=5004")
        self.processes = []
        for node, pipeline in ((2, receive), (1, send)):
            process = field.start(node, ["gst-launch-1.0", "-v", *pipeline.split()], env=sound_card(folder, node))
            process.wait_for("Setting pipeline to PLAYING" if node == 1 else "PREROLL|PLAYING")
            self.processes.append(process)


class Floor:
    """One process that does it all to itself."""

    name = "floor"

    def start(self, field, folder):
        self.processes = [field.start(2, ["bench/call/floor_sound", "card"], env=sound_card(folder, 2))]


def recorded(path):
    """Seconds of sound in a recording that grows."""
    try:
        with open(path, "rb") as f:
            _, rate, channels, _ = f.readline().split()
        return os.path.getsize(path) / (2 * int(rate) * int(channels))
    except (FileNotFoundError, ValueError):
        return 0


def verdict(met):
    return "met" if met else "MISSED"


def ratio(what, ours, theirs, goal):
    """A row of the table of goals; pairs of rounds are compared. None: not measured."""
    if not ours or not theirs:
        print(f"{what:<56} not measured  goal {goal:5.2f}")
        return
    ratios = [a / b for a, b in zip(ours, theirs)]
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
        """{name: [what `function(folder, peer)` gave in each round]}, without the peers that are not installed."""
        results = {peer.name: [] for peer in peers}
        for _ in range(rounds):
            for peer in peers:
                try:
                    if peer.name in results:
                        results[peer.name].append(self.round(function, peer))
                except qvtest.Skip as why:
                    print(f"{peer.name}: not measured: {why}")
                    del results[peer.name]
        return results
