# SPDX-License-Identifier: Apache-2.0
"""Two `visio` processes in a call: both directions, answered, steered through the control socket, re-keyed."""

import json
import os
import socket
import stat

import qvcall
import qvtest

test = qvtest.Test(__file__)

VIDEO = ('video: { source: { module = "testpattern"; width = 320; height = 240; fps = 20; }; '
         'sink: { module = "null"; }; };\n')
AUDIO = 'audio: { source: { module = "tone"; }; sink: { module = "null"; }; };\n'


class Pair:
    """A visio that listens, and the configuration of one that calls it."""

    def __init__(self, folder, keys=50, auto_answer=True, rekey="interval = 0.0;", media=VIDEO + AUDIO):
        self.folder, self.media, self.rekey = folder, media, rekey
        qvcall.write_keys(folder, keys)
        path = qvcall.write(folder, "bob.conf", self.config("bob", 12) +
                            f'listen: {{ address = "127.0.0.1:0"; auto_answer = {str(auto_answer).lower()}; }};\n')
        self.bob = test.start(["visio", "--stats=json", "--config=" + path, "listen"], cwd=folder)
        self.port = int(qvcall.event(self.bob, "listening")["address"].rsplit(":", 1)[1])

    def config(self, name, sae):
        return (f'control = "{name}.sock";\nkey_source: {qvcall.psk_source(f"sae-{sae}", sae)};\n'
                f'tls: {{ module = "openssl"; }};\nrekey: {{ {self.rekey} }};\n{self.media}')

    def call(self, name="alice"):
        path = qvcall.write(self.folder, name + ".conf", self.config(name, 11) +
                            f'contacts: ( {{ name = "bob"; host = "localhost"; port = {self.port}; sae_id = "12"; }} );\n')
        return test.start(["visio", "--stats=json", "--config=" + path, "call", "bob"], cwd=self.folder)

    def ctl(self, name, *words):
        path = os.path.join(self.folder, name + ".sock")
        done = qvtest.run(["visio", "--socket=" + path, "ctl", *words], check=False)
        return json.loads(done.stdout)


def counts(summary, sent, received):
    return (summary["video"]["sent"] > 0) == sent and (summary["video"]["received"] > 0) == received


@test.case("both ends see and hear each other until one hangs up")
def _(tmp):
    pair = Pair(tmp)
    alice = pair.call()
    qvcall.event(alice, "opened")
    qvcall.event(alice, "stats")
    status = pair.ctl("alice", "status")
    assert status["ok"] and status["state"] == "open" and status["peer"] == "bob", status
    assert status["security"].startswith("QKD: "), status
    assert pair.ctl("bob", "hangup")["ok"]
    ours, theirs = qvcall.event(alice, "summary"), qvcall.event(pair.bob, "summary")
    assert counts(ours, True, True) and counts(theirs, True, True), (ours, theirs)
    assert ours["audio"]["packets_received"] > 0 and theirs["audio"]["packets_received"] > 0
    assert ours["end"] == "peer-bye" and theirs["end"] == "cancelled", (ours, theirs)
    assert alice.wait(qvtest.TIMEOUT) == 0
    assert pair.ctl("bob", "status")["state"] == "idle"


@test.case("the first codec that both ends have is taken")
def _(tmp):
    def media(video, audio):
        return (VIDEO.replace("};\n", f"codecs: ( {video} ); }};\n") +
                AUDIO.replace("};\n", f"codecs: ( {audio} ); }};\n"))
    jpeg, pcm = '{ module = "mjpeg"; }', '{ module = "pcm"; rate = 16000; }'
    pair = Pair(tmp, media=media('{ module = "vpx"; codec = "vp9"; }, ' + jpeg, pcm))
    pair.media = media('{ module = "vpx"; codec = "vp8"; }, ' + jpeg, '{ module = "opus"; }, ' + pcm)
    alice = pair.call()
    qvcall.event(alice, "stats")
    assert pair.ctl("bob", "hangup")["ok"]
    ours, theirs = qvcall.event(alice, "summary"), qvcall.event(pair.bob, "summary")
    # Each vpx decodes what the other's makes; of sound bob knows only alice's second.
    assert (ours["video_format"]["codec"], ours["audio_format"]["codec"]) == ("vp9", "pcm-s16le"), ours
    assert (theirs["video_format"]["codec"], theirs["audio_format"]["codec"]) == ("vp8", "pcm-s16le"), theirs
    assert counts(ours, True, True) and counts(theirs, True, True), (ours, theirs)
    assert alice.wait(qvtest.TIMEOUT) == 0


@test.case("a call rings until somebody answers it, and can be refused")
def _(tmp):
    pair = Pair(tmp, auto_answer=False)
    alice = pair.call()
    qvcall.event(pair.bob, "ringing")
    qvcall.event(alice, "ringing")
    assert pair.ctl("bob", "status")["state"] == "ringing"
    assert not pair.ctl("alice", "answer")["ok"]
    assert pair.ctl("bob", "refuse")["ok"]
    assert "declined" in qvcall.event(alice, "summary")["error"]["message"]
    assert alice.wait(qvtest.TIMEOUT) == 1
    qvcall.event(pair.bob, "summary")
    carol = pair.call("carol")
    qvcall.event(carol, "ringing")
    assert pair.ctl("bob", "answer")["ok"]
    qvcall.event(carol, "opened")
    assert pair.ctl("carol", "hangup")["ok"]
    assert carol.wait(qvtest.TIMEOUT) == 0


@test.case("who calls during a call is told that this end is busy")
def _(tmp):
    pair = Pair(tmp)
    alice = pair.call()
    qvcall.event(alice, "opened")
    carol = pair.call("carol")
    assert carol.wait(qvtest.TIMEOUT) == 3
    assert pair.ctl("alice", "hangup")["ok"]
    assert alice.wait(qvtest.TIMEOUT) == 0


@test.case("muting is told to the peer")
def _(tmp):
    pair = Pair(tmp)
    alice = pair.call()
    qvcall.event(alice, "opened")
    assert pair.ctl("alice", "mute", "audio")["ok"]
    told = qvcall.event(pair.bob, "peer-state")
    assert told["stream"] == "audio" and told["muted"], told
    assert pair.ctl("bob", "status")["peer_muted"] == {"video": False, "audio": True}
    assert pair.ctl("alice", "status")["muted"] == {"video": False, "audio": True}
    assert pair.ctl("alice", "hangup")["ok"]
    assert alice.wait(qvtest.TIMEOUT) == 0


@test.case("keys are replaced during a call, and nothing is lost; without keys it goes on and says so")
def _(tmp):
    pair = Pair(tmp, keys=8, rekey="interval = 0.1;")
    alice = pair.call()
    first = qvcall.event(alice, "secured")["security"]["key_ID"]
    seen = {first}
    for _ in range(7):
        seen.add(qvcall.event(alice, "rekeyed")["key_ID"])
    assert len(seen) == 8, seen
    assert "key" in qvcall.event(alice, "rekey-failed")["text"]
    qvcall.event(alice, "stats")
    status = pair.ctl("bob", "status")
    assert status["rekeyed"] == 7 and status["key_ID"] in seen - {first}, status
    assert pair.ctl("alice", "hangup")["ok"]
    ours, theirs = qvcall.event(alice, "summary"), qvcall.event(pair.bob, "summary")
    assert theirs["video"]["lost"] == ours["video"]["dropped_outbox"], (ours, theirs)
    assert theirs["video"]["received"] == ours["video"]["sent"], (ours, theirs)
    assert theirs["audio"]["packets_received"] == ours["audio"]["packets_sent"], (ours, theirs)
    assert alice.wait(qvtest.TIMEOUT) == 0


@test.case("without a new key the call ends where the policy says so")
def _(tmp):
    pair = Pair(tmp, keys=2, rekey='interval = 0.1; without_key = "end";')
    alice = pair.call()
    qvcall.event(alice, "rekeyed")
    assert qvcall.event(alice, "summary")["error"]["code"] == "no-key"
    assert alice.wait(qvtest.TIMEOUT) == 1
    assert qvcall.event(pair.bob, "summary")["end"] == "peer-bye"


@test.case("the control socket is ours alone, and what is sent there does no harm")
def _(tmp):
    pair = Pair(tmp)
    path = os.path.join(tmp, "bob.sock")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    for hostile in (b"\0\0\0\n", b"x" * 5000, b"mute \n", b"mute audio\n\xff\xfe\n", b"status"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(hostile)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"events\nfly\nstatus\n")
        lines = client.makefile()
        assert json.loads(lines.readline())["ok"]
        assert not json.loads(lines.readline())["ok"]
        assert json.loads(lines.readline())["state"] == "idle"
    assert pair.ctl("bob", "quit")["ok"]
    assert pair.bob.wait(qvtest.TIMEOUT) == 0
    assert not os.path.exists(path)


test.run()
