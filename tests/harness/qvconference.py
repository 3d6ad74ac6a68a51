# SPDX-License-Identifier: Apache-2.0
"""Up to six `visio` processes that may confer, keyed by three KMEs; each sends a grey picture and a tone of its own."""

import json
import math
import os
import socket

import qvcall
import qvdetour
import qvkme
import qvtest

NAMES = {"11": "ann", "12": "bob", "13": "cid", "14": "dan", "15": "eve", "16": "fay"}
TONES = {"11": 310, "12": 470, "13": 690, "14": 910, "15": 1130, "16": 1370}
RATE = 16000
CANVAS = 480, 320


class Network(qvkme.KmeNetwork):
    HOMES = dict(qvkme.KmeNetwork.HOMES, **{"16": "KME-C"})


def luma(sae):
    """Every sender's picture is a grey of its own."""
    return 40 + 30 * (int(sae) - 11)


def write_grey(path, value, width=160, height=120, frames=3):
    with open(path, "wb") as f:
        f.write(b"YUV4MPEG2 W%d H%d F10:1 Ip C420jpeg XCOLORRANGE=FULL\n" % (width, height))
        for _ in range(frames):
            f.write(b"FRAME\n" + bytes([value]) * (width * height) + b"\x80" * (width * height // 2))


def cells(count, width=CANVAS[0], height=CANVAS[1]):
    """Where the tiles of so many stand: see core/conference/grid.c."""
    columns = 1 if count == 1 else 2 if count <= 4 else 3
    rows = (count + columns - 1) // columns
    wide, tall = width // columns & ~1, height // rows & ~1
    for i in range(count):
        row, column = divmod(i, columns)
        in_row = columns if row + 1 < rows else count - row * columns
        yield ((width - wide * in_row) // 2 & ~1) + column * wide, row * tall, wide, tall


def tile_greys(frame, count, width=CANVAS[0]):
    """The grey in the middle of each picture, which is above its caption."""
    for x, y, wide, tall in cells(count):
        middle = [frame[(y + tall // 2 - 22 + row) * width + x + wide // 2 + column]
                  for row in range(8) for column in range(-10, 10)]
        yield sum(middle) / len(middle)


def power(samples, frequency, rate=RATE):
    """Of one tone, by Goertzel's recurrence: 1 is a sine of full scale."""
    turn = 2 * math.cos(2 * math.pi * frequency / rate)
    a = b = 0.0
    for sample in samples:
        a, b = sample / 32768 + turn * a - b, a
    return 2 * math.sqrt(max(0.0, a * a + b * b - turn * a * b)) / len(samples)


class End:
    """One visio that listens, and others like it among its contacts."""

    def __init__(self, room, sae, known=None, auto_answer=True, video_sink=None, audio_sink=None, env=None):
        self.room, self.sae, self.name, self.folder = room, sae, NAMES[sae], room.folder
        self.known = list(NAMES) if known is None else known
        self.port = qvtest.free_port()
        self.auto_answer = auto_answer
        self.video_sink = video_sink or f'module = "file"; path = "{self.name}-seen.y4m";'
        self.audio_sink = audio_sink or f'module = "file"; path = "{self.name}-heard.wav";'
        self.env = env
        self.process = None
        self.detours = {}  # by SAE ID of whom it calls

    def write(self):
        net, base = self.room.net, os.path.join(self.folder, f"sae-{self.sae}")
        kme = net.kmes[net.HOMES[self.sae]]
        write_grey(os.path.join(self.folder, self.name + ".y4m"), luma(self.sae))
        ports = {sae: self.detours[sae].port if sae in self.detours else other.port for sae, other in self.room.ends.items()}
        contacts = ", ".join(f'{{ name = "{other.name}"; host = "localhost"; port = {ports[sae]}; sae_id = "{sae}"; }}'
                             for sae, other in self.room.ends.items() if sae != self.sae and sae in self.known)
        return qvcall.write(self.folder, self.name + ".conf", f'''
control = "{self.name}.sock";
listen: {{ address = "127.0.0.1:{self.port}"; auto_answer = {str(self.auto_answer).lower()}; }};
contacts: ( {contacts} );
key_source: {{ module = "etsi014"; kme = "{kme.address}"; certificate = "{base}.pem"; private_key = "{base}.key";
    ca = "{self.folder}/ca.pem"; }};
tls: {{ module = "openssl"; }};
rekey: {{ interval = 0.0; }};
conference: {{ width = {CANVAS[0]}; height = {CANVAS[1]}; fps = 5; }};
video: {{ source: {{ module = "file"; path = "{self.name}.y4m"; loop = true; }}; codec: {{ module = "mjpeg"; }};
    sink: {{ {self.video_sink} }}; }};
audio: {{ source: {{ module = "tone"; frequency = {TONES[self.sae]}.0; level = -22.0; }}; codec: {{ module = "pcm"; }};
    sink: {{ {self.audio_sink} }}; }};
''')

    def start(self, *words):
        self.process = self.room.test.start(["visio", "--stats=json", "--config=" + self.write(), *(words or ["listen"])],
                                            cwd=self.folder, env=self.env)
        if words:  # whoever calls opens its control socket first, and prints nothing before there is a call
            qvkme.wait_until(lambda: os.path.exists(os.path.join(self.folder, self.name + ".sock")))
        else:
            qvcall.event(self.process, "listening")
        return self

    def ctl(self, line):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(os.path.join(self.folder, self.name + ".sock"))
            client.sendall(line.encode() + b"\n")
            return json.loads(client.makefile().readline())

    def open(self):
        """SAE IDs and key_IDs of those with whom it has a call."""
        return {p["sae_id"]: p["key_ID"] for p in self.ctl("status")["participants"] if p["state"] == "open"}

    def detour(self, sae):
        """Whoever this one calls under that SAE ID it reaches by another way from now on."""
        self.detours[sae] = qvdetour.Detour(self.room[sae].port)
        return self.detours[sae]

    def participant(self, sae):
        return next(p for p in self.ctl("status")["participants"] if p["sae_id"] == sae)

    def sees(self, *others):
        qvkme.wait_until(lambda: set(self.open()) == set(others))

    def stop(self):
        assert self.ctl("quit")["ok"]
        assert self.process.wait() == 0, self.process.output()


class Room:
    def __init__(self, test, folder, saes, **options):
        self.test, self.folder = test, folder
        self.net = Network(test, folder)
        self.ends = {}
        for sae in saes:
            self.ends[sae] = End(self, sae, **options.get("of_" + sae, {}))

    def __getitem__(self, sae):
        return self.ends[sae]

    def all_connected(self, *saes):
        for sae in saes or self.ends:
            self[sae].sees(*(set(saes or self.ends) - {sae}))
