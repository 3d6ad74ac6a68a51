# SPDX-License-Identifier: Apache-2.0
"""Six `visio` processes in a conference: a mesh of calls keyed by three KMEs, tiles, mixed sound, and who comes and goes."""

import os
import re

import qvaudio
import qvcall
import qvkme
import qvtest
from qvconference import CANVAS, NAMES, RATE, TONES, Room, luma, power, tile_greys

test = qvtest.Test(__file__)


def check_tiles(end, order):
    """There is a picture in which each tile has the grey of its sender; `order` are SAE IDs."""
    frames = qvcall.Y4m(os.path.join(end.folder, end.name + "-seen.y4m")).frames
    found = [list(tile_greys(frame, len(order))) for frame in frames]
    assert any(all(abs(grey - luma(sae)) < 4 for sae, grey in zip(order, greys)) for greys in found), (order, found)


def check_sound(end, saes):
    samples, rate, channels = qvaudio.read_wav(os.path.join(end.folder, end.name + "-heard.wav"))
    assert (rate, channels) == (RATE, 1)
    best = {sae: max(power(samples[at:at + RATE // 4], TONES[sae]) for at in range(0, len(samples) - RATE // 4, RATE // 4))
            for sae in TONES}
    for sae in TONES:
        assert (best[sae] > 0.03) == (sae in saes), (end.name, best)


@test.case("six are in one conference: every pair has its own key, all are seen and heard, and it goes on without one")
def _(tmp):
    room = Room(test, tmp, NAMES)
    for sae in NAMES:
        if sae != "13":
            room[sae].start()
    caller = room["13"].start("call", *(name for sae, name in NAMES.items() if sae != "13"))
    room.all_connected()
    keys = {}
    for sae, end in room.ends.items():
        for other, key in end.open().items():
            keys.setdefault(frozenset((sae, other)), set()).add(key)
    assert len(keys) == 15 and all(len(pair) == 1 for pair in keys.values()), keys
    assert len(set.union(*keys.values())) == 15, keys
    for participant in room["16"].ctl("status")["participants"]:
        assert participant["security"].startswith("QKD"), participant
    # Long enough that all have been seen and heard.
    for end in room.ends.values():
        qvkme.wait_until(lambda: all(p["shown"] >= 15 and p["level"] > 0.02 for p in end.ctl("status")["participants"]))
    room["12"].process.popen.kill()
    for sae in NAMES:
        if sae != "12":
            qvkme.wait_until(lambda: "12" not in room[sae].open())
            assert len(room[sae].open()) == 4
    room["12"].start()
    room.all_connected()  # whoever had called it calls it again, and so it finds the others
    # Who had called all is called by nobody, and comes back by calling some of them.
    caller.process.popen.kill()
    for sae in NAMES:
        if sae != "13":
            qvkme.wait_until(lambda: "13" not in room[sae].open())
    os.unlink(os.path.join(tmp, "cid.sock"))
    caller.start("call", "ann", "fay")
    room.all_connected()
    order = {sae: [p["sae_id"] for p in end.ctl("status")["participants"]] for sae, end in room.ends.items()}
    for end in room.ends.values():
        qvkme.wait_until(lambda: all(p["shown"] >= 10 for p in end.ctl("status")["participants"]))
    assert caller.ctl("hangup")["ok"]
    assert caller.process.wait() == 0, caller.process.output()
    room.ends.pop("13")
    room.all_connected()
    for end in room.ends.values():
        assert end.ctl("hangup")["ok"]
    for end in room.ends.values():
        qvkme.wait_until(lambda: end.ctl("status")["state"] == "idle")
        end.stop()
    # The order of tiles is that of the participants.
    check_tiles(caller, order["13"])
    check_tiles(room["12"], order["12"])
    check_sound(caller, set(NAMES) - {"13"})
    check_sound(room["16"], set(NAMES) - {"16"})


def told_of_calls(end):
    """What it has printed that only a change of calls or connections brings."""
    return [line for line in end.process.output().splitlines() if re.match(r'\{"event":"(opened|roster|link-|summary)', line)]


@test.case("the connection of one pair breaks: its call goes on with a fresh key, and the others notice nothing")
def _(tmp):
    room = Room(test, tmp, ["11", "12", "13", "14"])
    pairs = {("11", "12"): "cut", ("13", "14"): "cut", ("12", "14"): "hold"}  # who calls whom
    detours = {pair: room[pair[0]].detour(pair[1]) for pair in pairs}
    for sae in ("11", "12", "14"):
        room[sae].start()
    room["13"].start("call", "ann", "bob", "dan")
    room.all_connected()
    for end in room.ends.values():
        qvkme.wait_until(lambda: all(p["shown"] >= 5 for p in end.ctl("status")["participants"]))
    for pair, what in pairs.items():
        before = {sae: end.open() for sae, end in room.ends.items()}
        known = {sae: told_of_calls(end) for sae, end in room.ends.items()}
        getattr(detours[pair], what)()
        if what == "hold":
            for sae in pair:
                qvcall.event(room[sae].process, "link-lost")
            detours[pair].open()
        for sae in pair:
            qvcall.event(room[sae].process, "link-back")
        room.all_connected()
        for sae, end in room.ends.items():
            keys = end.open()
            for other in keys:
                assert (keys[other] != before[sae][other]) == ({sae, other} == set(pair)), (sae, other, keys, before)
            assert {p["sae_id"] for p in end.ctl("status")["participants"] if p["resumed"]} == \
                {other for one in list(pairs)[:list(pairs).index(pair) + 1] if sae in one for other in one if other != sae}
            if sae not in pair:
                assert told_of_calls(end) == known[sae], (sae, told_of_calls(end), known[sae])
        a, b = pair
        assert room[a].open()[b] == room[b].open()[a]
        shown = [room[x].participant(y)["shown"] for x, y in ((a, b), (b, a))]
        for (x, y), least in zip(((a, b), (b, a)), shown):
            qvkme.wait_until(lambda: room[x].participant(y)["shown"] > least + 5)
    assert room["13"].ctl("hangup")["ok"]
    room.all_connected("11", "12", "14")


def check_kept(end, names):
    """A snapshot has all tiles, and a recording all who are there, in one file."""
    path = os.path.join(end.folder, "wall.png")
    assert end.ctl("snapshot " + path)["ok"]
    told = qvcall.event(end.process, "snapshot")
    assert told["peer"] == "conference" and "text" not in told, told
    with open(path, "rb") as f:
        png = f.read(24)
    assert (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")) == CANVAS, png
    if not os.path.exists(os.path.join(qvtest.BUILD, ".libs", "recorder-matroska.so")):
        print("# recorder/matroska is not built")
        return
    said = end.ctl("record " + os.path.join(end.folder, "talk.mkv"))
    assert said["ok"] and os.path.basename(said["file"]) == "talk.mkv", said
    assert all(p["recording"] for p in end.ctl("status")["participants"])
    for _ in names:
        qvcall.event(end.process, "stats")
    assert end.ctl("record stop")["ok"]
    assert sorted(qvcall.recorded(said["file"])) == sorted([("video", "sent"), ("audio", "sent")] +
                                                          [(kind, name) for kind in ("video", "audio") for name in names])
    assert "nothing is recorded" in end.ctl("record stop")["error"]


@test.case("strangers are not called, another call is busy, and somebody may be asked")
def _(tmp):
    room = Room(test, tmp, ["11", "12", "13", "14"], of_11={"known": ["12"]}, of_12={"auto_answer": False})
    for sae in ("11", "12", "14"):
        room[sae].start()
    caller = room["13"].start("call", "ann", "bob")
    room["13"].sees("11")
    qvkme.wait_until(lambda: room["12"].ctl("status")["state"] == "ringing")
    assert room["12"].ctl("answer")["ok"]
    room.all_connected("11", "12", "13")
    # dan is no part of this, and alone with ann
    other = room["14"]
    other.stop()
    busy = other.start("call", "ann", "bob")
    assert busy.process.wait() == 3, busy.process.output()
    room.all_connected("11", "12", "13")
    check_kept(caller, ("ann", "bob"))
    assert "already" in caller.ctl("call ann")["error"]
    assert room["12"].ctl("mute audio")["ok"]
    for sae in ("11", "13"):
        qvkme.wait_until(lambda: [p["peer_muted"]["audio"] for p in room[sae].ctl("status")["participants"]
                                  if p["sae_id"] == "12"] == [True])
    assert room["12"].ctl("hangup ann")["ok"]
    room["12"].sees("13")
    room["11"].sees("13")
    assert caller.ctl("hangup")["ok"]
    assert caller.process.wait() == 0, caller.process.output()
    for sae in ("11", "12"):
        qvkme.wait_until(lambda: room[sae].ctl("status")["state"] == "idle")
        room[sae].stop()


test.run()
