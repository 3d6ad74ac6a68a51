# SPDX-License-Identifier: Apache-2.0
"""Sound under one-time pads between two `visio` processes, with keys of two real KMEs."""

import json
import os
import re

import qvaudio
import qvcall
import qvkme
import qvtest

test = qvtest.Test(__file__)

RATE = 8000
PCM = f'codec: {{ module = "pcm"; rate = {RATE}; channels = 1; block = 160; accumulate = 1; }};'
# 16 bits a sample, and 16 bytes for the tag of each of 50 packets a second.
PCM_NEED = RATE * 2 + 50 * 16
# The KMEs of these tests keep keys of each direction apart.
REQUIRE = 'otp: { policy = "require"; reserve = 2.0; minimum = 1.0; shared = false; };'
FULL = dict(rate=4000000, stock=4000, keys="max_size = 8192;")


def source(pair, kme, sae):
    base = os.path.join(pair.folder, f"sae-{sae}")
    return (f'{{ module = "etsi014"; kme = "{kme.address}"; certificate = "{base}.pem"; private_key = "{base}.key"; '
            f'ca = "{pair.folder}/ca.pem"; timeout = 2000; }}')


class Ends:
    """A visio that listens (SAE 12), and the configuration of one that calls it (SAE 11)."""

    def __init__(self, folder, pair, bob_otp=REQUIRE, alice_otp=REQUIRE, codec=PCM, sound='module = "tone";',
                 answer_sound='source: { module = "tone"; };', sink='module = "null";', rekey="interval = 0.0;"):
        self.folder, self.pair, self.rekey = folder, pair, rekey
        self.alice_audio = f'audio: {{ source: {{ {sound} }}; sink: {{ module = "null"; }}; {codec} {alice_otp} }};\n'
        bob_audio = f'audio: {{ {answer_sound} sink: {{ {sink} }}; {codec} {bob_otp} }};\n'
        path = qvcall.write(folder, "bob.conf", self.config("bob", pair.b, 12) + bob_audio +
                            'listen: { address = "127.0.0.1:0"; auto_answer = true; };\n')
        self.bob = test.start(["visio", "--stats=json", "--config=" + path, "listen"], cwd=folder)
        self.port = int(qvcall.event(self.bob, "listening")["address"].rsplit(":", 1)[1])

    def config(self, name, kme, sae):
        return (f'control = "{name}.sock";\nkey_source: {source(self.pair, kme, sae)};\n'
                f'tls: {{ module = "openssl"; }};\nrekey: {{ {self.rekey} }};\n')

    def call(self):
        path = qvcall.write(self.folder, "alice.conf", self.config("alice", self.pair.a, 11) + self.alice_audio +
                            f'contacts: ( {{ name = "bob"; host = "localhost"; port = {self.port}; sae_id = "12"; }} );\n')
        return test.start(["visio", "--stats=json", "--config=" + path, "call", "bob"], cwd=self.folder)

    def ctl(self, name, *words):
        path = os.path.join(self.folder, name + ".sock")
        return json.loads(qvtest.run(["visio", "--socket=" + path, "ctl", *words], check=False).stdout)


def stats_until(process, condition):
    """The first statistics of which that is true."""
    return qvcall.event(process, "stats", where=condition)


def longest_run(sent, received, step=160):
    """The longest stretch of samples that was received just as it was sent."""
    best = 0
    for at in range(0, len(received) - step, step):
        try:
            start = sent.index(received[at:at + step])
        except ValueError:
            continue
        length = 0
        while (start + length < len(sent) and at + length < len(received) and
               sent[start + length:start + length + 2] == received[at + length:at + length + 2]):
            length += 2
        best = max(best, length)
    return best


@test.case("sound under one-time pads is heard as it was sent, over new session keys too")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, **FULL)
    wave = os.path.join(tmp, "sent.wav")
    qvaudio.write_noise(wave, 5.0, RATE)
    ends = Ends(tmp, pair, sound=f'module = "file"; path = "{wave}";', sink='module = "file"; path = "heard.wav";',
                rekey="interval = 1.0;")
    alice = ends.call()
    qvcall.event(alice, "opened")
    stats = stats_until(alice, lambda s: s["otp"]["used"] > PCM_NEED)
    assert stats["otp"]["text"].startswith("sound: one-time pad, ") and "s of key left" in stats["otp"]["text"], stats
    assert stats["otp"]["needed"] == PCM_NEED, stats
    status = ends.ctl("bob", "status")
    assert status["otp"]["text"] == stats["otp"]["text"] or status["otp"]["seconds"] is not None, status
    stats_until(alice, lambda s: s["otp"]["used"] > 3.5 * PCM_NEED)
    assert ends.ctl("alice", "hangup")["ok"]
    ours, theirs = qvcall.event(alice, "summary"), qvcall.event(ends.bob, "summary")
    assert ours["end"] == "cancelled" and theirs["end"] == "peer-bye", (ours, theirs)
    # Just the pad of what was sent was used, and what arrived used the same.
    packets = ours["audio"]["packets_sent"]
    assert ours["otp"]["used"] == 16 + packets * (320 + 16), ours
    assert theirs["otp"]["received"] == 16 + theirs["audio"]["packets_received"] * (320 + 16), theirs
    assert theirs["otp"]["refused"] == 0 and ours["otp"]["refused"] == 0
    assert alice.wait(qvtest.TIMEOUT) == 0
    ends.bob.stop()
    sent, _, _ = qvaudio.read_wav(wave)
    heard, rate, _ = qvaudio.read_wav(os.path.join(tmp, "heard.wav"))
    assert rate == RATE
    assert longest_run(sent.tobytes(), heard.tobytes()) >= RATE * 2, "less than a second is as it was sent"


@test.case("a KME that is too slow is refused with the numbers, at either end")
def _(tmp):
    # 16000 bit/s for both lanes together: 1000 B/s of key for each end; and what is stored lasts for half a second.
    pair = qvkme.KmePair(test, tmp, rate=16000, stock=300)
    ends = Ends(tmp, pair)
    alice = ends.call()
    error = qvcall.event(alice, "summary")["error"]
    assert error["code"] == "no-key", error
    found = re.search(r"needs (\d+) B/s of key, and the KME gives (\d+) B/s: the \d+ B in its store "
                      r"last for \d s, less than otp.minimum of 1 s: lower the bitrate", error["message"])
    assert found and int(found[1]) == PCM_NEED and int(found[2]) < 5000, error
    assert alice.wait(qvtest.TIMEOUT) == 1
    ends.bob.stop()
    pair.a.stop()
    pair.b.stop()
    slow = os.path.join(tmp, "slow")
    os.mkdir(slow)
    ends = Ends(slow, qvkme.KmePair(test, slow, **FULL),
                bob_otp='otp: { policy = "require"; kme_rate = 321; };')
    alice = ends.call()
    error = qvcall.event(alice, "summary")["error"]["message"]
    assert f"needs {PCM_NEED} B/s" in error and "gives 321 B/s" in error and "the peer cannot" in error, error
    # Unless it is told otherwise, both ends draw from one store.
    assert f", {2 * PCM_NEED} B/s with the peer's from the same link" in error, error
    assert alice.wait(qvtest.TIMEOUT) == 1


@test.case("a KME with much in store that is too slow: the call begins, and is told in time that it will run dry")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, rate=40000, stock=12000, keys="max_size = 8192;")
    pair.a.wait_stock("11", "12", 12000)
    pair.b.wait_stock("12", "11", 12000)
    ends = Ends(tmp, pair, alice_otp='otp: { policy = "require"; reserve = 2.0; minimum = 1000.0; shared = false; };')
    alice = ends.call()
    error = qvcall.event(alice, "summary")["error"]
    assert error["code"] == "no-key" and "less than otp.minimum of 1000 s" in error["message"], error
    assert alice.wait(qvtest.TIMEOUT) == 1
    ends.alice_audio = ends.alice_audio.replace("1000.0", "2.0")
    alice = ends.call()
    told = qvcall.event(alice, "otp", where=lambda event: "runs out in" in event["text"])["text"]
    found = re.search(r"runs out in (\d+) s: it needs (\d+) B/s, and the KME gives (\d+) B/s", told)
    assert found and 0 < int(found[1]) < 60 and int(found[2]) == PCM_NEED and int(found[3]) < PCM_NEED / 2, told
    stats = stats_until(alice, lambda s: s["otp"]["budget"] is not None)
    text = stats["otp"]["text"]
    assert stats["otp"]["budget"] < 60 and stats["otp"]["kme_rate"] < PCM_NEED / 2, stats
    assert re.search(r"left, \d+ s with the KME's; it gives \d+ of 16800 B/s: lasts \d+ s$", text), text
    assert stats["otp"]["stock"] < stats["otp"]["budget"], stats
    assert ends.ctl("alice", "status")["otp"]["budget"] < 60
    assert ends.ctl("alice", "hangup")["ok"]
    assert alice.wait(qvtest.TIMEOUT) == 0


@test.case("without keys sound is muted and both ends are told, until there are keys again")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, **FULL)
    ends = Ends(tmp, pair)
    alice = ends.call()
    stats_until(alice, lambda s: s["otp"]["used"] > PCM_NEED)
    pair.a.kill()
    text = qvcall.event(alice, "otp")["text"]
    assert text.startswith("SOUND IS MUTED: no key is left for its one-time pad: taking a key for 12: "), text
    told = qvcall.event(ends.bob, "peer-state")
    assert told["stream"] == "audio" and told["muted"], told
    stats = stats_until(alice, lambda s: s["otp"]["dry"])
    assert "MUTED" in stats["otp"]["text"], stats
    sent = qvcall.event(alice, "stats")["audio"]["packets_sent"]
    assert qvcall.event(alice, "stats")["audio"]["packets_sent"] == sent, "sound went out without a pad"
    pair.a.start()
    assert "sent again" in qvcall.event(alice, "otp")["text"]
    assert not qvcall.event(ends.bob, "peer-state")["muted"]
    stats_until(alice, lambda s: s["audio"]["packets_sent"] > sent and not s["otp"]["dry"])
    assert ends.ctl("alice", "hangup")["ok"]
    assert alice.wait(qvtest.TIMEOUT) == 0


@test.case("without keys the call ends where the policy says so")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, **FULL)
    ends = Ends(tmp, pair, alice_otp='otp: { policy = "require"; reserve = 2.0; minimum = 1.0; shared = false; '
                                     'without_key = "end"; };')
    alice = ends.call()
    stats_until(alice, lambda s: s["otp"]["used"] > PCM_NEED)
    pair.a.kill()
    error = qvcall.event(alice, "summary")["error"]
    assert error["code"] == "no-key" and "one-time pad of sound" in error["message"], error
    assert alice.wait(qvtest.TIMEOUT) == 1


@test.case("a KME that runs dry: nothing goes out without a pad, and sound again when there is key; or the call ends")
def _(tmp):
    # 6250 B/s of key for each end, and so much in store that a call may begin.
    pair = qvkme.KmePair(test, tmp, rate=100000, stock=800, keys="max_size = 8192;")
    pair.a.wait_stock("11", "12", 800)
    pair.b.wait_stock("12", "11", 800)
    ends = Ends(tmp, pair)
    alice = ends.call()
    qvcall.event(alice, "otp", where=lambda event: event["text"].startswith("SOUND IS MUTED: no key is left"))
    qvcall.event(alice, "otp", where=lambda event: "sent again" in event["text"])
    qvcall.event(alice, "otp", where=lambda event: event["text"].startswith("SOUND IS MUTED: no key is left"))
    assert ends.ctl("alice", "hangup")["ok"]
    ours, theirs = qvcall.event(alice, "summary"), qvcall.event(ends.bob, "summary")
    packets = ours["audio"]["packets_sent"]
    assert packets > 0 and ours["otp"]["used"] >= 16 + packets * (320 + 16), ours
    assert theirs["otp"]["refused"] == 0 and ours["otp"]["refused"] == 0, (ours, theirs)
    assert theirs["audio"]["packets_received"] <= packets, (ours, theirs)
    assert alice.wait(qvtest.TIMEOUT) == 0
    pair.a.wait_stock("11", "12", 600)
    pair.b.wait_stock("12", "11", 600)
    ends.alice_audio = ends.alice_audio.replace("minimum = 1.0;", 'minimum = 1.0; without_key = "end";')
    alice = ends.call()
    qvcall.event(alice, "opened")
    error = qvcall.event(alice, "summary")["error"]
    assert error["code"] == "no-key" and "no key is left for the one-time pad of sound" in error["message"], error
    assert alice.wait(qvtest.TIMEOUT) == 1


@test.case("one end alone gets no pad: refused, or without and that is said")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, **FULL)
    ends = Ends(tmp, pair, bob_otp="")
    alice = ends.call()
    error = qvcall.event(alice, "summary")["error"]
    assert error["code"] == "unsupported" and "under a one-time pad only, which is off" in error["message"], error
    assert alice.wait(qvtest.TIMEOUT) == 1
    ends.alice_audio = ends.alice_audio.replace('"require"', '"prefer"')
    alice = ends.call()
    assert "NOT under a one-time pad" in qvcall.event(alice, "otp")["text"]
    assert qvcall.event(alice, "stats")["otp"] is None
    stats_until(ends.bob, lambda s: s["audio"]["packets_received"] > 0)
    assert ends.ctl("alice", "hangup")["ok"]
    assert alice.wait(qvtest.TIMEOUT) == 0
    ends.bob.stop()
    ends = Ends(tmp, pair, alice_otp="")
    alice = ends.call()
    error = qvcall.event(alice, "summary")["error"]["message"]
    assert "one-time pad only" in error, error
    assert alice.wait(qvtest.TIMEOUT) == 1


test.run()
