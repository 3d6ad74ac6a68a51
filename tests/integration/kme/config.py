# SPDX-License-Identifier: Apache-2.0
"""The configuration of a KME: the sample loads, and each mistake gets a message that says where and what."""

import os
import re
import shutil
import socket

import qvkme
import qvtest

test = qvtest.Test(__file__)

# (what is replaced, by what, message with the file's name as FILE)
BAD = [
    ('kme_id = "KME-A";', "", "FILE: kme_id: missing; it is required: a string in quotes"),
    ('kme_id = "KME-A";', "kme_id = 5;", "FILE:1: kme_id: expected a string in quotes, not 5"),
    ('kme_id = "KME-A";', 'kme_id = "";', "FILE:1: kme_id: an ID has 1 to 255 bytes, not 0"),
    ('kme_id = "KME-A";', 'kme_id = "KME-B";', 'FILE:22: peers[0].kme_id: "KME-B" is this KME itself'),
    ('"kme-a.seal"', '"none.seal"', "FILE:2: seal_key_file: DIR/none.seal: cannot be read: No such file or directory"),
    ('"kme-a.seal"', '"ca.pem"', "FILE:2: seal_key_file: DIR/ca.pem: others can read it (mode 0644); run: chmod 600 "
     "DIR/ca.pem"),
    ('"kme-a.seal"', '"kme-a.key"', "FILE:2: seal_key_file: DIR/kme-a.key: a seal key is 64 hexadecimal digits; make "
     "one with: (umask 077; openssl rand -hex 32 > DIR/kme-a.key)"),
    ('log_level = "debug"', 'log_level = "loud"',
     'FILE:3: log_level: expected one of "error", "warning", "info", "debug", not "loud"'),
    ("log_level", "log_levle", 'FILE:3: log_levle: unknown setting; did you mean "log_level"?'),
    ("sae_api: {", "sae_ipa: {", 'FILE:4: sae_ipa: unknown setting; did you mean "sae_api"?'),
    ('listen = "127.0.0.1:SAE"', 'listen = "13000"',
     'FILE:5: sae_api.listen: "13000" is no address: expected host:port or [IPv6]:port'),
    ('listen = "127.0.0.1:SAE"', 'listen = "127.0.0.1:70000"',
     'FILE:5: sae_api.listen: "127.0.0.1:70000" is no address: expected host:port or [IPv6]:port'),
    ('certificate = "kme-a.pem"', 'certificate = "none.pem"',
     "FILE:6: sae_api.certificate: DIR/none.pem: cannot be read: No such file or directory"),
    ('private_key = "kme-a.key"', 'private_key = "kme-a.pem"',
     "FILE:7: sae_api.private_key: DIR/kme-a.pem: others can read it (mode 0644); run: chmod 600 DIR/kme-a.pem"),
    ("timeout = 5000", "timeout = 5", "FILE:15: kme_api.timeout: expected a whole number from 100 to 60000 ms, not 5"),
    ("keys: {  }", "keys: { size = 250; }", "FILE:17: keys.size: 250 is no multiple of 8"),
    ("keys: {  }", "keys: { size = 2048; }",
     "FILE:17: keys.size: 2048 is not between min_size 64 and max_size 1024"),
    ("keys: {  }", "keys: 5", "FILE:17: keys: expected a group of settings: { … }"),
    ('module = "sqlite"', 'module = "sqlight"', 'FILE:18: store: no keystore module "sqlight"'),
    ('file = "kme-a.db";', "", "FILE:18: store.file: missing; it is required: a file name in quotes"),
    ('saes: (', 'saes: (); other: (', 'FILE:19: other: unknown setting'),
    ('certificate_serial = "11";', "",
     'FILE:19: saes[0].id: SAE "11" of this KME needs certificate_serial, certificate_common_name or certificate_uri'),
    ('certificate_serial = "11"', 'certificate_serial = "1x"',
     'FILE:19: saes[0].certificate_serial: "1x" is no serial number: decimal digits, or hexadecimal ones after 0x'),
    ('certificate_serial = "11"', 'certificate_serial = "11"; certificate_uri = "urn:x"',
     "FILE:19: saes[0].certificate_uri: certificate_serial is given too: one of them tells who calls"),
    ('{ id = "12"; kme = "KME-B"; }', '{ id = "12"; kme = "KME-C"; }',
     'FILE:19: saes[1].kme: "KME-C" is neither this KME nor one of peers'),
    ('{ id = "12"; kme = "KME-B"; }', '{ id = "12"; kme = "KME-B"; certificate_serial = "12"; }',
     'FILE:19: saes[1].certificate_serial: the SAE belongs to KME "KME-B", which knows its certificate'),
    ('{ id = "12"; kme = "KME-B"; }', '{ id = "11"; kme = "KME-B"; }', 'FILE:19: saes[1].id: "11" is there twice'),
    ('{ id = "12"; kme = "KME-B"; }', '{ id = "x"; certificate_serial = "0x0b"; }',
     'FILE:19: saes[1].id: has the same certificate as SAE "11"'),
    ('address = "127.0.0.1:PEER"', 'address = "nowhere"',
     'FILE:23: peers[0].address: "nowhere" is no address: expected host:port or [IPv6]:port'),
    ('link: {', 'lnik: {', 'FILE:25: peers[0].lnik: unknown setting; did you mean "link"?'),
    ('secret_file = "link.secret"', 'secret_file = "ca.pem"', "FILE:25: peers[0].link.secret_file: DIR/ca.pem: others "
     "can read it (mode 0644); run: chmod 600 DIR/ca.pem"),
    ("rate = 1000000", "rate = fast", "FILE:25: syntax error"),
]


def folder_with_pair(tmp):
    return qvkme.KmePair(test, tmp, start=False)


def mangled(pair, tmp, old, new):
    text = open(pair.a.config, encoding="utf-8").read()
    old = old.replace("SAE", str(pair.a.sae_port), 1) if "SAE\"" in old else old
    old = old.replace("PEER", str(pair.b.kme_port)) if "PEER" in old else old
    assert old in text, old
    path = os.path.join(tmp, "bad.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new, 1))
    return path


@test.case("each bad configuration ends the KME at once with the message that it should get")
def _(tmp):
    pair = folder_with_pair(tmp)
    wrong = []
    for old, new, message in BAD:
        path = mangled(pair, tmp, old, new)
        done = qvtest.run(["qkd-kme", path], check=False)
        expected = message.replace("FILE", path).replace("DIR", tmp)
        errors = [line for line in done.stderr.splitlines() if " error qkd-kme: " in line]
        if done.returncode != 1 or len(errors) != 1 or f" error qkd-kme: {expected}" not in errors[0]:
            wrong.append(f"{old} -> {new}\n  expected {expected}\n  got ({done.returncode}) {done.stderr}")
    assert not wrong, "\n".join(wrong)


@test.case("no file, a broken one, wrong arguments")
def _(tmp):
    done = qvtest.run(["qkd-kme", "/none.conf"], check=False)
    assert done.returncode == 1 and "/none.conf: cannot be read: No such file or directory" in done.stderr, done.stderr
    for arguments in ([], ["a", "b"], ["--none"]):
        done = qvtest.run(["qkd-kme", *arguments], check=False)
        assert done.returncode == 2 and "usage:" in done.stderr
    assert "usage:" in qvtest.run(["qkd-kme", "--help"]).stdout
    assert re.match(r"qkd-kme \d", qvtest.run(["qkd-kme", "--version"]).stdout)


def check_sample(tmp, text):
    path = os.path.join(tmp, "qkd-kme.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("/var/lib/qvisio", tmp))
    done = qvtest.run(["qkd-kme", "--check", path], check=False)
    assert done.returncode == 0 and f"{path} is a good configuration" in done.stderr, (text, done.stderr)


@test.case("--check reads the sample configuration with everything it names, also with all that it shows in comments")
def _(tmp):
    pair = folder_with_pair(tmp)
    sample = open(os.path.join(qvtest.SOURCE, "etc", "qkd-kme.conf"), encoding="utf-8").read()
    qvkme.private_file(os.path.join(tmp, "admin.token"), "0123456789abcdef0123456789abcdef\n")
    pair.pki.revoke()
    with open(os.path.join(tmp, "network.conf"), "w", encoding="ascii") as network:
        network.write('kmes: ("KME-PARIS", "KME-LYON", "KME-NICE");\n'
                      'links: ({ from = "KME-LYON"; to = ["KME-PARIS", "KME-NICE"]; });\n')
    for file, source in (("kme.pem", "kme-a.pem"), ("kme.key", "kme-a.key"), ("peer-ca.pem", "ca.pem"),
                         ("seal.key", "kme-a.seal"), ("link-paris-lyon.secret", "link.secret"), ("admin.pem", "kme-a.pem"),
                         ("admin.key", "kme-a.key")):
        assert f'"{file}"' in sample, file
        shutil.copy(os.path.join(tmp, source), os.path.join(tmp, file))
    check_sample(tmp, sample)
    # A setting is commented out without a blank, text is not.
    every, count = re.subn(r"(?m)^( *)#((?:    #?)?[a-z_]+(?: = |: \{)|\};)", lambda m: m[1] + m[2].replace("#", ""), sample)
    assert count >= 17 and "#" not in re.sub(r"(?m)# .*$", "", every), every
    check_sample(tmp, every.replace("/usr/local/lib/qvisio/modules", os.path.join(qvtest.BUILD, ".libs")))


@test.case("a port that is in use, a foreign seal key, and a store in use are refused")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    done = qvtest.run(["qkd-kme", pair.a.config], check=False)
    assert done.returncode == 1 and "kme-a.db: locking the key store: another process has it open" in done.stderr or \
        "kme-a.db: opening the key store: another process has it open" in done.stderr, done.stderr
    pair.a.stop()
    busy = mangled(pair, tmp, f"127.0.0.1:{pair.a.sae_port}", f"127.0.0.1:{pair.b.sae_port}")
    done = qvtest.run(["qkd-kme", busy], check=False)
    assert done.returncode == 1 and f"cannot listen on 127.0.0.1:{pair.b.sae_port}: Address already in use" in \
        done.stderr, done.stderr
    qvkme.private_file(os.path.join(tmp, "kme-a.seal"), "00" * 32)
    done = qvtest.run(["qkd-kme", pair.a.config], check=False)
    assert done.returncode == 1 and f"{pair.a.config}:2: seal_key_file: the key store belongs to another seal key" in done.stderr


@test.case("port 0 takes a free port and prints it; the ready state reaches the service manager")
def _(tmp):
    pair = folder_with_pair(tmp)
    path = mangled(pair, tmp, f"127.0.0.1:{pair.a.sae_port}", "127.0.0.1:0")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(os.path.join(tmp, "notify"))
    manager.settimeout(qvtest.TIMEOUT)
    process = test.start(["qkd-kme", path], env={"NOTIFY_SOCKET": os.path.join(tmp, "notify")})
    port = int(process.wait_for(r"listening for SAEs on 127\.0\.0\.1:(\d+)")[1])
    assert manager.recv(100) == b"READY=1"
    pair.a.sae_port = port
    assert pair.a.call("11", "GET", "/api/v1/sae/info/me")[0] == 200
    process.popen.terminate()
    assert manager.recv(100) == b"STOPPING=1"


test.run()
