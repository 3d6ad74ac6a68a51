# SPDX-License-Identifier: Apache-2.0
"""The video sink sdl on a real X server: what is on the screen is compared with the frames it was given."""

import math
import os
import subprocess
import time

import qvtest
import x11

test = qvtest.Test(__file__)
SCREEN = (1000, 760)
RED, AMBER, GREEN = (255, 80, 80), (255, 191, 0), (80, 220, 110)


class Shell:
    """modules/videosink/sdl/sink_shell.c"""

    def __init__(self, prefix=(), **env):
        environment = {"SDL_AUDIODRIVER": "dummy", **env}
        environment.setdefault("WAYLAND_DISPLAY", "")
        program = os.path.join(qvtest.BUILD, "modules/videosink/sdl/sink_shell")
        if not os.path.exists(os.path.join(qvtest.BUILD, ".libs/videosink-sdl.so")):
            raise qvtest.Skip("built without SDL")
        if not os.path.exists(program):
            raise qvtest.Skip("built without cmocka")
        if env.get("SDL_VIDEODRIVER") != "dummy":
            environment.update(x11.WITHOUT_LEAKS)
        without = () if "DISPLAY" in env else ("env", "-u", "DISPLAY")
        self.process = test.start([*prefix, *without, program], env=environment, stdin=subprocess.PIPE)

    def ask(self, command):
        self.process.popen.stdin.write((command + "\n").encode())
        self.process.popen.stdin.flush()
        return self.process.wait_for(r"^(ok|error .*)$").group(1)

    def do(self, command):
        answer = self.ask(command)
        assert answer == "ok", f"{command}: {answer}"

    def finish(self):
        self.process.popen.stdin.close()
        status = self.process.wait()
        assert status == 0, f"ended with {status}\n{self.process.output()}"


class Screen:
    """An X server of its own, with a window manager."""

    def __enter__(self):
        if not x11.load():
            raise qvtest.Skip("no libX11")
        server = test.start(["Xvfb", "-displayfd", "1", "-screen", "0", "%dx%dx24" % SCREEN, "-nolisten", "tcp"])
        self.name = ":" + server.wait_for(r"^(\d+)$").group(1)
        self.manager = x11.WindowManager(self.name, *SCREEN)
        self.client = x11.Display(self.name)
        return self

    def __exit__(self, *_):
        self.client.close()
        self.manager.stop()

    def xdotool(self, *arguments):
        return qvtest.run(["xdotool", *arguments], env={**os.environ, "DISPLAY": self.name}).stdout

    def window(self, name="A call"):
        return int(self.xdotool("search", "--sync", "--onlyvisible", "--name", name).split()[0])

    def size(self, window):
        lines = dict(line.split("=") for line in self.xdotool("getwindowgeometry", "--shell", window).splitlines())
        return int(lines["WIDTH"]), int(lines["HEIGHT"])

    def wait_for(self, condition, what):
        deadline = time.monotonic() + qvtest.TIMEOUT
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < deadline, f"never came: {what}"
            time.sleep(0.02)  # the X server tells nobody when a client has drawn, so it is asked again

    def picture(self, window):
        width, height = self.size(window)
        pixels = qvtest.run(["import", "-display", self.name, "-window", window, "-depth", "8", "rgb:-"], text=False).stdout
        assert len(pixels) == width * height * 3, (len(pixels), width, height)
        return Picture(width, height, pixels)


class Picture:
    def __init__(self, width, height, pixels):
        self.width, self.height, self.pixels = width, height, pixels

    def crop(self, x, y, width, height):
        rows = (self.pixels[3 * (row * self.width + x):3 * (row * self.width + x + width)]
                for row in range(y, y + height))
        return Picture(width, height, b"".join(rows))

    def at(self, x, y):
        return tuple(self.pixels[3 * (y * self.width + x):3 * (y * self.width + x) + 3])

    def count(self, colour, tolerance=6):
        """Pixels near a colour."""
        values = zip(self.pixels[0::3], self.pixels[1::3], self.pixels[2::3])
        return sum(1 for rgb in values if all(abs(a - b) <= tolerance for a, b in zip(rgb, colour)))

    def psnr(self, other):
        assert (self.width, self.height) == (other.width, other.height)
        error = sum((a - b) * (a - b) for a, b in zip(self.pixels, other.pixels)) / len(self.pixels)
        return 99 if error == 0 else 10 * math.log10(255 * 255 / error)


def rendered(path, pixel, width, height, colour_range, size=None):
    """What ffmpeg makes of the planes."""
    to = "%d:%d:" % size if size else ""
    # ffmpeg turns gray to RGB without a look at the range, so gray gets chroma of no colour.
    names = {"i420": "yuv420p", "i422": "yuv422p", "i444": "yuv444p", "gray": "yuv444p"}
    with open(path, "rb") as file:
        planes = file.read() + (bytes([128]) * (2 * width * height) if pixel == "gray" else b"")
    rgb = qvtest.run(["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", names[pixel], "-s", f"{width}x{height}", "-i", "-",
                      "-vf", f"scale={to}in_range={colour_range}:in_color_matrix=bt601:flags=bilinear+accurate_rnd"
                      "+full_chroma_int+full_chroma_inp", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
                     input=planes, text=False).stdout
    return Picture(*(size or (width, height)), rgb)


def shows(screen, window, expected, x, y, decibel):
    """Waits until the window shows the expected picture at a place."""
    best = [0]

    def seen():
        width, height = screen.size(window)
        if width < x + expected.width or height < y + expected.height:
            return False
        best[0] = screen.picture(window).crop(x, y, expected.width, expected.height).psnr(expected)
        return best[0] >= decibel
    try:
        screen.wait_for(seen, f"the picture with {decibel} dB")
    except AssertionError as why:
        raise AssertionError(f"{why}; the last one had {best[0]:.1f} dB")


def check_frames(tmp, **env):
    path = os.path.join(tmp, "planes")
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name, **env)
        shell.do("open 0 sdl")
        window = screen.window()
        seed = 0
        for pixel, width, height in (("i420", 400, 300), ("i422", 400, 300), ("i444", 321, 201), ("gray", 400, 300),
                                     ("i420", 400, 300)):
            for right, wrong in (("full", "limited"), ("limited", "full")):
                seed += 1
                shell.do(f"pattern 0 {pixel} {width} {height} {seed} {right} {path}")
                if seed == 1:
                    strip = screen.wait_for(lambda: screen.size(window)[0] == 400 and screen.size(window)[1] - 300,
                                            "the window at the size of the picture")
                    assert 12 <= strip <= 60, strip
                target = (400, 300) if width == 400 else None
                if target:
                    shows(screen, window, rendered(path, pixel, width, height, right), 0, 0, 33)
                    seen = screen.picture(window).crop(0, 0, 400, 300)
                    good = seen.psnr(rendered(path, pixel, width, height, right))
                    bad = seen.psnr(rendered(path, pixel, width, height, wrong))
                    assert bad < good - 3, f"{pixel} {right}: {good:.1f} dB, and {bad:.1f} dB in the wrong range"
                else:
                    # 321x201 in 400x300 is drawn at 400x250, 25 rows below the top.
                    shows(screen, window, rendered(path, pixel, width, height, right, (400, 250)), 0, 25, 30)
        shell.finish()


@test.case("frames of every pixel format and range appear as they are")
def _(tmp):
    check_frames(tmp)


@test.case("the same with SDL's software renderer")
def _(tmp):
    check_frames(tmp, SDL_RENDER_DRIVER="software")


@test.case("the security state is below the picture, in colour and in words")
def _(tmp):
    path = os.path.join(tmp, "planes")
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name)
        shell.do("open 0 sdl")
        window = screen.window()
        shell.do(f"pattern 0 gray 400 300 1 full {path}")
        screen.wait_for(lambda: screen.size(window)[0] == 400, "the window at the size of the picture")
        seen = []
        for state, text, title, colour in (
                ("none", "", "A call .* not secured$", RED),
                ("classic", "TLS_AES_256_GCM_SHA384 · certificate of example.org", "A call .* classic .* TLS_AES_256", AMBER),
                ("qkd", "QKD · TLS_CHACHA20_POLY1305_SHA256 · key 1f0c", "A call .* QKD .* TLS_CHACHA20", GREEN)):
            shell.do(f"status 0 {state} {text}")
            assert screen.window(title) == window
            badge = screen.wait_for(lambda: find_strip(screen.picture(window), colour), f"{colour}")
            # The coloured block is one part of it, the letters are the other.
            letters = badge.crop(24, 0, badge.width - 24, badge.height)
            screen.wait_for(lambda: find_strip(screen.picture(window), colour), "the strip")
            assert letters.count(colour, 60) > 60, f"no words in colour {colour}"
            assert letters.pixels not in seen, "other words look the same"
            seen.append(letters.pixels)
        shell.finish()


def find_strip(picture, colour):
    """The part of the window below the 300 rows of the picture, if it has its badge in that colour."""
    if picture.height <= 300:
        return None
    strip = picture.crop(0, 300, picture.width, picture.height - 300)
    # The strip may have become higher than the room it got: the badge stands in its first columns.
    return strip if strip.crop(0, 0, 24, strip.height).count(colour) > 50 else None


@test.case("a picture cannot reach the strip, and text does not leave it")
def _(tmp):
    path = os.path.join(tmp, "planes")
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name)
        shell.do("open 0 sdl")
        window = screen.window()
        shell.do(f"pattern 0 i420 400 300 1 full {path}")
        shell.do("status 0 qkd " + "key 0123456789abcdef " * 40)
        # Long text is wrapped, and the picture makes room.
        picture = screen.wait_for(lambda: tall_strip(screen.picture(window)), "the wrapped text")
        assert picture.height > 60
        shell.finish()


def tall_strip(picture):
    rows = [y for y in range(picture.height) if picture.at(8, y) == GREEN]
    if not rows or picture.height - rows[0] < 60:
        return None
    top = rows[0]
    assert rows == list(range(top, rows[-1] + 1))
    return picture.crop(0, top, picture.width, picture.height - top)


@test.case("the window grows with pictures that were sent smaller at first, until somebody gives it a size")
def _(tmp):
    path = os.path.join(tmp, "planes")
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name)
        shell.do("open 0 sdl")
        window = screen.window()
        for width in (200, 400):
            shell.do(f"pattern 0 i420 {width} {width * 3 // 4} 1 limited {path}")
            screen.wait_for(lambda width=width: screen.size(window)[0] == width, f"a window {width} wide")
        strip = screen.size(window)[1] - 300
        # A smaller picture fills it.
        shell.do(f"pattern 0 i420 300 225 1 limited {path}")
        shows(screen, window, rendered(path, "i420", 300, 225, "limited", (400, 300)), 0, 0, 25)
        assert screen.size(window) == (400, 300 + strip)
        screen.xdotool("windowsize", str(window), "500", "400")
        screen.wait_for(lambda: screen.size(window) == (500, 400), "the new size")
        for _ in range(3):
            shell.do(f"pattern 0 i420 560 420 1 limited {path}")
        shell.do("status 0 qkd after them")
        screen.wait_for(lambda: screen.window("after them") == window, "the title")
        assert screen.size(window) == (500, 400)
        shell.finish()


@test.case("a resized window keeps the aspect of the picture")
def _(tmp):
    path = os.path.join(tmp, "planes")
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name)
        shell.do("open 0 sdl")
        window = screen.window()
        shell.do(f"pattern 0 i420 400 300 1 limited {path}")
        strip = screen.wait_for(lambda: screen.size(window)[0] == 400 and screen.size(window)[1] - 300, "the window")
        # No frame follows: the window redraws what it has.
        screen.xdotool("windowsize", str(window), "700", str(300 + strip))
        shows(screen, window, rendered(path, "i420", 400, 300, "limited"), 150, 0, 33)
        picture = screen.picture(window)
        assert picture.crop(0, 0, 149, 300).count((0, 0, 0), 0) == 149 * 300, "the bar on the left is not black"
        assert picture.crop(551, 0, 149, 300).count((0, 0, 0), 0) == 149 * 300, "the bar on the right is not black"
        screen.xdotool("windowsize", str(window), "400", str(500 + strip))
        shows(screen, window, rendered(path, "i420", 400, 300, "limited"), 0, 100, 33)
        shell.finish()


@test.case("f, F11 and a double click switch full screen, Escape leaves it")
def _(tmp):
    path = os.path.join(tmp, "planes")
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name)
        shell.do("open 0 sdl")
        window = screen.window()
        shell.do(f"pattern 0 i420 400 300 1 full {path}")
        normal = screen.wait_for(lambda: screen.size(window)[0] == 400 and screen.size(window), "the window")

        def logged(text, times=1):
            screen.wait_for(lambda: shell.process.output().count(text) >= times, text)

        def switch(arguments, state, size, times):
            screen.xdotool(*arguments)
            logged(f"full screen is {state}", times)
            screen.wait_for(lambda: screen.size(window) == size, f"a window of {size}")
        # SDL lets a fifth of a second pass before it believes that a window has the keyboard, and drops keys until then.
        logged("the window has the keyboard")
        ways = ((["key", "f"], ["key", "f"]), (["key", "F11"], ["key", "Escape"]),
                (["mousemove", "200", "150", "click", "--repeat", "2", "--delay", "50", "1"], ["key", "Escape"]))
        for times, (on, off) in enumerate(ways, 1):
            switch(on, "on", SCREEN, times)
            switch(off, "off", normal, times)
        # Escape alone neither leaves nor ends anything.
        screen.xdotool("key", "Escape")
        shell.do(f"pattern 0 i420 400 300 2 full {path}")
        shows(screen, window, rendered(path, "i420", 400, 300, "full"), 0, 0, 33)
        shell.finish()


WARNING, NOTICE, HELP = (176, 0, 32), (0, 96, 56), (20, 24, 48)


@test.case("texts lie over the picture until they are taken away, and a warning is in the title too")
def _(tmp):
    path = os.path.join(tmp, "planes")
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name)
        shell.do("open 0 sdl")
        window = screen.window()
        shell.do(f"pattern 0 gray 400 300 1 full {path}")
        screen.wait_for(lambda: screen.size(window)[0] == 400, "the window at the size of the picture")

        def covered(colour):
            return screen.picture(window).count(colour, 2)
        shell.do("overlay 0 warning NO NEW QKD KEY: the KME does not answer|Seen? Press Enter.")
        screen.wait_for(lambda: covered(WARNING) > 400 * 30, "the warning")
        assert screen.window("NO NEW QKD KEY.* A call|! NO NEW QKD KEY") == window
        letters = screen.picture(window).count((255, 255, 255), 40)
        shell.do("overlay 0 help m mute microphone|v mute camera|q hang up")
        shell.do("overlay 0 notice there are new keys again")
        screen.wait_for(lambda: covered(HELP) > 400 * 30 and covered(NOTICE) > 400 * 20, "help and notice")
        assert covered(WARNING) > 400 * 30 and letters > 100, letters
        # They stay over the pictures that follow, and at other sizes of the window.
        shell.do(f"pattern 0 gray 400 300 2 full {path}")
        assert covered(WARNING) > 400 * 30
        for overlay in ("warning", "help", "notice"):
            shell.do(f"overlay 0 {overlay}")
        shows(screen, window, rendered(path, "gray", 400, 300, "full"), 0, 0, 33)
        shell.finish()


@test.case("keys and clicks are told, those for full screen are not")
def _(tmp):
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name)
        shell.do("open 0 sdl")
        screen.window()
        screen.wait_for(lambda: "the window has the keyboard" in shell.process.output(), "the keyboard")
        for name, code in (("m", "m"), ("k", "k"), ("shift+question", "?"), ("F1", "?"), ("Return", "\r"),
                           ("Escape", "\x1b"), ("space", " ")):
            screen.xdotool("key", name)
            assert int(shell.process.wait_for(r"^key 0 (\d+)$").group(1)) == ord(code), name
        screen.xdotool("key", "ctrl+m", "key", "f")
        screen.wait_for(lambda: "full screen is on" in shell.process.output(), "full screen")
        screen.xdotool("mousemove", "50", "50", "click", "1")
        assert int(shell.process.wait_for(r"^key 0 (\d+)$").group(1)) == 0x110000
        shell.do("fullscreen 0 off")
        screen.wait_for(lambda: "full screen is off" in shell.process.output(), "no full screen")
        shell.finish()


@test.case("our own picture is small in a corner, and the levels of the sound are bars in the strip")
def _(tmp):
    path, own = os.path.join(tmp, "planes"), os.path.join(tmp, "own")
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name)
        shell.do("open 0 sdl")
        window = screen.window()
        shell.do(f"pattern 0 i420 400 300 1 full {path}")
        screen.wait_for(lambda: screen.size(window)[0] == 400, "the window at the size of the picture")
        shell.do(f"self 0 i420 96 72 5 full {own}")
        # A frame of white two pixels wide around 96x72, eight pixels from the corner.
        shows(screen, window, rendered(own, "i420", 96, 72, "full"), 294, 218, 25)
        shell.do("self 0 none")
        shows(screen, window, rendered(path, "i420", 400, 300, "full"), 0, 0, 33)
        shell.do("status 0 classic x")
        bars = []
        for levels in ("-60 -60", "-30 nan", "-30 -12", "-1 -12"):
            shell.do(f"levels 0 {levels}")
            shell.do("status 0 classic x")  # which draws at once
            strip = screen.picture(window).crop(320, 300, 80, screen.size(window)[1] - 300)
            bars.append((strip.count(GREEN), strip.count(RED)))
        assert bars[0] == (0, 0) and bars[1][0] == 36 * 5 and bars[2][0] == (36 + 58) * 5, bars
        assert bars[3][1] == 71 * 5 and bars[3][0] == 58 * 5, bars
        shell.finish()


@test.case("closing the window ends the sink, in poll and in show")
def _(tmp):
    path = os.path.join(tmp, "planes")
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name)
        shell.do("open 0 sdl")
        window = screen.window()
        shell.do(f"pattern 0 i420 400 300 1 full {path}")
        screen.client.ask_to_close(window)
        shell.process.wait_for(r"^end 0: end: the video window was closed$")
        assert shell.ask(f"pattern 0 i420 400 300 1 full {path}") == "error end: the video window was closed"
        shell.finish()


@test.case("two windows are independent, and belong to one thread")
def _(tmp):
    path = os.path.join(tmp, "planes")
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name)
        shell.do("open 0 sdl")
        first = screen.window()
        shell.do("status 0 qkd QKD first")
        shell.do("open 1 sdl")
        shell.do("status 1 none second")
        second = screen.window("second")
        assert first != second
        answer = shell.ask("open-elsewhere 2 sdl")
        assert answer.startswith("error busy: another thread of this program has a video window open"), answer
        screen.client.ask_to_close(second)
        shell.process.wait_for(r"^end 1: end: ")
        shell.do(f"pattern 0 gray 400 300 1 full {path}")
        shell.do("close 1")
        shell.do(f"pattern 0 gray 400 300 2 full {path}")
        screen.xdotool("windowraise", str(first))
        shows(screen, first, rendered(path, "gray", 400, 300, "full"), 0, 0, 33)
        shell.do("close 0")
        # With all windows closed, another thread may start.
        shell.do("open-elsewhere 2 sdl")
        shell.do("open 0 sdl")
        assert screen.window()
        shell.finish()


@test.case("signals stay with the program")
def _(tmp):
    with Screen() as screen:
        shell = Shell(DISPLAY=screen.name)
        shell.do("open 0 sdl")
        shell.process.signal(15)
        assert shell.process.wait() == -15


@test.case("without a display it says what to do")
def _(tmp):
    shell = Shell()
    answer = shell.ask("open 0 sdl")
    assert answer.startswith("error unsupported: no display for the video window: SDL: "), answer
    assert answer.endswith("start it in a graphical session (DISPLAY or WAYLAND_DISPLAY set), or use the video sink "
                           "file or null"), answer
    shell.finish()


@test.case("SDL's drivers dummy and offscreen work for whoever asks for them")
def _(tmp):
    path = os.path.join(tmp, "planes")
    for driver in ("dummy", "offscreen"):
        shell = Shell(SDL_VIDEODRIVER=driver)
        shell.do("open 0 sdl fullscreen=true")
        for pixel in ("i420", "i422", "i444", "gray"):
            shell.do(f"pattern 0 {pixel} 35 27 1 full {path}")
        shell.do("status 0 qkd QKD · key 1")
        shell.do("open 1 sdl")
        shell.do("close 0")
        shell.do(f"pattern 1 i420 64 48 1 full {path}")
        shell.do("close 1")
        shell.do("open 0 sdl")
        shell.finish()


@test.case("a font that cannot be used is an error of the configuration")
def _(tmp):
    shell = Shell(SDL_VIDEODRIVER="dummy")
    answer = shell.ask(f"open 0 sdl font={tmp}/none.ttf")
    assert answer.startswith("error config: ") and f"font {tmp}/none.ttf cannot be used" in answer, answer
    shell.do("open 0 sdl font_size=40")
    shell.finish()


@test.case("without any font it warns, and the state stands in the title")
def _(tmp):
    hidden = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs none /usr/share/fonts && exec "$@"', "sh"]
    if qvtest.run(hidden + ["true"], check=False).returncode != 0:
        raise qvtest.Skip("no user namespaces here")
    with Screen() as screen:
        shell = Shell(hidden, DISPLAY=screen.name)
        shell.do("open 0 sdl")
        shell.do("status 0 qkd QKD key 77")
        assert "no font was found" in shell.process.output()
        assert screen.window("A call .* QKD key 77$")
        shell.finish()


test.run()
