# SPDX-License-Identifier: Apache-2.0
"""Calls over a bad network: namespaces joined by the impairer, visio in them, and what arrived.

    field = qvfield.Field(test, tmp, delay=25, loss=0.01)   # two nodes, 10.99.0.1 and 10.99.0.2
    call = qvfield.Call(field, video=..., audio=...)        # node 1 calls node 2; both send and receive
    field.set(loss=0.2)                                     # now; field.set(after=3, rate=1e6) later
    call.run(10)                                            # seconds that both ends are in the call
    seen = call.seen(2)                                     # pictures that node 2 was shown
    heard = call.heard(2)                                   # chirps that node 2 heard

What the network does to a packet follows from the seed. Without the impairer, or leave to make network namespaces, a
test fails: it is never skipped.
"""

import json
import os
import socket
import statistics
import sys
import threading

import qvaudio
import qvcall
import qvtest

MODULES = os.path.join(qvtest.BUILD, "tests/harness/.libs")
PORT = 14443

# Chirps of the module tone, as Call writes them into configurations and Heard looks for them.
CHIRP = qvaudio.CHIRP


class Field:
    """A network of `nodes` namespaces. `profile`: values of the impairer, for each direction of each pair."""

    def __init__(self, test, folder, nodes=2, seed=1, log=None, **profile):
        self.test, self.folder = test, folder
        self.control = os.path.join(folder, "network.sock")
        words = [f"{name}={value}" for name, value in profile.items()]
        if log:
            words.append(f"log={log}")
        self.impairer = test.start([self.program(), f"nodes={nodes}", f"seed={seed}", f"control={self.control}", *words])
        ready = self.impairer.wait_for(r"^ready user=(\d)((?: \d+)+)$")
        self.user = ready.group(1) == "1"
        self.holders = [int(pid) for pid in ready.group(2).split()]

    @staticmethod
    def program():
        path = os.path.join(qvtest.BUILD, "tests/harness/impairer")
        if not os.access(path, os.X_OK):
            raise AssertionError(f"{path} is not there: make check and make bench build it")
        return path

    def inside(self, node, argv):
        """The command line that runs a program on a node."""
        user = ["--user", "--preserve-credentials"] if self.user else []
        return ["nsenter", f"--target={self.holders[node - 1]}", *user, "--net", "--", qvtest.program(argv[0]), *argv[1:]]

    def start(self, node, argv, **options):
        process = self.test.start(self.inside(node, argv), **options)
        process.name = f"{os.path.basename(argv[0])}@{node}"
        return process

    def run(self, node, argv, **options):
        return qvtest.run(self.inside(node, argv), **options)

    def ask(self, line):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(qvtest.TIMEOUT)
            client.connect(self.control)
            client.sendall(line.encode() + b"\n")
            answer = client.makefile().readline().strip()
        assert not answer.startswith("error"), (line, answer)
        return answer

    def set(self, after=None, path=None, **profile):
        """Changes the network. `path`: (from, to)."""
        words = [f"{name}={value}" for name, value in profile.items()]
        if path:
            words.insert(0, f"path={path[0]}-{path[1]}")
        if after is not None:
            words.insert(0, f"after={after}")
        self.ask(" ".join(words))

    def outage(self, seconds):
        """Nothing passes from now on for so long."""
        self.set(down=1)
        self.set(after=seconds, down=0)

    def change_address(self, node, old, new):
        """What happens to a computer that moves to another network: 10.99.0.`old` goes, 10.99.0.`new` comes."""
        self.run(node, ["ip", "addr", "add", f"10.99.0.{new}/24", "dev", "qv0"])
        self.run(node, ["ip", "addr", "del", f"10.99.0.{old}/24", "dev", "qv0"])
        # Deleting a first address may take the others of its network along.
        self.run(node, ["ip", "addr", "replace", f"10.99.0.{new}/24", "dev", "qv0"])

    def door(self, node, port):
        """Lets a node reach a port of this machine's loopback under the same number: KMEs are not what is impaired."""
        path = os.path.join(self.folder, f"door-{node}-{port}.sock")
        inner = socket.socket(socket.AF_UNIX)
        inner.bind(path)
        inner.listen()
        threading.Thread(target=pass_on, args=(inner, socket.AF_INET, ("127.0.0.1", port)), daemon=True).start()
        door = self.start(node, [sys.executable, os.path.abspath(__file__), "door", port, path])
        door.wait_for("^open$")

    def counts(self):
        """{(from, to): {passed, bytes, lost, full, duplicated, reordered}}"""
        names = ("passed", "bytes", "lost", "full", "duplicated", "reordered")
        found = {}
        for part in filter(None, self.ask("counts").split(";")):
            path, *numbers = part.split()
            found[tuple(int(n) for n in path.split("-"))] = dict(zip(names, map(int, numbers)))
        return found


def pass_on(listener, family, address):
    """Whatever comes to a listening socket goes on to an address, and back."""
    def pump(source, drain):
        source.settimeout(None)
        try:
            while data := source.recv(65536):
                drain.sendall(data)
            drain.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, drain):
                end.close()

    listener.settimeout(None)
    while True:
        near, _ = listener.accept()
        far = socket.socket(family)
        try:
            far.connect(address)
        except OSError:
            near.close()  # as if nobody listened
            far.close()
            continue
        for pair in ((near, far), (far, near)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


def options(**values):
    """Inside of a group of libconfig: strings are quoted, booleans are words."""
    def text(value):
        return f'"{value}"' if isinstance(value, str) else str(value).lower()
    return " ".join(f"{name} = {text(value)};" for name, value in values.items())


PICTURES = dict(module="testpattern", width=320, height=240, fps=20)
SOUND = dict(module="tone", signal="chirp", **CHIRP)


class Call:
    """`visio` on node 1 calls `visio` on node 2. None for pictures or sound leaves them out; with `null` nobody watches.
    `audio`, `more_video`: more of these groups. By node: `tls` names another module, `more_transport` is more of that group."""

    def __init__(self, field, pictures=PICTURES, video_codec=None, sound=SOUND, audio_codec=None, extra="", rekey=0.0,
                 keys=50, key_sources=None, judge=True, latency=20, start=True, transport=dict(prefer="stream"),
                 null=False, audio="", more_video="", tls=None, more_transport=None):
        self.field, self.folder, self.test = field, field.folder, field.test
        self.pictures, self.sound, self.judge, self.latency, self.null = pictures, sound, judge, latency, null
        self.codecs = {"video": video_codec or dict(module="mjpeg", quality=50), "audio": audio_codec or dict(module="opus")}
        self.inside = {"video": more_video, "audio": audio}
        self.extra, self.rekey, self.transport = extra, rekey, options(**transport)
        self.tls, self.more_transport = tls or {}, more_transport or {}
        if key_sources is None:
            qvcall.write_keys(self.folder, keys)
            key_sources = {1: qvcall.psk_source("sae-11", 11), 2: qvcall.psk_source("sae-12", 12)}
        self.key_sources = key_sources
        self.env = {"QVISIO_MODULE_PATH": MODULES + ":" + os.environ.get("QVISIO_MODULE_PATH", ""),
                    # Nobody else is on these nodes.
                    "XDG_RUNTIME_DIR": self.folder}
        self.bob = self.start(2, f'listen: {{ address = "10.99.0.2:{PORT}"; auto_answer = true; }};\n', "listen")
        qvcall.event(self.bob, "listening")
        if start:
            self.call()

    def path(self, name):
        return os.path.join(self.folder, name)

    def call(self):
        self.alice = self.start(1, 'contacts: ( { name = "bob"; host = "10.99.0.2"; sae_id = "12"; } );\n', "call", "bob")
        self.opened = {1: qvcall.event(self.alice, "opened"), 2: qvcall.event(self.bob, "opened")}

    def start(self, node, text, *command):
        name = {1: "alice", 2: "bob"}[node]
        config = f'control = "{name}.sock";\nkey_source: {self.key_sources[node]};\n'
        config += f'tls: {{ module = "{self.tls.get(node, "openssl")}"; }};\nrekey: {{ interval = {self.rekey}; }};\n'
        config += f"transport: {{ {self.transport} {self.more_transport.get(node, '')} }};\n"
        for kind, source in (("video", self.pictures), ("audio", self.sound)):
            if source:
                sink = dict(module="witness", path=self.path(f"{kind}-{node}"))
                sink.update(dict(judge=self.judge) if kind == "video" else dict(latency=self.latency))
                if kind == "video":
                    sink.update(width=source["width"], height=source["height"])
                if self.null:
                    sink = dict(module="null") if kind == "video" else dict(module="null", paced=True)
                config += (f"{kind}: {{ source: {{ {options(**source)} }}; codec: {{ {options(**self.codecs[kind])} }}; "
                           f"sink: {{ {options(**sink)} }}; {self.inside[kind]} }};\n")
        path = qvcall.write(self.folder, name + ".conf", config + self.extra + "\n" + text)
        return self.field.start(node, ["visio", "--stats=json", "--config=" + path, *command], cwd=self.folder,
                                env=self.env)

    def await_transport(self, name):
        """Until both ends say that they send over it."""
        for process in (self.alice, self.bob):
            told = qvcall.event(process, "transport")
            while told["transport"] != name or told["of_peer"]:
                told = qvcall.event(process, "transport")

    def process(self, node):
        return self.alice if node == 1 else self.bob

    def ctl(self, node, *words):
        path = self.path({1: "alice", 2: "bob"}[node] + ".sock")
        done = qvtest.run(["visio", "--socket=" + path, "ctl", *words], check=False)
        assert done.stdout, f"visio ctl {' '.join(words)} ended with {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    def stats(self, node, count=1):
        """The next `count` lines of statistics, which come once a second of the call."""
        return [qvcall.event(self.process(node), "stats") for _ in range(count)]

    def hang_up(self):
        """Ends it; the summaries of both ends."""
        assert self.ctl(1, "hangup")["ok"]
        self.summaries = {node: qvcall.event(self.process(node), "summary") for node in (1, 2)}
        return self.summaries

    def run(self, seconds):
        """So many seconds of the call, by its own statistics; then it ends."""
        self.stats(1, seconds)
        return self.hang_up()

    def seen(self, node):
        return Seen(self.path(f"video-{node}"), self.pictures["fps"], (self.pictures["width"], self.pictures["height"]))

    def heard(self, node):
        return Heard(self.path(f"audio-{node}"))


# dB of a band, however small a picture was sent: lines of a pixel are lost in it.
SMALL_WORST = 10.0


class Picture:
    def __init__(self, line):
        words = line.split()
        self.shown_ns, self.number, self.capture_ns = (int(word) for word in words[:3])
        self.size = (int(words[3]), int(words[4]))
        self.psnr, self.ssim, self.worst = (float(word) for word in words[5:])
        self.delay_ms = (self.shown_ns - self.capture_ns) / 1e6


class Seen:
    """Pictures as they were shown: what is corrupt, frozen and late, apart from each other. `full`: width and height in which
    they were painted, where smaller ones may have been sent; what these lack is no fault."""

    def __init__(self, path, fps, full=None):
        with open(path, encoding="ascii") as f:
            self.all = [Picture(line) for line in f if line.endswith("\n")]
        self.fps, self.full = fps, full
        self.stamped = [p for p in self.all if p.number >= 0]

    def unreadable(self):
        """Pictures whose stamp does not read."""
        return len(self.all) - len(self.stamped)

    def corrupt(self, worst=15.0):
        """Pictures that are not what was painted: in a band of one, or so wrong that the stamp does not read."""
        return self.unreadable() + sum(p.worst < (worst if self.is_full(p) else min(worst, SMALL_WORST)) for p in self.stamped)

    def is_full(self, picture):
        return self.full is None or picture.size == self.full

    def backward(self):
        """Pictures shown after a later one, or twice."""
        return sum(b.number <= a.number for a, b in zip(self.stamped, self.stamped[1:]))

    def frozen_s(self, least=0.25):
        """Time for which a picture stood longer than it should: of each pause longer than `least` s, all of it but a
        frame."""
        pauses = [(b.shown_ns - a.shown_ns) / 1e9 for a, b in zip(self.all, self.all[1:])]
        return sum(pause - 1 / self.fps for pause in pauses if pause > least)

    def late(self, ms):
        return sum(p.delay_ms > ms for p in self.stamped)

    def delays(self):
        return [p.delay_ms for p in self.stamped]

    def delay(self, share=0.5):
        return quantile(self.delays(), share)

    def waits(self):
        """Of each picture taken, shown or not: ms until it, or a later one, was shown."""
        waits = []
        for a, b in zip(self.stamped, self.stamped[1:]):
            for number in range(a.number + 1, b.number + 1):
                waits.append(b.delay_ms + (b.number - number) * 1000 / self.fps)
        return waits

    def psnr(self):
        return statistics.median(p.psnr for p in self.whole())

    def ssim(self):
        return statistics.median(p.ssim for p in self.whole())

    def whole(self):
        """Those of the full size, if there are any."""
        return [p for p in self.stamped if self.is_full(p)] or self.stamped

    def between(self, start_ns, end_ns):
        return [p for p in self.all if start_ns <= p.shown_ns < end_ns]

    def delay_at(self, capture_ns):
        """That of the picture taken nearest to a time."""
        return min(self.stamped, key=lambda p: abs(p.capture_ns - capture_ns)).delay_ms


class Heard:
    """Chirps as they were played."""

    def __init__(self, path, fit=0.7, chirp=CHIRP, timeout=qvtest.TIMEOUT):
        done = qvtest.run(["tests/harness/listener", path, "chirp", chirp["frequency"], chirp["sweep"], chirp["chirp"],
                           chirp["interval"]], timeout=timeout)
        self.path, self.least = path, fit
        self.chirps = [(int(w[1]), float(w[2]), float(w[3])) for w in map(str.split, done.stdout.splitlines())
                       if w[0] == "chirp"]
        # Whoever begins to hear in the midst of one hears none of it.
        while self.chirps and self.chirps[0][2] < fit:
            self.chirps.pop(0)

    def whole(self):
        """Share of the chirps that came whole."""
        return sum(fit >= self.least for _, _, fit in self.chirps) / max(1, len(self.chirps))

    def delays(self):
        return [delay for _, delay, fit in self.chirps if fit >= self.least]

    def delay(self, share=0.5):
        return quantile(self.delays(), share)

    def skews(self, seen):
        """Sound's delay less that of the picture taken at the same time, ms: positive is sound too late."""
        return [delay - seen.delay_at(at) for at, delay, fit in self.chirps if fit >= self.least]


def gaps(path, level=0, ms=25):
    """(gaps in ms, share of the sound that is louder than that), for sound that is never silent."""
    words = [line.split() for line in qvtest.run(["tests/harness/listener", path, "gaps", level, ms]).stdout.splitlines()]
    return [float(w[2]) for w in words if w[0] == "gap"], float(words[-1][2])


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def memory_kib(process):
    """Resident memory."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


if __name__ == "__main__" and sys.argv[1:2] == ["door"]:
    with socket.create_server(("127.0.0.1", int(sys.argv[2]))) as outer:
        print("open", flush=True)
        pass_on(outer, socket.AF_UNIX, sys.argv[3])
