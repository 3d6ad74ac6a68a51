# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: a new configuration and new certificates come into use while clients are connected."""

import functools
import os
import re
import shutil
import signal
import socket
import ssl
import threading

import qvkme
import qvtest

test = qvtest.Test(__file__)

ME = "/api/v1/sae/info/me"
ENC = "/api/v1/keys/12/enc_keys"


def edit(kme, *changes):
    text = open(kme.config, encoding="utf-8").read()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    with open(kme.config, "w", encoding="utf-8") as f:
        f.write(text)


def reload(kme, *changes):
    edit(kme, *changes)
    kme.process.signal(signal.SIGHUP)
    kme.process.wait_for("is read anew and in use")


def refuse(kme, *changes):
    """A change that is refused: the message. The file is put back as it was."""
    before = open(kme.config, encoding="utf-8").read()
    edit(kme, *changes)
    kme.process.signal(signal.SIGHUP)
    message = kme.process.wait_for(r" error qkd-kme: the new configuration is refused, the old one stays: (.*)")[1]
    with open(kme.config, "w", encoding="utf-8") as f:
        f.write(before)
    return message


class Client:
    """A connection that is kept; it may not be lost."""

    def __init__(self, kme, sae):
        self.kme, self.sae = kme, sae
        self.connection = kme.connect(sae)
        self.connection.connect()
        self.port = self.connection.sock.getsockname()[1]

    def get(self, path=ME):
        status, body, _ = self.kme.call(self.sae, "GET", path, connection=self.connection)
        assert self.connection.sock and self.connection.sock.getsockname()[1] == self.port, "the connection was lost"
        return status, body


def shown_serial(kme):
    """Serial number of the certificate that the KME shows."""
    done = qvtest.run(["openssl", "s_client", "-connect", f"127.0.0.1:{kme.sae_port}"], check=False, input="")
    pem = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", done.stdout, re.S)[0]
    return qvtest.run(["openssl", "x509", "-noout", "-serial"], input=pem).stdout.strip()


def is_refused(kme, certificate):
    try:
        kme.call(certificate, "GET", ME)
    except (ssl.SSLError, ConnectionError):
        return True
    return False


@test.case("a new certificate and key are shown to new clients, and connected ones go on")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    client = Client(pair.a, "11")
    assert client.get()[0] == 200
    pair.pki.issue("kme-a", san="DNS:kme-a,DNS:localhost,IP:127.0.0.1", serial=0x4711)
    assert shown_serial(pair.a) != "serial=4711"
    reload(pair.a)
    assert shown_serial(pair.a) == "serial=4711"
    assert client.get() == (200, {"SAE_ID": 11})
    # The client toward the peer has it too, and the peer still takes it.
    assert client.get(ENC)[0] == 200
    assert pair.a.call("11", "GET", ENC)[0] == 200


@test.case("SAEs come, go, and get other certificates: at the next request of a connection that is there")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, saes_a='{ id = "spy"; certificate_uri = "urn:sae:spy"; }', start=False)
    pair.pki.issue("spy", san="URI:urn:sae:spy", usage="clientAuth")
    pair.pki.issue("late", san="URI:urn:sae:late", usage="clientAuth")
    pair.a.start(), pair.b.start()
    pair.a.wait_stock("11", "12", 10)
    other, spy, late = Client(pair.a, "11"), Client(pair.a, "spy"), Client(pair.a, "late")
    assert other.get()[0] == spy.get()[0] == 200 and late.get()[0] == 401
    reload(pair.a, ('id = "spy"; certificate_uri = "urn:sae:spy"', 'id = "late"; certificate_uri = "urn:sae:late"'))
    assert late.get() == (200, {"SAE_ID": "late"}) and spy.get() == (401, None)
    assert other.get(ENC)[0] == 200
    reload(pair.a, ("urn:sae:late", "urn:sae:spy"))
    assert spy.get() == (200, {"SAE_ID": "late"}) and late.get() == (401, None)
    assert other.get(ENC)[0] == 200


@test.case("new limits hold from the next request on")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    client = Client(pair.a, "11")
    assert client.get(ENC + "?number=3")[0] == 200
    reload(pair.a, ("keys: {  }", "keys: { max_per_request = 2; }"))
    assert client.get(ENC + "?number=3")[0] == 400
    assert client.get(ENC + "?number=2")[0] == 200


@test.case("a certificate that the new CRL revokes is refused on its kept connection and on new ones; others go on")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, saes_a='{ id = "spy"; certificate_uri = "urn:sae:spy"; }', start=False)
    pair.pki.issue("spy", san="URI:urn:sae:spy", usage="clientAuth")
    pair.pki.revoke()
    edit(pair.a, ('ca = "ca.pem";', 'ca = "ca.pem"; crl = "crl.pem";'))
    pair.a.start(), pair.b.start()
    pair.a.wait_stock("11", "12", 10)
    other, spy = Client(pair.a, "11"), Client(pair.a, "spy")
    assert other.get()[0] == spy.get()[0] == 200
    pair.pki.revoke("spy")
    assert spy.get()[0] == 200
    reload(pair.a)
    assert spy.get() == (401, None) and other.get(ENC)[0] == 200
    assert is_refused(pair.a, "spy") and pair.a.call("11", "GET", ME)[0] == 200
    # And back again.
    pair.pki.revoke()
    reload(pair.a)
    assert spy.get()[0] == other.get()[0] == 200


@test.case("another CA: its clients come in, those of the old one are refused on their kept connections")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    fresh = qvtest.Pki(os.path.join(tmp, "fresh"), name="Fresh CA")
    fresh.issue("sae-11", serial=11, usage="clientAuth")
    client = Client(pair.a, "11")
    assert client.get()[0] == 200 and is_refused(pair.a, "fresh/sae-11")
    shutil.copy(fresh.ca, os.path.join(tmp, "fresh.pem"))
    reload(pair.a, ('ca = "ca.pem";', 'ca = "fresh.pem";'))
    assert client.get()[0] == 401 and is_refused(pair.a, "11")
    assert pair.a.call("fresh/sae-11", "GET", ME)[0] == 200


@test.case("a bad new configuration is refused whole, with file and line, and the old one stays")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    client = Client(pair.a, "11")
    fresh = qvtest.Pki(os.path.join(tmp, "fresh"), name="Fresh CA")
    shutil.copy(fresh.revoke(), os.path.join(tmp, "fresh.crl"))
    pair.pki.revoke(crl="old.crl", next_update="210101000000Z")
    pair.pki.issue("other")
    file, good = pair.a.config, ('"11"; certificate_serial = "11"', '"eleven"; certificate_serial = "11"')
    bad = [
        (("kme_id = ", "kme_id = 5 "), f"{file}:1: syntax error"),
        (('kme_id = "KME-A"', 'kme_id = "KME-X"'),
         f'{file}:1: kme_id: a KME that runs as "KME-A" cannot become another; restart it'),
        (('private_key = "kme-a.key"', 'private_key = "other.key"'),
         f"{file}:7: sae_api.private_key: {tmp}/other.key: is not the key of the certificate in {tmp}/kme-a.pem"),
        (('certificate = "kme-a.pem"', 'certificate = "kme-a.conf"'),
         f"{file}:6: sae_api.certificate: {tmp}/kme-a.conf: holds no certificate in PEM: "),
        (('ca = "ca.pem";', 'ca = "kme-a.seal";'),
         f"{file}:8: sae_api.ca: {tmp}/kme-a.seal: holds no CA certificate in PEM"),
        (('ca = "ca.pem";', 'ca = "ca.pem"; crl = "none";'),
         f"{file}:8: sae_api.crl: {tmp}/none: cannot be read: No such file or directory"),
        (('ca = "ca.pem";', 'ca = "ca.pem"; crl = "ca.pem";'), f"{file}:8: sae_api.crl: {tmp}/ca.pem: holds no CRL in PEM"),
        (('ca = "ca.pem";', 'ca = "ca.pem"; crl = "fresh.crl";'),
         f'{file}:8: sae_api.crl: {tmp}/fresh.crl: the CRL of "CN=Fresh CA" was not signed by a CA in {tmp}/ca.pem'),
        (('ca = "ca.pem";', 'ca = "ca.pem"; crl = "old.crl";'),
         f'{file}:8: sae_api.crl: {tmp}/old.crl: the CRL of "CN=Test CA" expired at 2021-01-01 00:00:00Z: it could hide '
         "a revocation; get the new one from the CA"),
        (('link: {', 'link: { x = 1;'), f"{file}:25: peers[0].link.x: unknown setting"),
    ]
    for change, message in bad:
        got = refuse(pair.a, good, change)
        assert got.startswith(message), f"expected {message}\ngot      {got}"
        assert client.get() == (200, {"SAE_ID": 11})
    reload(pair.a, good)
    assert client.get() == (200, {"SAE_ID": "eleven"})
    # Of two CAs one has no CRL.
    with open(os.path.join(tmp, "both.pem"), "w", encoding="ascii") as f:
        f.write(open(pair.pki.ca).read() + open(fresh.ca).read())
    message = refuse(pair.a, ('ca = "ca.pem";', 'ca = "both.pem"; crl = "fresh.crl";'))
    assert message.endswith(f'{tmp}/fresh.crl: there is no CRL of the CA "CN=Test CA" in {tmp}/both.pem'), message


@test.case("what needs a restart is said and stays as it was; the rest of the file is in use")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    client = Client(pair.a, "11")
    edit(pair.a, (f'listen = "127.0.0.1:{pair.a.sae_port}"', 'listen = "127.0.0.1:0"'),
         ("rate = 1000000", "rate = 999"), ('file = "kme-a.db"', 'file = "other.db"'),
         ("keys: {  }", "keys: { max_per_request = 2; }"))
    pair.a.process.signal(signal.SIGHUP)
    for what in (r":5: sae_api\.listen|:5: listen", "store", r":2\d: .*link"):
        pair.a.process.wait_for(what + ".*the change needs a restart; until then it stays as it was")
    pair.a.process.wait_for("is read anew and in use")
    assert client.get(ENC + "?number=2")[0] == 200 and client.get(ENC + "?number=3")[0] == 400
    assert pair.a.call("11", "GET", ENC)[0] == 200 and not os.path.exists(os.path.join(tmp, "other.db"))


@test.case("a peer is taken out and put back: its link ends and goes on where it was")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    client = Client(pair.a, "11")
    taken, claimed = pair.share(3)
    assert taken == claimed
    before = open(pair.a.config, encoding="utf-8").read()
    text = re.sub(r"peers: \(.*\);", "peers: ();", before, flags=re.S).replace(', { id = "12"; kme = "KME-B"; }', "")
    with open(pair.a.config, "w", encoding="utf-8") as f:
        f.write(text)
    reload(pair.a)
    assert client.get()[0] == 200 and client.get(ENC)[0] == 400
    status, body, _ = pair.b.call("12", "GET", "/api/v1/keys/11/enc_keys")
    assert status == 503, (status, body)
    with open(pair.a.config, "w", encoding="utf-8") as f:
        f.write(before)
    reload(pair.a)
    assert client.get()[0] == 200
    for _ in range(3):
        taken, claimed = pair.share(5)
        assert taken == claimed


@test.case("the service manager hears of a reload; many reloads under load disturb no request")
def _(tmp):
    pair = qvkme.KmePair(test, tmp, start=False)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(os.path.join(tmp, "notify"))
    manager.settimeout(qvtest.TIMEOUT)
    pair.a.process = test.start(["qkd-kme", pair.a.config], env={"NOTIFY_SOCKET": os.path.join(tmp, "notify")})
    pair.a.wait_ready()
    pair.b.start()
    pair.a.wait_stock("11", "12", 10)
    assert manager.recv(100) == b"READY=1"
    faults, counts, stop = [], [0] * 6, threading.Event()

    def work(index):
        client = Client(pair.a, "11")
        while not stop.is_set():
            try:
                status, body = client.get(ENC if index % 2 else "/api/v1/keys/12/status")
            except Exception as why:
                faults.append(why)
                return
            if status != 200 and "not enough keys" not in str(body):
                faults.append((status, body))
            counts[index] += 1

    with qvtest.beside(*(functools.partial(work, i) for i in range(6)), stop=stop):
        for _ in range(20):
            seen = list(counts)
            pair.a.process.signal(signal.SIGHUP)
            assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(100) == b"READY=1"
            pair.a.process.wait_for("is read anew and in use")
            qvkme.wait_until(lambda: faults or all(now > then for now, then in zip(counts, seen)))
    assert not faults, faults[:3]
    assert pair.a.stop() == 0


test.run()
