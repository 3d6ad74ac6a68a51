# SPDX-License-Identifier: Apache-2.0
"""The demo, as a person runs it: two KMEs, a call keyed by them, and the files that it leaves."""

import json
import os
import sys

import qvtest

test = qvtest.Test(__file__)
DEMO = os.path.join(qvtest.SOURCE, "tools", "demo", "demo.py")


def run_demo(tmp, *options, check=True):
    return qvtest.run([sys.executable, DEMO, "--build", qvtest.BUILD, "--headless", "--output", tmp, *options],
                      check=check, timeout=120)


for _tls in ("openssl", "gnutls"):
    @test.case(f"the demo keys a call by QKD with {_tls} and leaves what arrived")
    def _(tmp, tls=_tls):
        done = run_demo(tmp, "--seconds", "3", "--tls", tls)
        with open(os.path.join(tmp, "summary.json"), encoding="utf-8") as f:
            summary = json.load(f)
        sent, received = summary["sent"], summary["received"]
        assert received["security"]["secured"] == "qkd" and received["security"]["module"] == tls, summary
        assert received["security"]["key_ID"] == sent["security"]["key_ID"], summary
        assert received["video"]["shown"] > 0 and received["audio"]["played"] > 0, summary
        assert received["security"]["key_ID"] in done.stdout, done.stdout
        for name in ("received.y4m", "received.wav", "snapshot.png"):
            qvtest.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_type", os.path.join(tmp, name)])


@test.case("the demo sends a picture file and a sound file when told to")
def _(tmp):
    import qvaudio
    video, audio = os.path.join(tmp, "in.y4m"), os.path.join(tmp, "in.wav")
    qvtest.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=176x144:rate=25:duration=2", "-pix_fmt",
                "yuv420p", video])
    qvaudio.write_noise(audio, seconds=2)
    run_demo(tmp, "--seconds", "3", "--video", video, "--audio", audio)
    with open(os.path.join(tmp, "received.y4m"), "rb") as f:
        assert b" W176 H144 " in f.readline()


@test.case("the demo says what is wrong with its options")
def _(tmp):
    done = run_demo(tmp, "--video", os.path.join(tmp, "none.y4m"), check=False)
    assert done.returncode == 2 and "there is no file" in done.stderr, done.stderr
    done = run_demo(tmp, "--seconds", "0", check=False)
    assert done.returncode == 2, done.stderr


test.run()
