# SPDX-License-Identifier: Apache-2.0
"""qkd-pki: what it makes is accepted by OpenSSL, GnuTLS, curl and Python, and is all that two KMEs need."""

import json
import os
import re
import secrets
import shutil
import signal
import ssl
import stat
import sys

import qvkme
import qvtest

test = qvtest.Test(__file__)
if not os.path.exists(os.path.join(qvtest.BUILD, "qkd-pki")):
    print("1..0 # SKIP qkd-pki is not built (no OpenSSL)")
    sys.exit(0)

NETWORK = """\
folder = "pki";
organization = "Test";
{top}
kmes: (
  {{ id = "KME-A"; hosts = ["localhost", "127.0.0.1"]; listen = "127.0.0.1"; sae_port = {a[0]}; kme_port = {a[1]}; }},
  {{ id = "KME-B"; hosts = ["ip6-localhost.example", "localhost"]; listen = "127.0.0.1"; sae_port = {b[0]};
     kme_port = {b[1]}; }}
);
saes: (
  {{ id = "11"; kme = "KME-A"; identity = "serial"; serial = "11"; }},
  {{ id = "alice"; kme = "KME-A"; }},
  {{ id = "bob, \\"DNS:evil\\" ä"; kme = "KME-B"; identity = "common_name"; file = "bob"; hosts = ["bob.example", "::1"];
     {bob} }}
);
"""


def network(tmp, top="", bob="", **text):
    ports = {name: (qvtest.free_port(), qvtest.free_port()) for name in "ab"}
    path = os.path.join(tmp, "pki.conf")
    written = NETWORK.format(top=top, bob=bob, **ports)
    for old, new in text.get("replace", ()):
        assert old in written, old
        written = written.replace(old, new)
    with open(path, "w", encoding="utf-8") as f:
        f.write(written)
    return path


def pki(*arguments, code=0):
    done = qvtest.run(["qkd-pki", *arguments], check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def listing(folder):
    return {name: open(os.path.join(folder, name), "rb").read() for name in sorted(os.listdir(folder))}


def openssl(*arguments, check=True):
    return qvtest.run(["openssl", *arguments], check=check)


def verify(folder, name, ca="ca", crl=True, check=True):
    os_path = {kind: os.path.join(folder, kind) for kind in (f"{ca}.pem", f"{ca}.crl", f"{name}.pem")}
    return openssl("verify", "-x509_strict", *(["-crl_check", "-CRLfile", os_path[f"{ca}.crl"]] if crl else []),
                   "-CAfile", os_path[f"{ca}.pem"], os_path[f"{name}.pem"], check=check)


def certtool(folder, name, ca="ca"):
    return qvtest.run(["certtool", "--verify", "--verify-profile", "medium", "--load-ca-certificate",
                       os.path.join(folder, ca + ".pem"), "--load-crl", os.path.join(folder, ca + ".crl"), "--infile",
                       os.path.join(folder, name + ".pem")], check=False)


for key in ("p256", "p384", "ed25519", "rsa3072"):
    @test.case(f"{key}: OpenSSL (strict) and GnuTLS accept every certificate, CRL and PKCS#12 file")
    def _(tmp, key=key):
        separate = key == "p384"
        pki("make", network(tmp, top=f'key = "{key}"; separate_cas = {"true" if separate else "false"};'))
        folder = os.path.join(tmp, "pki")
        for name in ("kme-KME-A", "kme-KME-B", "sae-11", "sae-alice", "bob"):
            ca = "ca" if not separate else "kme-ca" if name.startswith("kme") else "sae-ca"
            verify(folder, name, ca)
            seen = certtool(folder, name, ca)
            assert "Verified. The certificate is trusted" in seen.stdout, seen.stdout + seen.stderr
            if name.startswith("kme"):
                continue
            base = os.path.join(folder, name)
            openssl("pkcs12", "-in", base + ".pfx", "-passin", f"file:{base}.password", "-nodes", "-out",
                    os.path.join(tmp, "out"))
            with open(base + ".password", encoding="ascii") as f:
                password = f.read().strip()
            inside = qvtest.run(["certtool", "--p12-info", "--inder", "--infile", base + ".pfx", "--password", password])
            assert "BEGIN CERTIFICATE" in inside.stdout and "PRIVATE KEY" in inside.stdout, inside.stdout
        assert not separate or verify(folder, "sae-11", "kme-ca", crl=False, check=False).returncode != 0


@test.case("names, usages, modes; a name from the file cannot smuggle in another")
def _(tmp):
    pki("make", network(tmp))
    folder = os.path.join(tmp, "pki")
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    for name in os.listdir(folder):
        wanted = 0o644 if name.endswith((".pem", ".crl")) else 0o600
        assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == wanted, name
    text = {name: openssl("x509", "-in", os.path.join(folder, name + ".pem"), "-noout", "-text").stdout
            for name in ("ca", "kme-KME-A", "sae-11", "sae-alice", "bob")}
    assert re.search(r"Basic Constraints: critical\s+CA:TRUE, pathlen:0", text["ca"])
    assert re.search(r"Key Usage: critical\s+Certificate Sign, CRL Sign", text["ca"])
    for name in ("kme-KME-A", "bob"):
        assert "TLS Web Server Authentication, TLS Web Client Authentication" in text[name], text[name]
    for name in ("sae-11", "sae-alice"):
        assert "Extended Key Usage: \n                TLS Web Client Authentication\n" in text[name], text[name]
    assert "DNS:localhost, IP Address:127.0.0.1" in text["kme-KME-A"]
    assert "URI:urn:sae:alice" in text["sae-alice"]
    assert "Serial Number: 11 (0xb)" in text["sae-11"]
    names = re.search(r"Alternative Name: \n +(.*)", text["bob"]).group(1)
    assert names.split(", ") == ["URI:urn:sae:bob%2C%20%22DNS:evil%22%20%C3%A4", "DNS:bob.example",
                                 "IP Address:0:0:0:0:0:0:0:1"], names
    for name, part in text.items():
        assert "Subject Key Identifier" in part and "Authority Key Identifier" in part, name


def configured_pair(tmp, config):
    """Two KMEs whose configurations are the printed lines, a seal key and a store."""
    printed = pki("show", config).stdout
    parts = re.split(r"^# (KME|SAE) (.*?): for .*\n", printed, flags=re.M)
    processes = []
    sections = {parts[i + 1]: parts[i + 2] for i in range(1, len(parts), 3)}
    content = secrets.token_bytes(32 * 200)
    for kme, peer in (("KME-A", "KME-B"), ("KME-B", "KME-A")):
        folder = os.path.join(tmp, kme)
        os.makedirs(os.path.join(folder, f"keys-kme-{peer}"), mode=0o700)
        qvkme.private_file(os.path.join(folder, "seal.key"), secrets.token_hex(32))
        keys = os.open(os.path.join(folder, f"keys-kme-{peer}", "1.cor"), os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(keys, content)
        os.close(keys)
        path = os.path.join(folder, "kme.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write('seal_key_file = "seal.key";\nstore: { module = "sqlite"; file = "kme.db"; };\n' + sections[kme])
        processes.append(test.start(["qkd-kme", path]))
        processes[-1].wait_for("is ready")
    return sections, processes


def source(tmp, text, pem=False):
    """A configuration of qkd-key of an SAE's printed lines."""
    if pem:
        lines = "\n".join(re.findall(r"^#(    .*)$", text, re.M))
        text = re.sub(r"^ +(certificate|password_file) = .*\n", "", text.split("};")[0], flags=re.M) + lines + "\n};\n"
    path = os.path.join(tmp, f"sae-{secrets.token_hex(4)}.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def setting(text, name):
    return re.search(rf'\b{name} = "(.*)";', text).group(1)


@test.case("two KMEs configured with the printed lines serve qkd-key, curl and Python, by PEM and PKCS#12")
def _(tmp):
    if not os.path.exists(os.path.join(qvtest.BUILD, "qkd-kme")):
        raise qvtest.Skip("qkd-kme is not built")
    # Certificates name the first host, and peers connect to it: here both are this machine.
    config = network(tmp, replace=[('hosts = ["ip6-localhost.example", "localhost"]', 'hosts = ["127.0.0.1"]')])
    pki("make", config)
    sections, processes = configured_pair(tmp, config)
    bob = next(name for name in sections if name.startswith("bob"))
    kme_a = source(tmp, sections["11"])
    peer_id = 'bob, "DNS:evil" ä'

    def stocked():
        done = qvtest.run(["qkd-key", "-c", kme_a, "--json", "status", peer_id], check=False)
        return done.returncode == 0 and json.loads(done.stdout)["stored_key_count"] >= 90

    qvkme.wait_until(stocked)
    for master, pem in (("11", False), ("11", True), ("alice", False), ("alice", True)):
        taken = qvtest.run(["qkd-key", "-c", source(tmp, sections[master], pem), "get", peer_id])
        key_id, key = taken.stdout.split()[:2]
        claimed = qvtest.run(["qkd-key", "-c", source(tmp, sections[bob], not pem), "claim", master, key_id])
        assert claimed.stdout.split()[1] == key, "another key"
    folder = os.path.join(tmp, "pki")
    url = f'https://{setting(sections["alice"], "kme")}/api/v1/keys/11/status'
    base = os.path.join(folder, "sae-alice")
    with open(base + ".password", encoding="ascii") as f:
        password = f.read().strip()
    curl = ["curl", "-sS", "--fail", "--cacert", os.path.join(folder, "ca.pem"), url]
    for extra in (["--cert", base + ".pem", "--key", base + ".key"],
                  ["--cert-type", "P12", "--cert", f"{base}.pfx:{password}"]):
        assert json.loads(qvtest.run([*curl, *extra]).stdout)["master_SAE_ID"] == "alice"
    assert qvtest.run(curl, check=False).returncode != 0
    context = ssl.create_default_context(cafile=os.path.join(folder, "ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(base + ".pem", base + ".key")
    # Revoked, alice is refused once the KME has read its configuration again, and comes back with new files.
    shutil.copytree(folder, os.path.join(tmp, "before"))
    old = [part.replace(folder, os.path.join(tmp, "before")) for part in ("--cert", base + ".pem", "--key", base + ".key")]
    pki("revoke", config, "alice")
    processes[0].popen.send_signal(signal.SIGHUP)
    qvkme.wait_until(lambda: qvtest.run([*curl, *old], check=False).returncode != 0)
    pki("add", config)
    qvtest.run([*curl, "--cert", base + ".pem", "--key", base + ".key"])


@test.case("nothing that is there is overwritten, and a failed run leaves nothing behind")
def _(tmp):
    config = network(tmp)
    folder = os.path.join(tmp, "pki")
    os.mkdir(folder)
    with open(os.path.join(folder, "note"), "w", encoding="ascii") as f:
        f.write("mine")
    done = pki("make", config, code=1)
    assert "has files in it already" in done.stderr and os.listdir(folder) == ["note"]
    os.unlink(os.path.join(folder, "note"))
    pki("make", config)
    before = listing(folder)
    pki("make", config, code=1)
    assert listing(folder) == before
    shutil.rmtree(folder)
    os.symlink("/nonexistent", folder)
    assert "is there already" in pki("make", config, code=1).stderr
    assert sorted(os.listdir(tmp)) == ["pki", "pki.conf"], os.listdir(tmp)


@test.case("a disk that is full leaves nothing behind")
def _(tmp):
    config = network(tmp)
    command = f"ulimit -f 0; trap '' XFSZ; exec {os.path.join(qvtest.BUILD, 'qkd-pki')} make {config}"
    done = qvtest.run(["bash", "-c", command], check=False)
    assert done.returncode == 1 and "cannot be written" in done.stderr, (done.returncode, done.stderr)
    assert os.listdir(tmp) == ["pki.conf"], os.listdir(tmp)


@test.case("add makes what is new, and only that")
def _(tmp):
    config = network(tmp)
    pki("make", config)
    folder = os.path.join(tmp, "pki")
    before = listing(folder)
    pki("add", config)
    assert listing(folder) == before
    with open(config, encoding="utf-8") as f:
        text = f.read()
    with open(config, "w", encoding="utf-8") as f:
        f.write(text.replace("saes: (", 'saes: ( { id = "new"; kme = "KME-B"; },'))
    pki("add", config)
    after = listing(folder)
    assert {name: after[name] for name in before} == before
    assert sorted(set(after) - set(before)) == ["sae-new.key", "sae-new.password", "sae-new.pem", "sae-new.pfx"]
    verify(folder, "sae-new")
    os.unlink(os.path.join(folder, "sae-new.key"))
    assert "sae-new.key is missing" in pki("add", config, code=2).stderr
    assert not os.path.exists(os.path.join(folder, "sae-new.key"))


@test.case("a revoked certificate is on the CRL for good, and its place is free for a new one")
def _(tmp):
    config = network(tmp)
    pki("make", config)
    folder = os.path.join(tmp, "pki")
    pki("revoke", config, "alice")
    assert not os.path.exists(os.path.join(folder, "sae-alice.pem"))
    old = next(name for name in os.listdir(folder) if name.startswith("revoked-") and name.endswith("-sae-alice.pem"))
    done = verify(folder, old[:-4], check=False)
    assert done.returncode != 0 and "revoked" in done.stdout + done.stderr, done
    assert "revoked" in certtool(folder, old[:-4]).stdout.lower()
    pki("revoke", config, "KME-B")
    pki("add", config)
    pki("crl", config)
    for name in ("sae-alice", "kme-KME-B", "bob"):
        verify(folder, name)
    assert verify(folder, old[:-4], check=False).returncode != 0
    number = openssl("crl", "-in", os.path.join(folder, "ca.crl"), "-noout", "-crlnumber").stdout
    assert number.strip() == "crlNumber=0x4" or number.strip().endswith("=4") or "04" in number, number
    openssl("crl", "-in", os.path.join(folder, "ca.crl"), "-CAfile", os.path.join(folder, "ca.pem"), "-noout")
    assert "neither the ID" in pki("revoke", config, "nobody", code=1).stderr
    assert "neither the ID" in pki("revoke", config, "../pki/sae-11", code=1).stderr
    assert "is a CA" in pki("revoke", config, "ca", code=1).stderr


def dates(folder, name):
    return openssl("x509", "-in", os.path.join(folder, name + ".pem"), "-noout", "-enddate", "-serial").stdout


def public(folder, name):
    return openssl("x509", "-in", os.path.join(folder, name + ".pem"), "-noout", "-pubkey").stdout


@test.case("renew renews what expires, for the same keys, and the CA before what it issued")
def _(tmp):
    config = network(tmp, top="days = 20; ca_days = 25;")
    pki("make", config)
    folder = os.path.join(tmp, "pki")
    before = listing(folder)
    assert "nothing expires" in pki("renew", config, "--within", "10").stderr
    assert listing(folder) == before
    assert "no two of a CA may: give another one" in pki("renew", config, code=2).stderr
    assert listing(folder) == before
    with open(config, encoding="utf-8") as f:
        text = f.read()
    with open(config, "w", encoding="utf-8") as f:
        f.write(text.replace("days = 20; ca_days = 25;", "").replace('serial = "11"', 'serial = "0x1F"'))
    keys = {name: public(folder, name) for name in ("ca", "sae-11", "bob", "kme-KME-A")}
    shutil.copy(os.path.join(folder, "kme-KME-B.pem"), os.path.join(folder, "old.pem"))
    pki("renew", config)
    for name, key in keys.items():
        assert public(folder, name) == key, name
        if name != "ca":
            verify(folder, name)
    verify(folder, "old")
    assert "serial=1F" in dates(folder, "sae-11")
    openssl("pkcs12", "-in", os.path.join(folder, "bob.pfx"), "-passin", f"file:{folder}/bob.password", "-nokeys",
            "-clcerts", "-out", os.path.join(tmp, "bob"))
    with open(os.path.join(tmp, "bob"), "rb") as f, open(os.path.join(folder, "bob.pem"), "rb") as g:
        assert g.read().strip() in f.read()
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


@test.case("a password of one's own, from a file that only its owner can read")
def _(tmp):
    config = network(tmp, bob='password_file = "secret";')
    path = os.path.join(tmp, "secret")
    assert re.search(r"pki\.conf:\d+: .*password_file: .*No such file", pki("make", config, code=2).stderr)
    qvkme.private_file(path, "my own\nsecond line\n")
    os.chmod(path, 0o644)
    assert "others can read it" in pki("make", config, code=2).stderr
    assert not os.path.exists(os.path.join(tmp, "pki"))
    os.chmod(path, 0o600)
    printed = pki("make", config).stdout
    assert f'password_file = "{path}";' in printed and "my own" not in printed
    openssl("pkcs12", "-in", os.path.join(tmp, "pki", "bob.pfx"), "-passin", f"file:{path}", "-nokeys", "-out", "/dev/null")
    assert not os.path.exists(os.path.join(tmp, "pki", "bob.password"))


@test.case("an error in the configuration names its file and line, and nothing is made")
def _(tmp):
    for old, new, message in (
            ('"alice"; kme = "KME-A"', '"alice"; kme = "KME-X"', 'kme: "KME-X" is none of kmes'),
            ('id = "alice"', 'id = "11"', '"11" is there twice'),
            ('id = "alice"', 'id = "alice"; file = "../x"', '"../x": letters, digits'),
            ('id = "alice"', 'id = "alice"; file = "ca"', "would have the name of a CA's"),
            ('id = "alice"', 'id = "alice"; file = "bob"', "would have the same file name, bob"),
            ('id = "alice"', 'id = "alice"; serial = "0xB"', '0xB is also that of "11"'),
            ('serial = "11"', 'serial = "0"', '"0" is no serial number'),
            ('serial = "11"', 'serial = "0x' + "f" * 41 + '"', "is no serial number"),
            ('id = "alice"', 'id = "alice"; uri = "no uri"', '"no uri" is no URI'),
            ('"bob.example"', '"bob.example,DNS:evil"', "is neither a host name nor an IP address"),
            ('id = "alice"', f'id = "{"x" * 65}"', "has 1 to 64 bytes, not 65"),
            ('organization = "Test"', 'organisation = "Test"', 'unknown setting; did you mean "organization"?'),
            ('organization = "Test"', 'key = "dsa"', "dsa"),
            ('organization = "Test"', "days = 400; ca_days = 300", "would outlive their CA"),
            ('id = "KME-A"', 'id = "KME-A"; peers = ["KME-A"]', '"KME-A" is no other KME of kmes'),
    ):
        config = network(tmp, replace=[(old, new)])
        done = pki("make", config, code=2)
        assert re.search(r"pki\.conf:\d+: ", done.stderr) and message in done.stderr, (new, done.stderr)
        assert not os.path.exists(os.path.join(tmp, "pki")), new
    assert pki("make", "/nonexistent", code=1).stderr
    for arguments in ([], ["make"], ["unmake", "x"], ["make", "x", "y"], ["revoke", "x"], ["make", "-w", "3", "x"],
                      ["renew", "-w", "0", "x"], ["renew", "-w", "1e3", "x"]):
        pki(*arguments, code=2)


@test.case("the sample configuration works as it is")
def _(tmp):
    config = os.path.join(tmp, "pki.conf")
    shutil.copy(os.path.join(qvtest.SOURCE, "etc", "pki.conf"), config)
    printed = pki("make", config).stdout
    assert 'certificate_uri = "urn:sae:alice"' in printed and 'certificate_serial = "0x0B"' in printed


test.run()
