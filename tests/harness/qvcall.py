# SPDX-License-Identifier: Apache-2.0
"""Calls for tests: configurations of visio_client and visio_server, their events, and what pictures say of them."""

import json
import os
import re
import secrets
import time

import qvtest


def write(folder, name, text, mode=0o644):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def write_keys(folder, count=20):
    """The key file that both ends of a call share when no KME is wanted."""
    lines = [f"test-key-{i} hex:{secrets.token_hex(32)}" for i in range(count)]
    return write(folder, "keys.txt", "\n".join(lines) + "\n", 0o600)


def psk_source(end, sae):
    return f'{{ module = "psk"; keys = "keys.txt"; record = "{end}.used"; sae_id = "{sae}"; }}'


def etsi_source(pair, kme, sae, extra=""):
    """The key source of an SAE of one of two KMEs (qvkme.KmePair)."""
    base = os.path.join(pair.folder, f"sae-{sae}")
    return (f'{{ module = "etsi014"; kme = "{kme.address}"; certificate = "{base}.pem"; private_key = "{base}.key"; '
            f'ca = "{pair.folder}/ca.pem"; {extra} }}')


def roles(name, inside):
    """The role `name`, or the list of several."""
    if isinstance(inside, str):
        return f"{name}: {{ {inside} }};"
    return f"{name}s: ( " + ", ".join(f"{{ {one} }}" for one in inside) + " );"


class Call:
    """A server, started, and clients that call it. Sinks and sources are the insides of the roles; sinks may be lists."""

    def __init__(self, test, folder, video_sink='module = "null";', audio_sink=None, tls='module = "openssl";',
                 key_source=None, server_extra="", env=None,
                 video_codec='module = "mjpeg";', audio_codec='module = "pcm";'):
        self.test, self.folder, self.env = test, folder, env
        if key_source is None and not os.path.exists(os.path.join(folder, "keys.txt")):
            write_keys(folder)
        config = f'listen: {{ address = "127.0.0.1:0"; }};\nkey_source: {key_source or psk_source("server", 12)};\n'
        config += f"tls: {{ {tls} }};\n{server_extra}\n"
        if video_sink:
            config += f"video: {{ {roles('sink', video_sink)} codec: {{ {video_codec} }}; }};\n"
        if audio_sink:
            config += f"audio: {{ {roles('sink', audio_sink)} codec: {{ {audio_codec} }}; }};\n"
        self.server = self.start_server(write(folder, "server.conf", config))

    def start_server(self, path):
        server = self.test.start(["visio_server", "--stats=json", path], cwd=self.folder, env=self.env)
        self.port = int(event(server, "listening")["address"].rsplit(":", 1)[1])
        return server

    def client(self, video='module = "testpattern";', codec='module = "mjpeg";', audio=None,
               audio_codec='module = "pcm";', tls='module = "openssl";', seconds=0, key_source=None, name="client",
               peer_sae="12"):
        config = f'peer: {{ host = "localhost"; port = {self.port}; sae_id = "{peer_sae}"; }};\n'
        config += f"key_source: {key_source or psk_source('client', 11)};\ntls: {{ {tls} }};\n"
        if video:
            config += f"video: {{ source: {{ {video} }}; codec: {{ {codec} }}; }};\n"
        if audio:
            config += f"audio: {{ source: {{ {audio} }}; codec: {{ {audio_codec} }}; }};\n"
        path = write(self.folder, name + ".conf", config)
        return self.test.start(["visio_client", "--stats=json", f"--seconds={seconds}", path], cwd=self.folder,
                               env=self.env)


def recorded(path):
    """Kind and title of each stream of a recording, as FFmpeg sees them."""
    done = qvtest.run(["ffprobe", "-v", "error", "-of", "json", "-show_streams", path])
    assert not done.stderr, done.stderr
    return [(stream["codec_type"], stream["tags"]["title"]) for stream in json.loads(done.stdout)["streams"]]


def event(process, *kinds, where=lambda _event: True, timeout=qvtest.TIMEOUT):
    """The next event of one of these kinds that a call tool prints, and of which `where` is true."""
    deadline = time.monotonic() + timeout
    told = None
    while time.monotonic() < deadline:
        found = process.wait_for(r'^\{"event": ?"(%s)".*\}$' % "|".join(kinds), deadline - time.monotonic())
        told = json.loads(found.group(0))
        if where(told):
            return told
    raise AssertionError(f"no event {kinds} in {timeout} s is the one awaited; the last one was {told}")


class Y4m:
    """Luma planes of a Y4M file."""

    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        header, _, rest = data.partition(b"\n")
        self.header = header.decode("ascii")
        self.width = int(re.search(r" W(\d+)", self.header).group(1))
        self.height = int(re.search(r" H(\d+)", self.header).group(1))
        chroma = re.search(r" C(\w+)", self.header)
        luma = self.width * self.height
        across, down = (self.width + 1) // 2, (self.height + 1) // 2
        kind = chroma.group(1) if chroma else "420"
        extra = 2 * luma if kind.startswith("444") else 2 * across * self.height if kind.startswith("422") else \
            0 if kind.startswith("mono") else 2 * across * down
        self.frames = []
        at = 0
        while at < len(rest):
            end = rest.index(b"\n", at) + 1
            assert rest[at:at + 5] == b"FRAME", "not a Y4M frame"
            self.frames.append(rest[end:end + luma])
            at = end + luma + extra


def mean_square(a, b, step=1):
    """Mean square difference of two planes, of every `step`-th sample."""
    a, b = a[::step], b[::step]
    return sum((x - y) * (x - y) for x, y in zip(a, b)) / len(a)


def psnr(a, b):
    import math
    error = mean_square(a, b)
    return 99.0 if error == 0 else 10 * math.log10(255 * 255 / error)


def match_frames(sent, received):
    """For each received frame the index of the sent frame that it shows; frames never go backwards."""
    at, found = 0, []
    for frame in received:
        best = min(range(at, len(sent)), key=lambda i: mean_square(sent[i], frame, 7))
        found.append(best)
        at = best
    return found
