# SPDX-License-Identifier: Apache-2.0
"""Two `visio` processes: one listens, others call it; steered by the control socket as a person would.

    pair = qvvisio.Pair(test, tmp)
    alice = pair.call()
    pair.ctl("bob", "status")
"""

import json
import os
import time

import qvcall
import qvtest

VIDEO = ('video: { source: { module = "testpattern"; width = 320; height = 240; fps = 20; }; '
         'sink: { module = "null"; }; };\n')
AUDIO = 'audio: { source: { module = "tone"; }; sink: { module = "null"; }; };\n'


def wait_until(condition):
    """Waits for something that no event announces."""
    deadline = time.monotonic() + qvtest.TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def classic_tls(folder):
    """TLS without QKD keys, with certificates of both ends."""
    pki = qvtest.Pki(os.path.join(folder, "pki"))
    certificate, key = pki.issue("localhost", san="DNS:localhost,IP:127.0.0.1")
    return (f'module = "openssl"; qkd = "off"; certificate = "{certificate}"; private_key = "{key}"; '
            f'ca = "{pki.ca}";')


def has_module(kind, name):
    return os.path.exists(os.path.join(qvtest.BUILD, ".libs", f"{kind}-{name}.so"))


class Pair:
    """`keys`: number of keys that both share, or the inside of key sources by name ({"alice": …, "bob": …})."""

    def __init__(self, test, folder, keys=50, auto_answer=True, rekey="interval = 0.0;", media=VIDEO + AUDIO,
                 tls='module = "openssl";', rekeys=None, env=None, sae="12", transport=None):
        self.test, self.folder, self.media, self.rekey, self.tls = test, folder, media, rekey, tls
        self.rekeys = rekeys or {}
        self.sae = sae
        self.transport = f'transport: {{ prefer = "{transport}"; }};\n' if transport else ""
        self.sources = keys if isinstance(keys, dict) else {}
        if not self.sources:
            qvcall.write_keys(folder, keys)
        self.auto_answer = auto_answer
        self.ports = {}
        self.bob = self.listen("bob", env=env)

    def config(self, name, sae, media=None):
        source = self.sources.get(name) or qvcall.psk_source(f"sae-{sae}", sae)
        return (f'control = "{name}.sock";\nkey_source: {source};\ntls: {{ {self.tls} }};\n'
                f'rekey: {{ {self.rekeys.get(name, self.rekey)} }};\n{self.transport}{media or self.media}')

    def contacts(self):
        return ('contacts: ( ' + ", ".join(f'{{ name = "{name}"; host = "localhost"; port = {port}; sae_id = "{self.sae}"; }}'
                                          for name, port in self.ports.items()) + ' );\n')

    def listen(self, name, sae=None, env=None, media=None):
        text = self.config(name, sae or (12 if name == "bob" else 11), media) + self.contacts()
        text += f'listen: {{ address = "127.0.0.1:0"; auto_answer = {str(self.auto_answer).lower()}; }};\n'
        process = self.test.start(["visio", "--stats=json", "--config=" + qvcall.write(self.folder, name + ".conf", text),
                                   "listen"], cwd=self.folder, env=env)
        port = int(qvcall.event(process, "listening")["address"].rsplit(":", 1)[1])
        if name == "bob":
            self.ports[name] = port
        return process

    def call(self, name="alice", env=None, log="info", media=None):
        path = qvcall.write(self.folder, name + ".conf", self.config(name, 11, media) + self.contacts())
        return self.test.start(["visio", "--stats=json", "--log-level=" + log, "--config=" + path, "call", "bob"],
                               cwd=self.folder, env=env)

    def ctl(self, name, *words):
        """What the program of that name answers."""
        path = os.path.join(self.folder, name + ".sock")
        done = qvtest.run(["visio", "--socket=" + path, "ctl", *words], check=False)
        assert done.stdout, (name, words, done.stderr)
        return json.loads(done.stdout)
