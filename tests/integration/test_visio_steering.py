# SPDX-License-Identifier: Apache-2.0
"""What a person steers in a running `visio`: by the control socket, and by keys in its window under Xvfb."""

import math
import os
import re

import qvcall
import qvtest
import qvvisio
import x11

test = qvtest.Test(__file__)
SOURCES = ('video: { source: { module = "testpattern"; width = 320; height = 240; fps = 20; }; '
           'sources: ( { name = "small"; source: { module = "testpattern"; width = 160; height = 120; fps = 20; }; } ); '
           'sink: { %s }; };\n'
           'audio: { source: { module = "tone"; }; sink: { module = "null"; }; '
           'sinks: ( { name = "headset"; sink: { module = "null"; }; } ); };\n')


@test.case("how a call is secured is told whole, each second and on demand")
def _(tmp):
    pair = qvvisio.Pair(test, tmp, rekey="interval = 1000.0;")
    alice = pair.call()
    stats = qvcall.event(alice, "stats")["security"]
    assert stats["state"] == "qkd" and stats["key_age"] >= 0 and 900 < stats["next_key_in"] <= 1000, stats
    status = pair.ctl("alice", "status")
    secured = status["secured"]
    for word in ("QKD: key ", " s old, next in ", "key_ID " + status["key_ID"], "route not told", "TLS_",
                 "with SAE 12", "transport "):
        assert word in status["security"], (word, status["security"])
    assert secured["route"] == "untold" and secured["no_new_key"] is None and secured["peer_sae"] == "12", secured
    assert status["notice"] is None and not pair.ctl("alice", "acknowledge")["ok"]
    told = pair.ctl("bob", "stats")["calls"]
    assert len(told) == 1 and told[0]["security"]["key_ID"] == status["key_ID"], told
    assert pair.ctl("alice", "hangup")["ok"] and alice.wait(qvtest.TIMEOUT) == 0


@test.case("without new keys a warning stands until it is acknowledged")
def _(tmp):
    pair = qvvisio.Pair(test, tmp, keys=2, rekey="interval = 0.1;")
    alice = pair.call()
    told = qvcall.event(alice, "security")
    assert told["change"] == "worse" and "NO NEW QKD KEY" in told["text"], told
    status = pair.ctl("alice", "status")
    assert status["notice"]["change"] == "worse" and "WITH NO NEW KEY" in status["security"], status
    assert status["secured"]["no_new_key"], status
    assert pair.ctl("alice", "acknowledge")["ok"]
    assert pair.ctl("alice", "status")["notice"] is None
    assert pair.ctl("alice", "hangup")["ok"] and alice.wait(qvtest.TIMEOUT) == 0


@test.case("a session without QKD is told as such from the beginning")
def _(tmp):
    pair = qvvisio.Pair(test, tmp, tls=qvvisio.classic_tls(tmp))
    alice = pair.call()
    told = qvcall.event(alice, "security")
    assert told["change"] == "worse" and "NOT SECURED BY QKD" in told["text"], told
    status = pair.ctl("alice", "status")
    assert "NOT QKD" in status["security"] and status["secured"]["state"] == "classic", status
    assert status["secured"]["route"] is None and status["key_ID"] == "", status
    assert pair.ctl("alice", "hangup")["ok"] and alice.wait(qvtest.TIMEOUT) == 0


@test.case("who listens can call, and each command says what it takes")
def _(tmp):
    pair = qvvisio.Pair(test, tmp)
    carol = pair.listen("carol")
    for command, word in (("fly", "known are"), ("mute", "say mute audio|video"), ("mute smell", "neither audio nor"),
                          ("source video", "no call"), ("hangup", "no call"), ("status now", "nothing follows"),
                          ("call nobody", "nobody is called"), ("call", "say call NAME")):
        said = pair.ctl("carol", *command.split())
        assert not said["ok"] and (word in said["error"] or "there is no call" in said["error"]), (command, said)
    assert [c["name"] for c in pair.ctl("carol", "contacts")["contacts"]] == ["bob"]
    for _ in range(2):
        assert pair.ctl("carol", "call", "bob")["ok"]
        qvcall.event(carol, "opened")
        assert not pair.ctl("carol", "call", "bob")["ok"]
        assert pair.ctl("carol", "hangup", "bob")["ok"]
        qvcall.event(carol, "summary")
        qvvisio.wait_until(lambda: pair.ctl("carol", "status")["state"] == "idle")
        qvvisio.wait_until(lambda: pair.ctl("bob", "status")["state"] == "idle")
    alice = pair.call()
    qvcall.event(alice, "opened")
    assert "ends with its call" in pair.ctl("alice", "call", "bob")["error"]
    assert pair.ctl("alice", "quit")["ok"] and alice.wait(qvtest.TIMEOUT) == 0


@test.case("sources by name, snapshot and record from the control socket")
def _(tmp):
    pair = qvvisio.Pair(test, tmp, media=SOURCES % 'module = "null";')
    alice = pair.call()
    qvcall.event(alice, "opened")
    devices = pair.ctl("alice", "devices")["video"]["sources"]
    assert [(d["name"], d["module"]) for d in devices] == [("default", "testpattern"), ("small", "testpattern")]
    assert "known: default, small" in pair.ctl("alice", "source", "video", "large")["error"]
    assert pair.ctl("alice", "source", "video", "small")["ok"]
    assert [d["used"] for d in pair.ctl("alice", "devices")["video"]["sources"]] == [False, True]

    sinks = pair.ctl("alice", "devices")["audio"]["sinks"]
    assert [(d["name"], d["used"]) for d in sinks] == [("default", True), ("headset", False)], sinks
    assert "known: default, headset" in pair.ctl("alice", "sink", "audio", "hall")["error"]
    assert "say sink audio NAME" in pair.ctl("alice", "sink", "video", "headset")["error"]
    assert pair.ctl("alice", "sink", "audio", "headset")["ok"]
    qvcall.event(alice, "device-back")
    assert [d["used"] for d in pair.ctl("alice", "devices")["audio"]["sinks"]] == [False, True]

    def snapshot(name):
        path = os.path.join(tmp, name)
        said = pair.ctl("bob", "snapshot", path)
        assert said["ok"] and said["file"] == path, said
        assert qvcall.event(pair.bob, "snapshot").get("text") is None
        with open(path, "rb") as f:
            png = f.read(24)
        assert png[:8] == b"\x89PNG\r\n\x1a\n", png
        return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    count = [0]

    def small():
        count[0] += 1
        return snapshot(f"shot{count[0]}.png") == (160, 120)
    qvvisio.wait_until(small)
    assert "exists" in pair.ctl("bob", "snapshot", os.path.join(tmp, "shot1.png"))["error"]
    assert not pair.ctl("bob", "record", "stop")["ok"]
    if os.path.exists(os.path.join(qvtest.BUILD, ".libs", "recorder-matroska.so")):
        path = os.path.join(tmp, "call.mkv")
        assert pair.ctl("bob", "record", path)["ok"]
        assert pair.ctl("bob", "status")["recording"]
        qvcall.event(pair.bob, "stats")
        assert pair.ctl("bob", "record")["ok"] and os.path.getsize(path) > 0
    assert pair.ctl("alice", "hangup")["ok"] and alice.wait(qvtest.TIMEOUT) == 0


@test.case("bash completes commands, and the names that a running visio knows")
def _(tmp):
    pair = qvvisio.Pair(test, tmp, media=SOURCES % 'module = "null";')
    carol = pair.listen("carol")
    script = os.path.join(qvtest.SOURCE, "etc", "bash-completion", "visio")

    def completed(*words):
        # The completion asks the visio at the usual place.
        code = (f'visio() {{ "{os.path.join(qvtest.BUILD, "visio")}" --socket={tmp}/carol.sock "$@"; }}; . "{script}"; '
                'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _visio; printf "%s\\n" "${COMPREPLY[@]}"')
        return set(qvtest.run(["bash", "-c", code, "bash", "visio", *words]).stdout.split())
    assert completed("l") == {"listen"} and completed("--st") == {"--stats=line", "--stats=json", "--stats=off"}
    assert completed("ctl", "re") == {"refuse", "record", "rekey"}
    assert completed("ctl", "mute", "") == {"audio", "video"}
    assert completed("ctl", "call", "") == {"bob"} == completed("call", "b")
    assert completed("ctl", "source", "video", "") == {"default", "small"}
    assert completed("ctl", "source", "audio", "") == {"default"}
    assert completed("ctl", "sink", "") == {"audio"} and completed("ctl", "si") == {"sink"}
    assert completed("ctl", "sink", "audio", "") == {"default", "headset"}
    assert pair.ctl("carol", "quit")["ok"] and carol.wait(qvtest.TIMEOUT) == 0


def count_pixels(display, window, colour):
    """Pixels of that colour in the window, as X has it; NaN while it comes, goes or changes its size."""
    # import(1) would wait for a click where the window is gone.
    dump = qvtest.run(["xwd", "-silent", "-display", display, "-id", window], check=False, text=False)
    if dump.returncode != 0 or not dump.stdout:
        return math.nan
    pixels = qvtest.run(["convert", "xwd:-", "-depth", "8", "rgb:-"], input=dump.stdout, text=False).stdout
    return sum(1 for i in range(0, len(pixels), 3) if tuple(pixels[i:i + 3]) == colour)


NOTICE = (0, 96, 56)  # behind what is good to know


def start_display():
    if not os.path.exists(os.path.join(qvtest.BUILD, ".libs", "videosink-sdl.so")) or not x11.load():
        raise qvtest.Skip("no window here")
    server = test.start(["Xvfb", "-displayfd", "1", "-screen", "0", "1000x760x24", "-nolisten", "tcp"])
    display = ":" + server.wait_for(r"^(\d+)$").group(1)
    manager = x11.WindowManager(display, 1000, 760)
    test.processes.append(manager)  # whatever happens, it ends before its server
    return display, x11.window_environment(display)


@test.case("a window opens while it rings: a key answers or refuses, and who closes it refuses")
def _(tmp):
    display, env = start_display()
    pair = qvvisio.Pair(test, tmp, env=env, auto_answer=False, media=SOURCES % 'module = "sdl";')
    media = SOURCES % 'module = "null";'

    def search():
        while True:
            done = qvtest.run(["xdotool", "search", "--onlyvisible", "--name", "Qvisio|QKD"], check=False,
                              env={**os.environ, "DISPLAY": display})
            if done.returncode == 0 or "X Error" not in done.stderr:  # of a window that went while it looked
                return done.stdout.split()

    def noticed():
        found = search()
        return count_pixels(display, found[0], NOTICE) if found else math.nan

    def rings(**options):
        qvvisio.wait_until(lambda: not search())  # the window of the call before
        alice = pair.call(media=media, **options)
        qvcall.event(pair.bob, "ringing")
        # SDL may replace a window that has just come; the one that says who calls stays.
        qvvisio.wait_until(lambda: noticed() > 3000)
        return alice, search()[0]

    def press(key, state):
        # Pressed until it is seen: the window gets the keyboard some time after it is there.
        def seen():
            if pair.ctl("bob", "status")["state"] == state:
                return True
            qvtest.run(["xdotool", "key", key], env={**os.environ, "DISPLAY": display})
            return False
        qvvisio.wait_until(seen)
    alice, window = rings()
    title = qvtest.run(["xprop", "-display", display, "-id", window, "_NET_WM_NAME"]).stdout
    assert "Qvisio" in title or "QKD" in title, title
    press("x", "idle")
    assert alice.wait(qvtest.TIMEOUT) == 1 and "declined" in alice.output(), alice.output()
    alice, _ = rings()
    press("a", "open")
    qvcall.event(alice, "opened")
    qvvisio.wait_until(search)
    qvvisio.wait_until(lambda: noticed() < 100)
    press("q", "idle")
    assert alice.wait(qvtest.TIMEOUT) == 0
    alice, window = rings()
    screen = x11.Display(display)
    screen.ask_to_close(int(window))
    assert alice.wait(qvtest.TIMEOUT) == 1 and "declined" in alice.output(), alice.output()
    screen.close()
    assert pair.ctl("bob", "quit")["ok"] and pair.bob.wait(qvtest.TIMEOUT) == 0


@test.case("our own picture is shown of a camera that gives JPEG, too")
def _(tmp):
    display, env = start_display()
    for value, name in ((255, "white"), (0, "black")):
        qvtest.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=c=#{value:02x}{value:02x}{value:02x}:s=320x240:r=10",
                    "-frames:v", "5", "-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "2", "-f", "mjpeg",
                    os.path.join(tmp, name + ".mjpg")])
    media = 'video: {{ source: {{ module = "file"; path = "{}.mjpg"; loop = true; }}; sink: {{ module = "{}"; }}; }};\n'
    pair = qvvisio.Pair(test, tmp, media=media.format("black", "null"))
    alice = pair.call(env=env, media=media.format("white", "sdl"))
    qvcall.event(alice, "stats")

    def white():
        found = qvtest.run(["xdotool", "search", "--onlyvisible", "--name", "Qvisio|QKD"], check=False,
                           env={**os.environ, "DISPLAY": display}).stdout.split()
        return count_pixels(display, found[0], (255, 255, 255)) if found else math.nan
    qvvisio.wait_until(lambda: white() < 2000)
    assert pair.ctl("alice", "selfview", "on")["ok"]
    qvvisio.wait_until(lambda: white() > 4000)
    assert pair.ctl("alice", "mute", "video")["ok"]
    qvvisio.wait_until(lambda: white() < 2000)
    assert pair.ctl("alice", "hangup")["ok"] and alice.wait(qvtest.TIMEOUT) == 0


@test.case("keys in the window steer the call, and the warning covers the picture until somebody saw it")
def _(tmp):
    display, env = start_display()
    pair = qvvisio.Pair(test, tmp, keys=3, rekey='interval = 0.0;')
    alice = pair.call(env=env, log="debug", media=SOURCES % 'module = "sdl";')
    alice.wait_for("the window has the keyboard")

    def press(key):
        qvtest.run(["xdotool", "key", key], env={**os.environ, "DISPLAY": display})

    def window():
        return int(qvtest.run(["xdotool", "search", "--sync", "--onlyvisible", "--name", "Qvisio|QKD"],
                              env={**os.environ, "DISPLAY": display}).stdout.split()[0])
    for key, muted in (("m", {"audio": True, "video": False}), ("v", {"audio": True, "video": True}),
                       ("m", {"audio": False, "video": True}), ("v", {"audio": False, "video": False})):
        press(key)
        qvvisio.wait_until(lambda: pair.ctl("alice", "status")["muted"] == muted)
    first = pair.ctl("alice", "status")["key_ID"]
    press("k")
    assert qvcall.event(alice, "rekeyed")["key_ID"] != first
    press("k")
    qvcall.event(alice, "rekeyed")
    press("s")
    qvvisio.wait_until(lambda: count_pixels(display, window(), (255, 255, 255)) > 200)
    press("question")
    qvvisio.wait_until(lambda: count_pixels(display, window(), (20, 24, 48)) > 5000)
    press("question")
    qvvisio.wait_until(lambda: count_pixels(display, window(), (20, 24, 48)) < 100)
    press("i")
    qvvisio.wait_until(lambda: count_pixels(display, window(), (20, 24, 48)) > 1000)
    press("1")  # who is in the call, and cannot be invited
    alice.wait_for("invite: the call is with bob")
    qvvisio.wait_until(lambda: count_pixels(display, window(), (20, 24, 48)) < 100)
    # The last key is used up: the next renewal fails, and nobody can overlook it.
    press("k")
    assert "NO NEW QKD KEY" in qvcall.event(alice, "security")["text"]
    qvvisio.wait_until(lambda: count_pixels(display, window(), (176, 0, 32)) > 5000)
    title = qvtest.run(["xprop", "-display", display, "-id", str(window()), "_NET_WM_NAME"]).stdout
    assert "NO NEW QKD KEY" in title, title
    press("Return")
    qvvisio.wait_until(lambda: pair.ctl("alice", "status")["notice"] is None)
    qvvisio.wait_until(lambda: count_pixels(display, window(), (176, 0, 32)) < 100)
    press("q")
    assert qvcall.event(alice, "summary")["end"] == "cancelled"
    assert alice.wait(qvtest.TIMEOUT) == 0


test.run()
