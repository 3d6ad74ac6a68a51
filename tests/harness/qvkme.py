# SPDX-License-Identifier: Apache-2.0
"""Two KMEs with a simulated link between them, for tests and demonstrations.

    pair = qvkme.KmePair(test, tmp)      # starts both; pair.a and pair.b
    status, body = pair.a.call("11", "GET", "/api/v1/keys/12/enc_keys")

SAE 11 (master, "client") belongs to KME-A, SAE 12 (slave, "server") to KME-B; their certificates have the serial
numbers 11 and 12, as PEM and as PFX with the password "password". Everything lies in the folder given:

    sae-11.pem sae-11.key sae-11.pfx, sae-12.…   SAE certificates
    ca.pem                                       CA of SAEs, KMEs and peers alike
    kme-a.conf kme-b.conf                        configurations
"""

import atexit
import copy
import http.client
import json
import os
import re
import secrets
import shutil
import ssl
import tempfile
import time

import qvtest

PASSWORD = "password"

CONFIG = """\
kme_id = "{kme_id}";
seal_key_file = "{name}.seal";
log_level = "debug";
sae_api: {{
  listen = "127.0.0.1:{sae_port}";
  certificate = "{name}.pem";
  private_key = "{name}.key";
  ca = "ca.pem";
{sae_extra}}};
kme_api: {{
  listen = "127.0.0.1:{kme_port}";
  certificate = "{name}.pem";
  private_key = "{name}.key";
  ca = "ca.pem";
  timeout = {timeout};
}};
keys: {{ {keys} }};
store: {{ module = "sqlite"; file = "{name}.db"; }};
saes: ( {saes} );
peers: (
{peers}
);
"""

PEER = """\
  {{
    kme_id = "{peer_id}";
    address = "127.0.0.1:{peer_port}";
    certificate_name = "{peer_name}";
    link: {{ module = "simulated"; secret_file = "{secret}"; rate = {rate}; stock = {stock}; }};
  }}"""

SAES = {
    "KME-A": '{ id = "11"; certificate_serial = "11"; }',
    "KME-B": '{ id = "12"; certificate_serial = "12"; }',
}
REMOTE = {
    "KME-A": '{ id = "11"; kme = "KME-A"; }',
    "KME-B": '{ id = "12"; kme = "KME-B"; }',
}


_made = []  # the PKI of an earlier case of this process: making one takes longer than most cases


def pair_pki(folder):
    """A CA in the folder, with certificates of both KMEs and both SAEs."""
    if not _made:
        store = tempfile.mkdtemp(prefix="qvisio-pki-")
        atexit.register(shutil.rmtree, store, ignore_errors=True)
        pki = qvtest.Pki(store)
        for name in ("kme-a", "kme-b", "kme-c"):
            pki.issue(name, san=f"DNS:{name},DNS:localhost,IP:127.0.0.1")
        for serial in (11, 12, 13, 14, 15, 16):
            pki.issue(f"sae-{serial}", san=f"URI:urn:sae:{serial}", serial=serial, usage="clientAuth",
                      pfx_password=PASSWORD)
        _made.append(pki)
    shutil.copytree(_made[0].folder, folder, dirs_exist_ok=True)
    pki = copy.copy(_made[0])
    pki.folder, pki.ca, pki.ca_key = folder, os.path.join(folder, "ca.pem"), os.path.join(folder, "ca.key")
    return pki


def private_file(path, text):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="ascii") as f:
        f.write(text)


def wait_until(condition):
    """Waits for something that no event announces."""
    deadline = time.monotonic() + qvtest.TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def config_text(own, peers, saes, rate, stock, link_secret=None, keys="", timeout=5000, sae_extra=""):
    """The configuration of a KME that has a simulated link with each of its peers."""
    entries = [PEER.format(peer_id=peer.kme_id, peer_name=peer.name, peer_port=peer.kme_port, rate=rate, stock=stock,
                           secret=link_secret or "-".join(sorted((own.name, peer.name))) + ".secret")
               for peer in peers]
    return CONFIG.format(kme_id=own.kme_id, name=own.name, sae_port=own.sae_port, kme_port=own.kme_port, keys=keys,
                         timeout=timeout, sae_extra=sae_extra, saes=", ".join(saes), peers=",\n".join(entries))


class Kme:
    """One KME process: its configuration, its ports, and calls to it as some SAE."""

    def __init__(self, test, folder, name, kme_id):
        self.test = test
        self.folder = folder
        self.name = name
        self.kme_id = kme_id
        self.config = os.path.join(folder, name + ".conf")
        self.sae_port = qvtest.free_port()
        self.kme_port = qvtest.free_port()
        self.process = None

    @property
    def address(self):
        return f"localhost:{self.sae_port}"

    def start(self, wait=True):
        self.process = self.test.start(["qkd-kme", self.config])
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        self.process.wait_for(r"listening for SAEs on 127\.0\.0\.1:%d" % self.sae_port)
        self.process.wait_for("is ready")

    def stop(self):
        return self.process.stop()

    def kill(self):
        self.process.popen.kill()
        self.process.popen.wait()

    def context(self, certificate=None, ca=None):
        context = ssl.create_default_context(cafile=ca or os.path.join(self.folder, "ca.pem"))
        if certificate:
            base = os.path.join(self.folder, certificate)
            context.load_cert_chain(base + ".pem", base + ".key")
        return context

    def connect(self, sae, **options):
        """An HTTPS connection as an SAE ("11"), or with a certificate by its file name."""
        name = f"sae-{sae}" if sae and os.path.exists(os.path.join(self.folder, f"sae-{sae}.pem")) else sae
        return http.client.HTTPSConnection("localhost", self.sae_port, timeout=qvtest.TIMEOUT,
                                           context=self.context(name, **options))

    def connect_peer(self, certificate):
        """An HTTPS connection to the inter-KME API, with a certificate by its file name."""
        return http.client.HTTPSConnection("localhost", self.kme_port, timeout=qvtest.TIMEOUT,
                                           context=self.context(certificate))

    def call(self, sae, method, path, body=None, connection=None, headers=None):
        """(status, parsed JSON or None, headers). `body`: text, bytes, or something that becomes JSON."""
        own = connection or self.connect(sae)
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        own.request(method, path, body=body, headers={"Content-Type": "application/json", **(headers or {})})
        answer = own.getresponse()
        text = answer.read()
        if connection is None:
            own.close()
        return answer.status, json.loads(text) if text else None, answer.headers

    def wait_stock(self, sae, other, count):
        """Waits until that many keys are there; the KME says so in its status."""
        path = f"/api/v1/keys/{other}/status"
        wait_until(lambda: self.call(sae, "GET", path)[1].get("stored_key_count", -1) >= count)


class KmePair:
    """KME-A with SAE 11 and KME-B with SAE 12."""

    def __init__(self, test, folder, start=True, rate=1000000, stock=500, keys="", timeout=5000, sae_extra="",
                 saes_a="", saes_b="", both=""):
        self.folder = folder
        self.pki = pair_pki(folder)
        self.a = Kme(test, folder, "kme-a", "KME-A")
        self.b = Kme(test, folder, "kme-b", "KME-B")
        for kme in (self.a, self.b):
            private_file(os.path.join(folder, kme.name + ".seal"), secrets.token_hex(32) + "\n")
        private_file(os.path.join(folder, "link.secret"), secrets.token_hex(32))
        options = dict(rate=rate, stock=stock, keys=keys, timeout=timeout, sae_extra=sae_extra)
        self.write(self.a, self.b, saes_a, both, options)
        self.write(self.b, self.a, saes_b, both, options)
        if start:
            self.a.start()
            self.b.start()
            self.a.wait_stock("11", "12", min(stock, 10))
            self.b.wait_stock("12", "11", min(stock, 10))

    @staticmethod
    def write(own, peer, saes, both, options):
        entries = [SAES[own.kme_id], REMOTE[peer.kme_id]] + [s for s in (saes, both) if s]
        with open(own.config, "w", encoding="utf-8") as f:
            f.write(config_text(own, [peer], entries, link_secret="link.secret", **options))

    def share(self, number=1, size=None):
        """Takes keys as SAE 11 and claims them as SAE 12; returns both lists of (key_ID, key)."""
        wanted = {"number": number, **({"size": size} if size else {})}
        status, taken, _ = self.a.call("11", "POST", "/api/v1/keys/12/enc_keys", wanted)
        assert status == 200, (status, taken)
        ids = {"key_IDs": [{"key_ID": key["key_ID"]} for key in taken["keys"]]}
        status, claimed, _ = self.b.call("12", "POST", "/api/v1/keys/11/dec_keys", ids)
        assert status == 200, (status, claimed)
        return taken["keys"], claimed["keys"]


class KmeNetwork:
    """KME-A with SAEs 11 and 14, KME-B with 12 and 15, KME-C with 13; every two of them share a link."""

    HOMES = {"11": "KME-A", "14": "KME-A", "12": "KME-B", "15": "KME-B", "13": "KME-C"}

    def __init__(self, test, folder, start=True, rate=0, stock=200, keys="", timeout=5000, extra=None,
                 unlinked=()):
        """`extra`: further settings of the entries of SAEs, by their IDs. `unlinked`: two KMEs without a link."""
        self.folder = folder
        self.pki = pair_pki(folder)
        self.kmes = {f"KME-{x.upper()}": Kme(test, folder, f"kme-{x}", f"KME-{x.upper()}") for x in "abc"}
        self.a, self.b, self.c = self.kmes.values()
        for kme in self.kmes.values():
            private_file(os.path.join(folder, kme.name + ".seal"), secrets.token_hex(32) + "\n")
            for other in self.kmes.values():
                if kme.name < other.name:
                    private_file(os.path.join(folder, f"{kme.name}-{other.name}.secret"), secrets.token_hex(32))
        for kme in self.kmes.values():
            peers = [other for other in self.kmes.values() if other is not kme]
            with open(kme.config, "w", encoding="utf-8") as f:
                f.write(config_text(kme, peers, [self.entry(sae, kme, extra or {}) for sae in self.HOMES], rate, stock,
                                    keys=keys, timeout=timeout))
            if kme.kme_id in unlinked:
                self.cut_link(kme, next(name for name in unlinked if name != kme.kme_id))
        if start:
            for kme in self.kmes.values():
                kme.start()
            for sae, home in self.HOMES.items():
                for other, far in self.HOMES.items():
                    if home != far and not {home, far} <= set(unlinked):
                        self.kmes[home].wait_stock(sae, other, stock)

    @staticmethod
    def cut_link(kme, peer_id):
        """Takes the link with that peer out of the configuration."""
        with open(kme.config, encoding="utf-8") as f:
            text = f.read()
        pattern = r'(kme_id = "%s";\n.*\n.*\n) *link: .*\n' % peer_id
        assert re.search(pattern, text), text
        with open(kme.config, "w", encoding="utf-8") as f:
            f.write(re.sub(pattern, r"\1", text))

    def entry(self, sae, kme, extra):
        home = self.HOMES[sae]
        known = f'certificate_serial = "{sae}";' if home == kme.kme_id else f'kme = "{home}";'
        return f'{{ id = "{sae}"; {known} {extra.get(sae, "") if home == kme.kme_id else ""} }}'

    def call(self, sae, *arguments, **options):
        """A call as an SAE to its own KME."""
        return self.kmes[self.HOMES[sae]].call(sae, *arguments, **options)

    def stock(self, sae, other):
        return self.call(sae, "GET", f"/api/v1/keys/{other}/status")[1]["stored_key_count"]

    def claim(self, sae, master, keys):
        ids = {"key_IDs": [{"key_ID": key["key_ID"]} for key in keys]}
        return self.call(sae, "POST", f"/api/v1/keys/{master}/dec_keys", ids)[:2]
