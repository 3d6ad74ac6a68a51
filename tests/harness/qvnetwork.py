# SPDX-License-Identifier: Apache-2.0
"""A network of KMEs that relay keys, each a process of its own, with one PKI and simulated links.

    net = qvnetwork.Network(test, tmp)           # the demonstration of issue and document: KMEs 1 to 8
    keys, claimed = net.share("1", "8", 128)     # by SAE 101 of KME 1 and SAE 108 of KME 8

KME n has the SAE "10n" and further ones on demand. All KMEs of the ends know each other, relays only their neighbours.
"""

import atexit
import copy
import os
import secrets
import shutil
import tempfile

import qvkme
import qvtest

DEMONSTRATION = {"1": "234", "2": "56", "3": "567", "4": "67", "5": "8", "6": "8", "7": "8"}

CONFIG = """\
kme_id = "{id}";
seal_key_file = "{name}.seal";
log_level = "info";
sae_api: {{ listen = "127.0.0.1:{sae_port}"; certificate = "{name}.pem"; private_key = "{name}.key"; ca = "ca.pem"; }};
kme_api: {{ listen = "127.0.0.1:{kme_port}"; certificate = "{name}.pem"; private_key = "{name}.key"; ca = "ca.pem";
  timeout = {timeout}; }};
keys: {{ {keys} }};
store: {{ module = "{store}"; {store_options} }};
{relay}
peers: (
{peers}
);
saes: ( {saes} );
{extra}
"""

RELAY = """\
relay: {{ topology = "{topology}"; hop_wait = {hop_wait}; attempts = {attempts}; time = {time}; {more}
  scheme: {{ module = "{module}"; {options} }}; }};
"""

LINK = 'link: {{ module = "simulated"; secret_file = "{secret}"; rate = {rate}; stock = {stock}; }};'

_made = []


def network_pki(folder, names):
    """A CA in the folder with certificates of KMEs and SAEs; made once for a process."""
    if not _made:
        store = tempfile.mkdtemp(prefix="qvisio-pki-")
        atexit.register(shutil.rmtree, store, ignore_errors=True)
        _made.append((qvtest.Pki(store), set()))
    pki, done = _made[0]
    for name in names:
        if name in done:
            continue
        if name.startswith("sae-"):
            pki.issue(name, san=f"URI:urn:{name}", serial=int(name[4:]), usage="clientAuth", pfx_password="password")
        else:
            pki.issue(name, san=f"DNS:{name},DNS:localhost,IP:127.0.0.1")
        done.add(name)
    shutil.copytree(pki.folder, folder, dirs_exist_ok=True)
    own = copy.copy(pki)
    own.folder, own.ca, own.ca_key = folder, os.path.join(folder, "ca.pem"), os.path.join(folder, "ca.key")
    return own


class Network:
    """`links`: KME to its neighbours. `ends`: KMEs whose SAEs know each other. `modules`: other relay modules, by KME."""

    def __init__(self, test, folder, links=None, module="redistribute", options="", ends=("1", "8"), down=(), rate=0,
                 stock=3000, start=True, hop_wait=700, attempts=3, time=15000, timeout=3000, store="sqlite", keys="",
                 stocks=None, modules=None, more="", extra=None, absent=(), altering=()):
        self.test, self.folder = test, folder
        self.altering = altering
        self.links = [(a, b) for a, near in (links or DEMONSTRATION).items() for b in near]
        self.down, self.ends = list(down), ends
        self.names = sorted({kme for link in self.links for kme in link})
        self.settings = dict(module=module, options=options, hop_wait=hop_wait, attempts=attempts, time=time,
                             timeout=timeout, store=store, keys=keys, rate=rate, stock=stock, stocks=stocks or {},
                             modules=modules or {}, more=more, extra=extra or {})
        self.pki = network_pki(folder, [f"kme-{n}" for n in self.names] + [f"sae-10{n}" for n in self.names])
        self.kmes = {n: qvkme.Kme(test, folder, f"kme-{n}", n) for n in self.names}
        for kme in self.kmes.values():
            kme.sae_port, kme.kme_port = qvtest.free_port(), qvtest.free_port()
        for a, b in self.links:
            qvkme.private_file(self.path(f"link-{a}-{b}.secret"), secrets.token_hex(32))
        for name in self.names:
            qvkme.private_file(self.path(f"kme-{name}.seal"), secrets.token_hex(32) + "\n")
        self.write_topology()
        for name in self.names:
            self.write(name)
        if start:
            self.start(absent)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write_topology(self, name="network.conf"):
        def link(a, b):
            return f"{{ from = {a}; to = {b}; }}"
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write("kmes: ( %s );\nlinks: ( %s );\n" % (", ".join(self.names),
                                                         ",\n  ".join(link(a, b) for a, b in self.links)))

    def neighbours(self, name):
        return [(a, b) for a, b in self.links if name in (a, b)]

    def peer(self, own, other):
        s = self.settings
        link = next((link for link in self.links if set(link) == {own, other}), None)
        text = f'  {{ kme_id = "{other}"; address = "127.0.0.1:{self.port(own, other)}"; certificate_name = "kme-{other}"; '
        if link:
            a, b = link
            stock = s["stocks"].get(link, 0 if link in self.down else s["stock"])
            rate = 0 if link in self.down else s["rate"]
            text += LINK.format(secret=f"link-{a}-{b}.secret", rate=rate, stock=stock)
        return text + " }"

    def port(self, _own, other):
        """Where one KME finds another; tests put something between."""
        return self.kmes[other].kme_port

    def write(self, name, relay=True, **other):
        s = {**self.settings, **other}
        kme = self.kmes[name]
        peers = {n for link in self.neighbours(name) for n in link} | (set(self.ends) if name in self.ends else set())
        peers.discard(name)
        store = f'file = "{kme.name}.db";' if s["store"] == "sqlite" else ""
        saes = [f'{{ id = "10{name}"; certificate_serial = "10{name}"; }}']
        saes += [f'{{ id = "10{other}"; kme = "{other}"; }}' for other in sorted(peers)]
        module, options = s["modules"].get(name, (s["module"], s["options"]))
        text = RELAY.format(topology=s.get("topology", "network.conf"), hop_wait=s["hop_wait"], attempts=s["attempts"],
                            time=s["time"], more=s["more"], module=module, options=options)
        with open(kme.config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(id=name, name=kme.name, sae_port=kme.sae_port, kme_port=kme.kme_port,
                                  timeout=s["timeout"], keys=s["keys"], store=s["store"], store_options=store,
                                  relay=text if relay else "", peers=",\n".join(self.peer(name, n) for n in
                                                                                sorted(peers)),
                                  saes=", ".join(saes), extra=s["extra"].get(name, "")))

    def start(self, absent=()):
        present = [n for n in self.names if n not in absent]
        for name in present:
            self.launch(name)
        for name in present:
            self.kmes[name].wait_ready()
        self.wait_keys(present)

    def launch(self, name):
        """Starts a KME; one that alters what it passes on gets another module under the same name."""
        kme, env = self.kmes[name], {}
        if name in self.altering:
            folder = self.path("altering")
            module = f"relay-{self.settings['module']}.so"
            os.makedirs(folder, exist_ok=True)
            shutil.copy(os.path.join(qvtest.BUILD, "tests/modules/.libs/relay-altering.so"),
                        os.path.join(folder, module))
            built = os.path.join(qvtest.BUILD, ".libs")
            env = {"QVISIO_MODULE_PATH": f"{folder}:{built}", "QV_ALTERED_MODULE": os.path.join(built, module)}
        kme.process = self.test.start(["qkd-kme", kme.config], env=env)

    def stored(self, name, other):
        """Link keys that a KME can use for the link with a neighbour."""
        body = self.call(name, "GET", f"/api/v1/keys/10{other}/status")[1]
        return body["stored_key_count"]

    def wait_keys(self, names, least=100):
        """Until the links have brought in what they have, or so many keys."""
        for name in names:
            for a, b in self.neighbours(name):
                other = b if a == name else a
                want = self.settings["stocks"].get((a, b), 0 if (a, b) in self.down else self.settings["stock"])
                qvkme.wait_until(lambda n=name, o=other, w=want: self.stored(n, o) >= min(w, least))

    def call(self, end, *arguments, **options):
        return self.kmes[end].call(f"10{end}", *arguments, **options)

    def take(self, a, b, number=1, **wanted):
        """(status, body) of enc_keys."""
        return self.call(a, "POST", f"/api/v1/keys/10{b}/enc_keys", {"number": number, **wanted})[:2]

    def claim(self, a, b, keys):
        ids = {"key_IDs": [{"key_ID": key["key_ID"]} for key in keys]}
        return self.call(b, "POST", f"/api/v1/keys/10{a}/dec_keys", ids)[:2]

    def share(self, a, b, number=1, **wanted):
        """Keys by enc_keys at `a` and dec_keys at `b`: both the same."""
        status, taken = self.take(a, b, number, **wanted)
        assert status == 200, (status, taken)
        assert len(taken["keys"]) == number and len({key["key"] for key in taken["keys"]}) == number, taken
        status, claimed = self.claim(a, b, taken["keys"])
        assert status == 200, (status, claimed)
        assert claimed["keys"] == taken["keys"], "the ends have different keys"
        return taken["keys"]

    def stop(self):
        """Stops all; those that were still there end without complaint."""
        running = [kme for kme in self.kmes.values() if kme.process and kme.process.running()]
        for kme in running:
            kme.process.signal(15)
        for kme in running:
            assert kme.process.wait() == 0, kme.process.output()


def key_source(net, end, extra=""):
    """The key source of a call's end: the SAE of a KME."""
    base = net.path(f"sae-10{end}")
    return (f'{{ module = "etsi014"; kme = "{net.kmes[end].address}"; certificate = "{base}.pem"; '
            f'private_key = "{base}.key"; ca = "{net.folder}/ca.pem"; {extra} }}')


def details(body):
    """The details of an error as one object."""
    return {name: value for detail in body.get("details", []) for name, value in detail.items()}

