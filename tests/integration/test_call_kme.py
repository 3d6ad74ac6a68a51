# SPDX-License-Identifier: Apache-2.0
"""Calls keyed by two real KMEs, also with the JSON configuration of the original tools, and KMEs that go away."""

import glob
import json
import os
import signal

import qvaudio
import qvcall
import qvkme
import qvtest

test = qvtest.Test(__file__)


def source(pair, kme, sae, extra=""):
    base = os.path.join(pair.folder, f"sae-{sae}")
    return (f'{{ module = "etsi014"; kme = "{kme.address}"; certificate = "{base}.pem"; private_key = "{base}.key"; '
            f'ca = "{pair.folder}/ca.pem"; {extra} }}')


def start_call(tmp, pair, **options):
    return qvcall.Call(test, tmp, key_source=source(pair, pair.b, 12), **options)


def client(call, pair, **options):
    return call.client(key_source=source(pair, pair.a, 11), **options)


@test.case("a call is keyed by a key that both KMEs hand out, once, and another call by another key")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    call = start_call(tmp, pair)
    keys = set()
    for _ in range(2):
        caller = client(call, pair, video='module = "testpattern"; frames = 10;')
        assert caller.wait() == 0, caller.output()
        security = qvcall.event(call.server, "summary")["security"]
        assert security["secured"] == "qkd" and security["peer_sae"] == "11", security
        keys.add(security["key_ID"])
    assert len(keys) == 2, keys
    # Delivered to both ends, the keys are gone: a third program that learns a key_ID gets nothing.
    for key_id in keys:
        status, body, _ = pair.b.call("12", "GET", f"/api/v1/keys/11/dec_keys?key_ID={key_id}")
        assert status == 400, (status, body)


@test.case("KMEs that are killed during a call end no call; the next call says what is missing")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    call = start_call(tmp, pair)
    caller = client(call, pair)
    qvcall.event(call.server, "stats")
    pair.a.kill()
    pair.b.kill()
    before = qvcall.event(call.server, "stats")["video"]["shown"]
    assert qvcall.event(call.server, "stats")["video"]["shown"] > before
    caller.signal(signal.SIGTERM)
    assert caller.wait() == 0, caller.output()
    again = client(call, pair, name="again")
    assert again.wait() == 1
    assert "no QKD key for SAE 12" in again.output() and pair.a.address in again.output(), again.output()
    assert call.server.running()


@test.case("a server whose KME is gone refuses the caller, and serves again when it is back")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    call = start_call(tmp, pair)
    pair.b.kill()
    caller = client(call, pair)
    assert caller.wait() == 1, caller.output()
    pair.b.start()
    caller = client(call, pair, video='module = "testpattern"; frames = 5;', name="back")
    assert caller.wait() == 0, caller.output()


def original_files(tmp, pair, port):
    """The JSON files of the original tools, with every key."""
    common = {"kme_authentication_certificate_password": qvkme.PASSWORD, "danger_accept_invalid_kme_cert": True}
    server = dict(common, kme_address=pair.b.address, kme_authentication_certificate_path="sae-12.pfx",
                  binding_address=f"127.0.0.1:{port}")
    caller = dict(common, kme_address=pair.a.address, kme_authentication_certificate_path="sae-11.pfx",
                  target_sae_host="localhost", target_sae_port=port, target_sae_id=12,
                  override_default_format={"width": 320, "height": 240}, override_default_camera_fps=True,
                  override_default_video_jpeg_quality=60, override_default_camera_device=os.path.join(tmp, "camera"),
                  override_default_audio_frame_accumulator_length=3)
    for name, config in (("server.json", server), ("client.json", caller)):
        qvcall.write(tmp, name, json.dumps(config, indent=2), 0o600)


def quiet_devices(tmp):
    """No display and no sound card: SDL's dummy driver, and ALSA's null device as the default one."""
    asound = qvcall.write(tmp, "asound.conf", "pcm.!default { type null }\nctl.!default { type null }\n")
    return {"SDL_VIDEODRIVER": "dummy", "ALSA_CONFIG_PATH": asound}


@test.case("the original server's JSON file works unchanged: PFX, SAE number, window, sound")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    port = qvtest.free_port()
    original_files(tmp, pair, port)
    server = test.start(["visio_server", "--stats=json", "server.json"], cwd=tmp, env=quiet_devices(tmp))
    server.wait_for("DANGER|danger|anyone|whoever")  # the warning that goes with an unverified KME
    qvcall.event(server, "listening")
    call = qvcall.Call.__new__(qvcall.Call)
    call.test, call.folder, call.env, call.port = test, tmp, None, port
    caller = client(call, pair, video='module = "testpattern"; frames = 20;', audio='module = "tone"; seconds = 1;')
    assert caller.wait() == 0, caller.output()
    summary = qvcall.event(server, "summary")
    assert summary["video"]["shown"] > 0 and summary["audio"]["played"] > 0, summary
    assert summary["security"]["secured"] == "qkd", summary


def start_with_camera(tmp, argv, env):
    """Starts a program where libv4l2 finds the test's camera plugin; see modules/videosource/v4l2/fake_camera.c."""
    plugins = glob.glob("/usr/lib/*/libv4l/plugins")
    own = os.path.join(qvtest.BUILD, "modules/videosource/v4l2/.libs")
    if not plugins or not os.path.exists(os.path.join(own, "fake_camera.so")):
        raise qvtest.Skip("libv4l2 or the fake camera is not here")
    probe = qvtest.run(["unshare", "-rm", "mount", "--bind", own, plugins[0]], check=False)
    if probe.returncode != 0:
        raise qvtest.Skip("no permission for user and mount namespaces")
    return test.start(["unshare", "-rm", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh", own,
                       plugins[0], qvtest.program(argv[0]), *argv[1:]], cwd=tmp, env=env)


def make_camera(tmp, count):
    """A camera of 320x240 that gives JPEG, and the pictures it gives as Y4M."""
    prefix, still = os.path.join(tmp, "picture"), ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30"]
    qvtest.run(["ffmpeg", "-v", "error", *still, "-frames:v", count, "-start_number", "0", prefix + "-%d.jpg"])
    qvtest.run(["ffmpeg", "-v", "error", "-start_number", "0", "-i", prefix + "-%d.jpg", "-pix_fmt", "yuvj420p",
                "-strict", "-1", prefix + ".y4m"])
    with open(os.path.join(tmp, "camera"), "wb") as f:
        f.write(f"camera {prefix}\npictures {count}\nmode MJPG 320 240 30\nend\n".encode())
        f.truncate(64 * 1024 + 8 * 2 * 1024 * 1024)
    return prefix + ".y4m"


@test.case("the original client's JSON file works unchanged: camera and microphone arrive")
def _(tmp):
    count = 20
    pictures = make_camera(tmp, count)
    pair = qvkme.KmePair(test, tmp)
    call = start_call(tmp, pair, video_sink='module = "file"; path = "received.y4m";',
                      audio_sink='module = "file"; path = "received.wav";')
    original_files(tmp, pair, call.port)
    pulse = qvaudio.Pulse(test, tmp)
    asound = qvcall.write(tmp, "asound.conf", '<confdir:alsa.conf>\npcm.!default { type pulse device "one.monitor" }\n')
    caller = start_with_camera(tmp, ["visio_client", "--stats=json", "client.json"],
                               {**pulse.env, "ALSA_CONFIG_PATH": asound})
    qvcall.event(caller, "stats")
    noise = os.path.join(tmp, "noise.wav")
    qvaudio.write_noise(noise, seconds=2)
    qvtest.run(["paplay", "--device=one", noise], env={**os.environ, **pulse.env})
    caller.signal(signal.SIGTERM)
    assert caller.wait() == 0, caller.output()
    summary = qvcall.event(call.server, "summary")
    assert summary["security"]["secured"] == "qkd" and summary["audio_format"]["rate"] == 16000, summary
    # The camera's own JPEG is sent as it is, so that nothing is lost on the way but by decoding.
    sent, received = qvcall.Y4m(pictures).frames, qvcall.Y4m(os.path.join(tmp, "received.y4m")).frames
    assert len(received) > 10, len(received)
    for frame in received[:10]:
        assert max(qvcall.psnr(frame, f) for f in sent if qvcall.mean_square(frame, f, 97) < 50) > 45
    # Of noise, chance gives next to nothing; what a busy machine loses of a live sound is in the jitter buffer's tests.
    fit = qvaudio.correlate(noise, os.path.join(tmp, "received.wav"))
    assert fit.peak > 0.6, fit


@test.case("the original client's JSON file says when there is no camera")
def _(tmp):
    pair = qvkme.KmePair(test, tmp)
    call = start_call(tmp, pair)
    original_files(tmp, pair, call.port)
    caller = test.start(["visio_client", "--stats=json", "client.json"], cwd=tmp, env=quiet_devices(tmp))
    assert caller.wait() == 1
    assert os.path.join(tmp, "camera") in caller.output(), caller.output()
    assert qvkme.PASSWORD not in caller.output()


test.run()
