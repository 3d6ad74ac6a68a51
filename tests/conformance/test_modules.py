# SPDX-License-Identifier: Apache-2.0
"""Every module of the build tree passes the conformance suite of its kind, here or in a test of its own."""

import base64
import json
import os
import re
import wave

import qvconform
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


def film(tmp):
    path = os.path.join(tmp, "in.mkv")
    qvtest.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=30:d=3", "-f", "lavfi", "-i",
                "sine=d=3", "-c:v", "mpeg4", "-c:a", "pcm_s16le", path])
    return ["path=" + path]


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


def key_files(tmp):
    folder = os.path.join(tmp, "keys")
    os.mkdir(folder, 0o700)
    for number in range(40):
        with open(os.open(f"{folder}/{number:03}.cor", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
            f.write(os.urandom(32 * 64))
    return ["path=" + folder, "settle=0"]


# What to give each module; None where its defaults do. A function is called with an empty folder.
ARGUMENTS = {
    "audiocodec/opus": None,
    "audiocodec/pcm": None,
    "audiofilter/speexdsp": None,
    "audiofilter/webrtc": None,
    "audiosink/file": lambda tmp: ["path=" + os.path.join(tmp, "out.wav")],
    "audiosink/null": None,
    "audiosource/file": lambda tmp: ["path=" + wav_file(tmp)],
    "audiosource/libav": film,
    "audiosource/tone": None,
    "keysource/psk": psk,
    "keystore/memory": None,
    "keystore/sqlite": lambda tmp: ["file=" + os.path.join(tmp, "keys.db")],
    "qkdlink/directory": key_files,
    "qkdlink/simulated": simulated,
    "recorder/matroska": None,
    "relay/disjoint": None,
    "relay/recursive": None,
    "relay/redistribute": None,
    "srtp/libsrtp2": None,
    "tls/gnutls": None,
    "tls/openssl": None,
    "videocodec/mjpeg": None,
    "videocodec/vpx": None,
    "videosink/caca": lambda tmp: ["driver=null"],
    "videosink/file": lambda tmp: ["path=" + os.path.join(tmp, "out.y4m")],
    "videosink/null": None,
    "videosink/sdl": None,
    "videosource/file": lambda tmp: ["path=" + y4m_file(tmp)],
    "videosource/libav": film,
    "videosource/testpattern": None,
}

# Modules whose own tests run the suite, with what it needs: a sound server, two KMEs, a camera.
ELSEWHERE = {
    "audiosink/alsa": "tests/modules/audio_alsa.py",
    "audiosink/pulse": "tests/modules/audio_pulse.py",
    "audiosource/alsa": "tests/modules/audio_alsa.py",
    "audiosource/pulse": "tests/modules/audio_pulse.py",
    "keystore/postgres": "modules/keystore/postgres/test_postgres.py",
    "keysource/etsi014": "modules/keysource/etsi014/test_qkd_kme.py",
    "videosource/v4l2": "modules/videosource/v4l2/test_v4l2.py",
}


def built_modules():
    files = json.loads(qvtest.run(["qvisio-module", "list", "--json"]).stdout)
    return [f"{f['kind']}/{f['name']}" for f in files if "kind" in f and os.path.dirname(f["path"]) == BUILD_MODULES]


def add_case(name):
    @test.case(name)
    def _(tmp):
        if name not in ARGUMENTS:
            raise AssertionError(f"this test does not know {name}: add its arguments to ARGUMENTS")
        give = ARGUMENTS[name]
        # Without a display or a home with settings of its own, whatever the machine has.
        env = dict(os.environ, SDL_VIDEODRIVER="dummy", HOME=tmp)
        qvconform.check(name, *(give(tmp) if give else []), env=env)


for module in built_modules():
    if module not in ELSEWHERE:
        add_case(module)


@test.case("the other modules are checked in their own tests")
def _(tmp):
    for name, path in ELSEWHERE.items():
        with open(os.path.join(qvtest.SOURCE, path), encoding="utf-8") as f:
            text = f.read()
        assert "qvconform." in text and f'"{name}"' in text, f"{path} does not check {name}"


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
