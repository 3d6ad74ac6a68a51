# SPDX-License-Identifier: Apache-2.0
"""A call of two that becomes a conference while it goes on, and what was of the two then serves all."""

import os
import subprocess

import qvaudio
import qvcall
import qvkme
import qvtest
import qvvisio
from qvconference import CANVAS, NAMES, RATE, TONES, Room, luma, power, tile_greys

test = qvtest.Test(__file__)


def needs_devices():
    for kind, name in (("audiosink", "pulse"), ("videosink", "sdl")):
        if not qvvisio.has_module(kind, name):
            raise qvtest.Skip(f"{kind}/{name} is not built")


def live(pulse, sae):
    """Options of an end with a window that nobody sees and a loudspeaker."""
    return {"video_sink": 'module = "sdl";', "env": {**pulse.env, "SDL_VIDEODRIVER": "dummy"},
            "audio_sink": f'module = "pulse"; server = "{pulse.server}"; device = "{NAMES[sae]}";'}


def make_room(tmp, saes, **options):
    needs_devices()
    pulse = qvaudio.Pulse(test, tmp, sinks=[NAMES[sae] for sae in saes])
    return Room(test, tmp, saes, **{"of_" + sae: {**live(pulse, sae), **options.get("of_" + sae, {})} for sae in saes})


def snapshot(end):
    path = os.path.join(end.folder, f"{end.name}-{len(os.listdir(end.folder))}.png")
    assert end.ctl("snapshot " + path)["ok"]
    told = qvcall.event(end.process, "snapshot")
    assert "text" not in told, told
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-"],
                         stdout=subprocess.PIPE, check=True, timeout=qvtest.TIMEOUT).stdout
    assert len(raw) == CANVAS[0] * CANVAS[1], len(raw)
    return raw


def all_seen_and_heard(room, *saes):
    for sae in saes:
        before = {p["sae_id"]: p["shown"] for p in room[sae].ctl("status")["participants"]}
        qvkme.wait_until(lambda: all(p["shown"] >= before[p["sae_id"]] + 5 and p["level"] > 0.02
                                     for p in room[sae].ctl("status")["participants"]))
        order = [p["sae_id"] for p in room[sae].ctl("status")["participants"]]
        greys = list(tile_greys(snapshot(room[sae]), len(order)))
        assert all(abs(grey - luma(other)) < 6 for other, grey in zip(order, greys)), (sae, order, greys)


def lines(end, name):
    return [line for line in end.process.output().splitlines() if f'"event":"{name}"' in line]


def decode(path, index, *options):
    return subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", f"0:{index}", *options, "-"], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=qvtest.TIMEOUT)


def begins(path, index):
    done = qvtest.run(["ffprobe", "-v", "error", "-of", "csv=p=0", "-select_streams", str(index), "-show_entries",
                       "packet=pts_time", path])
    assert not done.stderr, done.stderr
    return float(done.stdout.split()[0])


def check_recording(path):
    """All who ever were with ann have streams in one file, from when they came, each with its own picture and tone."""
    saes, found = {"sent": "11", "dan": "14", "bob": "12", "cid": "13"}, qvcall.recorded(path)
    assert sorted(found) == sorted((kind, name) for kind in ("audio", "video") for name in saes), found
    start = {}
    for index, (kind, name) in enumerate(found):
        if kind == "video":
            done = decode(path, index, "-f", "rawvideo", "-pix_fmt", "gray")
            assert not done.stderr and len(done.stdout) >= 5 * 160 * 120, (name, done.stderr)
            start[name] = begins(path, index)
            assert all(abs(grey - luma(saes[name])) < 6 for grey in done.stdout[160 * 60 + 80::160 * 120]), name
        else:
            done = decode(path, index, "-f", "s16le", "-ac", "1", "-ar", str(RATE))
            samples = memoryview(done.stdout).cast("h")
            assert power(samples[-RATE // 2:], TONES[saes[name]]) > 0.03, (name, done.stderr)
    assert start["sent"] < start["bob"] and start["dan"] < start["bob"] < start["cid"], start


@test.case("a call of two goes on as a conference, to which either end invites, and which goes on without who began it")
def _(tmp):
    saes = ["11", "12", "13", "14"]
    room = make_room(tmp, saes)
    for sae in ("11", "12", "13"):
        room[sae].start()
    path = os.path.join(tmp, "talk.mkv")
    caller = room["14"].start("call", "ann")
    for sae in ("11", "14"):
        qvkme.wait_until(lambda: room[sae].ctl("status")["state"] == "open" and room[sae].ctl("status")["shown"] > 3)
    key = caller.ctl("status")["key_ID"]
    assert not caller.ctl("status")["conference"] and not room["11"].ctl("status")["conference"]
    assert "the call is with ann" in caller.ctl("invite ann")["error"]
    assert "nobody is called" in caller.ctl("invite zoe")["error"]
    assert not caller.ctl("status")["conference"]
    assert "no call" in room["12"].ctl("invite ann")["error"]
    assert "invite" in room["11"].ctl("call bob")["error"]

    assert room["11"].ctl("record " + path)["ok"]
    assert caller.ctl("invite bob")["ok"]
    room.all_connected("11", "12", "14")
    assert room["14"].open()["11"] == room["11"].open()["14"] == key, "the call of the two is another one"
    all_seen_and_heard(room, "11", "12", "14")

    # dan did not listen when he was alone with ann; cid, whose SAE ID is smaller, has to call him.
    assert room["11"].ctl("invite cid")["ok"]
    room.all_connected()
    assert room["14"].open()["11"] == key
    for sae in ("11", "14"):
        assert len(lines(room[sae], "conference")) == 1 and not lines(room[sae], "summary"), room[sae].process.output()
    all_seen_and_heard(room, "11", "13", "14")

    assert caller.ctl("hangup")["ok"]
    assert caller.process.wait() == 0, caller.process.output()
    room.ends.pop("14")
    room.all_connected()
    for sae in ("11", "12", "13"):
        assert room[sae].ctl("hangup")["ok"]
    for sae in ("11", "12", "13"):
        qvkme.wait_until(lambda: room[sae].ctl("status")["state"] == "idle")
    check_recording(path)
    # The devices are free for another call of two.
    assert room["11"].ctl("call bob")["ok"]
    qvkme.wait_until(lambda: room["12"].ctl("status")["state"] == "open" and room["12"].ctl("status")["shown"] > 0)
    assert not room["12"].ctl("status")["conference"]
    for sae in ("11", "12", "13"):
        room[sae].stop()


@test.case("both ends invite somebody at once, and all come together; files go on with the call of the two")
def _(tmp):
    room = make_room(tmp, ["11", "12", "13", "14"], of_14={"video_sink": 'module = "file"; path = "two.y4m";',
                                                          "audio_sink": 'module = "file"; path = "two.wav";'})
    for end in room.ends.values():
        end.start()
    assert room["14"].ctl("call ann")["ok"]
    for sae in ("11", "14"):
        qvkme.wait_until(lambda: room[sae].ctl("status")["state"] == "open" and room[sae].ctl("status")["shown"] > 3)
    assert room["14"].ctl("invite bob")["ok"]
    room["11"].ctl("invite cid")
    room.all_connected()
    all_seen_and_heard(room, "11", "12")
    # Who lost its connection to all is called again by whoever had called it, also in the call that was there first.
    shown = {p["sae_id"]: p["shown"] for p in room["14"].ctl("status")["participants"]}["11"]
    qvkme.wait_until(lambda: {p["sae_id"]: p["shown"] for p in room["14"].ctl("status")["participants"]}["11"] > shown + 5)
    room["11"].process.popen.kill()
    for sae in ("12", "13", "14"):
        room[sae].sees(*({"12", "13", "14"} - {sae}))
    for sae in ("12", "13", "14"):
        assert room[sae].ctl("hangup")["ok"]
        qvkme.wait_until(lambda: room[sae].ctl("status")["state"] == "idle")
        room[sae].stop()
    frames = qvcall.Y4m(os.path.join(tmp, "two.y4m")).frames
    assert len(frames) > shown and all(abs(frame[0] - luma("11")) < 6 for frame in frames), "not the picture of ann alone"


test.run()
