# SPDX-License-Identifier: Apache-2.0
"""Every module of the build tree passes the conformance suite of its kind, as far as this machine has what it needs."""

import base64
import json
import os
import re
import subprocess
import wave

import qvtest

test = qvtest.Test(__file__)
BUILD_MODULES = os.path.realpath(os.path.join(qvtest.BUILD, ".libs"))


def text_file(path, text, mode=0o644):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as f:
        f.write(text)
    return path


def wav_file(tmp):
    path = os.path.join(tmp, "in.wav")
    with wave.open(path, "wb") as f:
        f.setnchannels(2)
        f.setsampwidth(2)
        f.setframerate(48000)
        f.writeframes(bytes(range(256)) * 1500)
    return path


def y4m_file(tmp):
    path = os.path.join(tmp, "in.y4m")
    with open(path, "wb") as f:
        f.write(b"YUV4MPEG2 W64 H48 F30:1 Ip A1:1 C420jpeg\n")
        for number in range(30):
            f.write(b"FRAME\n" + bytes([number * 8]) * (64 * 48 * 3 // 2))
    return path


def psk(tmp):
    keys = "".join(f"key-{i} {base64.b64encode(os.urandom(32)).decode()}\n" for i in range(60))
    arguments = ["--peer", "bob"]
    for name, option in (("alice", "own"), ("bob", "peer")):
        folder = os.path.join(tmp, name)
        os.mkdir(folder, 0o700)
        text_file(os.path.join(folder, "keys"), keys, 0o600)
        config = text_file(os.path.join(folder, "psk.conf"), f'keys = "keys"; sae_id = "{name}"; reuse = false;\n')
        arguments += ["--config" if option == "own" else "--peer-config", config]
    return arguments


def simulated(tmp):
    return ["secret_file=" + text_file(os.path.join(tmp, "secret"), "x" * 64, 0o600), "stock=100"]


# What to give each module; None where its defaults do. A function is called with an empty folder.
ARGUMENTS = {
    "audiocodec/pcm": None,
    "audiosink/alsa": lambda tmp: ["device=null"],
    "audiosink/file": lambda tmp: ["path=" + os.path.join(tmp, "out.wav")],
    "audiosink/null": None,
    "audiosource/alsa": lambda tmp: ["device=null"],
    "audiosource/file": lambda tmp: ["path=" + wav_file(tmp)],
    "audiosource/tone": None,
    "keysource/psk": psk,
    "keystore/sqlite": lambda tmp: ["file=" + os.path.join(tmp, "keys.db")],
    "qkdlink/simulated": simulated,
    "tls/gnutls": None,
    "tls/openssl": None,
    "videocodec/mjpeg": None,
    "videosink/file": lambda tmp: ["path=" + os.path.join(tmp, "out.y4m")],
    "videosink/null": None,
    "videosink/sdl": None,
    "videosource/file": lambda tmp: ["path=" + y4m_file(tmp)],
    "videosource/testpattern": None,
}

# Modules that need what this machine may lack (a camera, a sound server, a KME): their skips are no fault.
NEEDS_MACHINE = {"audiosink/pulse", "audiosource/pulse", "keysource/etsi014", "videosource/v4l2"}

# Cases that need not apply to a good module.
MAY_SKIP = re.compile(r"has no option that names a file|the file is stripped|need not wait|its write does not wait|"
                      r"neither status nor poll|leaves gaps to the core|does not take JPEG|keeps frames back|"
                      r"only one can use")


def built_modules():
    files = json.loads(qvtest.run(["qvisio-module", "list", "--json"]).stdout)
    return [f"{f['kind']}/{f['name']}" for f in files if "kind" in f and os.path.dirname(f["path"]) == BUILD_MODULES]


def check(name, arguments, tmp):
    # Without a display or a home with settings of its own, whatever the machine has.
    env = dict(os.environ, SDL_VIDEODRIVER="dummy", HOME=tmp, ALSA_CONFIG_PATH="/usr/share/alsa/alsa.conf")
    done = subprocess.run([qvtest.program("qvisio-module"), "check", name, *arguments], capture_output=True, text=True,
                          env=env, timeout=600, stdin=subprocess.DEVNULL)
    faults = [line for line in done.stdout.splitlines() if line.startswith(("#", "not ok"))]
    assert done.returncode == 0 and not faults, "\n".join(faults) + done.stderr
    return [line for line in done.stdout.splitlines() if "# SKIP" in line and not MAY_SKIP.search(line)]


def add_case(name):
    @test.case(name)
    def _(tmp):
        if name not in ARGUMENTS and name not in NEEDS_MACHINE:
            raise AssertionError(f"this test does not know {name}: add its arguments to ARGUMENTS")
        give = ARGUMENTS.get(name)
        skipped = check(name, give(tmp) if give else [], tmp)
        if name in NEEDS_MACHINE and skipped:
            raise qvtest.Skip(f"{len(skipped)} cases need what is not here, such as: {skipped[0].split('# SKIP ')[1]}")
        assert not skipped, "\n".join(skipped)


for module in built_modules():
    add_case(module)


@test.case("KIND/NAME, NAME and a file name the same; options from a file and from words")
def _(tmp):
    config = text_file(os.path.join(tmp, "p.conf"), 'module = "testpattern";\nwidth = 160; height = 120;\n')
    for arguments in (["testpattern", "--config", config], ["videosource/testpattern", "width=160", "height=120"],
                      [os.path.join(BUILD_MODULES, "videosource-testpattern.so"), "width=160", "height=120"]):
        done = qvtest.run(["qvisio-module", "check", *arguments])
        assert re.search(r"^1\.\.14$", done.stdout, re.M) and "not ok" not in done.stdout, done.stdout


@test.case("options that do not fit, and wrong usage, are told")
def _(tmp):
    done = qvtest.run(["qvisio-module", "check", "testpattern", "widht=64"], check=False)
    assert done.returncode == 1 and 'widht: unknown setting; did you mean "width"?' in done.stdout, done.stdout
    for arguments in ([], ["testpattern", "--config"], ["testpattern", "--config", "/nonexistent/file"],
                      ["testpattern", "--timeout", "0"], ["testpattern", "--config", "/dev/null", "width=64"]):
        assert qvtest.run(["qvisio-module", "check", *arguments], check=False).returncode == 2, arguments


test.run()
