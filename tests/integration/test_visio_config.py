# SPDX-License-Identifier: Apache-2.0
"""Configurations of visio_client and visio_server: bad ones and the message each gets, the samples in etc/."""

import os
import re

import qvtest

test = qvtest.Test(__file__)

KEYS = 'key_source: { module = "psk"; keys = "keys.txt"; sae_id = "11"; };\n'
PEER = 'peer: { host = "127.0.0.1"; port = 1; sae_id = "12"; };\n'
VIDEO = 'video: { source: { module = "testpattern"; }; };\n'
GOOD = KEYS + PEER + VIDEO

# (program, configuration, what standard error ends with)
BAD = [
    ("visio_client", "peer: { host = ;", "bad.conf:1: syntax error"),
    ("visio_client", "", "bad.conf: peer: missing; it says whom to call: { host = …; sae_id = …; }"),
    ("visio_client", KEYS + VIDEO + "peer: { sae_id = \"12\"; };\n",
     "bad.conf:3: peer.host: missing; it is required: a string in quotes"),
    ("visio_client", KEYS + VIDEO + 'peer: { host = "h"; prot = 5; };\n',
     'bad.conf:3: peer.prot: unknown setting; did you mean "port"?'),
    ("visio_client", KEYS + VIDEO + 'peer: { host = "h";\n port = 70000; };\n',
     "bad.conf:4: peer.port: expected a whole number from 1 to 65535, not 70000"),
    ("visio_client", KEYS + VIDEO + 'peer = "h";\n', "bad.conf:3: peer: expected a group of settings: { … }"),
    ("visio_client", KEYS + VIDEO + 'peer: { host = "h"; };\n',
     "bad.conf:3: peer.sae_id: missing; QKD keys are taken for the SAE ID of the peer"),
    ("visio_client", KEYS + PEER, "bad.conf: neither video nor audio is configured; a call needs one of them"),
    ("visio_client", PEER + VIDEO,
     "bad.conf: key_source: missing; it says where QKD keys come from: { module = …; }"),
    ("visio_client", GOOD + 'colour = "blue";\n', "bad.conf:4: colour: unknown setting"),
    ("visio_client", GOOD + "log_level = 5;\n",
     'bad.conf:4: log_level: expected one of "error", "warning", "info", "debug", not 5'),
    ("visio_client", GOOD + 'listen: { };\n', "bad.conf:4: listen: unknown setting"),
    ("visio_client", KEYS + PEER + 'video: { codec: { module = "mjpeg"; }; };\n',
     "bad.conf:3: video.source: missing; it names the module: { module = …; }"),
    ("visio_client", KEYS + PEER + "video: { source: { }; };\n",
     "bad.conf:3: video.source.module: missing; it names the module to use"),
    ("visio_client", KEYS + PEER + 'video: { source: { module = "testpattern";\nwidht = 5; }; };\n',
     'bad.conf:4: video.source.widht: unknown setting; did you mean "width"?'),
    ("visio_client", KEYS + PEER + 'video: { source: { module = "testpattern"; width = "x"; }; };\n',
     r"bad.conf:3: video.source.width: expected a whole number from .* px, not a string"),
    ("visio_client", KEYS + PEER + 'video: { source: { module = "nosuch"; }; };\n',
     r'bad.conf:3: video.source: no videosource module "nosuch": there is no videosource-nosuch.so in .*'),
    ("visio_client", KEYS + PEER + 'video: { source: { module = "../x"; }; };\n',
     r"""bad.conf:3: video.source: "../x" is no module name: only a-z, 0-9, '_' and '-' occur in one"""),
    ("visio_client", GOOD + 'tls: { qkd = "maybe"; };\n',
     'bad.conf:4: tls.qkd: expected one of "require", "prefer", "off", not "maybe"'),
    ("visio_client", GOOD + 'tls: { certificate = "c.pem"; };\n',
     "bad.conf:4: tls.certificate: private_key is missing beside it"),
    ("visio_server", KEYS + 'video: { sink: { module = "null"; }; };\nlisten: { address = "nowhere"; };\n',
     'bad.conf:3: listen.address: "nowhere" is not of the form host:port, with a port from 0 to 65535'),
    ("visio_server", KEYS + 'video: { sink: { module = "null"; }; };\nlisten: { address = "::1:5"; };\n',
     'bad.conf:3: listen.address: "::1:5": write an IPv6 address in brackets: [::1]:5'),
    ("visio_server", KEYS + 'video: { source: { module = "testpattern"; }; };\n',
     'bad.conf:2: video.source: unknown setting'),
    ("visio_server", KEYS + 'video: { sink: { module = "null"; }; sinks: ( { module = "null"; } ); };\n',
     "bad.conf:2: video.sink: given as a list too; use one of both"),
    ("visio_server", KEYS + 'video: { sinks: ( { module = "null"; }, 5 ); };\n',
     "bad.conf:2: video.sinks: expected a group of settings: { … }"),
    ("visio_server", KEYS + 'video: { sinks: ( { module = "null"; },\n{ module = "null"; colour = 1; } ); };\n',
     "bad.conf:3: video.sinks[1].colour: unknown setting"),
    ("visio_server", '{ "kme_address": 5 }',
     "bad.conf: kme_authentication_certificate_path: missing; it is required"),
    ("visio_client", '{\n"kme_adress": "x" }', "bad.conf:2: kme_adress: unknown setting"),
]


def write(folder, name, text, mode=0o644):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def add_bad(number, program, config, expected):
    @test.case(f"{program} refuses configuration {number}: {expected[:60]}")
    def _(tmp):
        write(tmp, "keys.txt", "k1 hex:" + "ab" * 32 + "\n", 0o600)
        write(tmp, "bad.conf", config)
        done = qvtest.run([program, "--stats=off", "bad.conf"], check=False, cwd=tmp)
        line = done.stderr.strip().splitlines()[-1]
        message = line.split(" error " + program + ": ", 1)[-1]
        exact = re.escape(expected) if ".*" not in expected else expected
        assert re.fullmatch(exact, message), f"expected: {expected}\n     got: {message}"
        assert done.returncode == 2, done.returncode


for _number, (_program, _config, _expected) in enumerate(BAD, 1):
    add_bad(_number, _program, _config, _expected)


@test.case("the sample configurations are right, and name every setting as it is")
def _(tmp):
    for program in ("visio_client", "visio_server"):
        for ending in (".conf", ".json"):
            qvtest.run([program, "--check", os.path.join(qvtest.SOURCE, "etc", program + ending)])


@test.case("a password never shows in a message about its configuration")
def _(tmp):
    write(tmp, "bad.json", '{ "kme_address": "k:1", "kme_authentication_certificate_path": "none.pfx",\n'
                           '"kme_authentication_certificate_password": "S3cretWord",\n'
                           '"binding_address": "127.0.0.1:0", "danger_accept_invalid_kme_cert": false }')
    done = qvtest.run(["visio_server", "--log-level=debug", "bad.json"], check=False, cwd=tmp)
    assert done.returncode != 0
    assert "S3cretWord" not in done.stderr + done.stdout


@test.case("unreadable files and wrong command lines are told apart")
def _(tmp):
    done = qvtest.run(["visio_client", os.path.join(tmp, "none.conf")], check=False)
    assert "none.conf: cannot be read: No such file or directory" in done.stderr, done.stderr
    for arguments in ([], ["a", "b"], ["--stats=loud", "a"], ["--seconds=-1", "a"], ["--log-level=all", "a"]):
        done = qvtest.run(["visio_client", *arguments], check=False)
        assert done.returncode == 2 and "visio_client" in done.stderr, (arguments, done.stderr)
    assert qvtest.run(["visio_client", "--version"]).stdout.startswith("visio_client ")
    assert "usage: visio_server" in qvtest.run(["visio_server", "--help"]).stdout


test.run()
