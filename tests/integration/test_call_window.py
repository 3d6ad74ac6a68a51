# SPDX-License-Identifier: Apache-2.0
"""Calls shown in a real window, under Xvfb: a person closes it, and the demo with a display."""

import json
import os
import re
import sys

import qvcall
import qvtest
import x11

test = qvtest.Test(__file__)


def start_display():
    """The name of a display of the test's own."""
    if not x11.load():
        raise qvtest.Skip("no libX11")
    server = test.start(["Xvfb", "-displayfd", "1", "-screen", "0", "800x700x24", "-nolisten", "tcp"])
    return ":" + server.wait_for(r"^(\d+)$").group(1)


def window_of(display):
    """The window of the only program on the display."""
    tree = qvtest.run(["xwininfo", "-display", display, "-root", "-tree"]).stdout
    found = re.search(r'(0x[0-9a-f]+) "([^"]*Qvisio[^"]*)"', tree)
    assert found, tree
    return int(found.group(1), 16)


@test.case("closing the window ends the call at both ends, and the next caller gets a window again")
def _(tmp):
    name = start_display()
    display = x11.Display(name)
    call = qvcall.Call(test, tmp, video_sink='module = "sdl";', env=x11.window_environment(name))
    for _ in range(2):
        client = call.client()
        qvcall.event(call.server, "stats")
        display.ask_to_close(window_of(name))
        assert qvcall.event(call.server, "summary")["end"] == "window-closed"
        assert client.wait() == 0, client.output()
        assert '"end":"peer-bye"' in client.output(), client.output()
    assert call.server.running()
    display.close()


@test.case("the demo shows a window where there is a display, and records all the same")
def _(tmp):
    name = start_display()
    demo = test.start([sys.executable, os.path.join(qvtest.SOURCE, "tools", "demo", "demo.py"), "--build", qvtest.BUILD,
                       "--seconds", "4", "--output", tmp], env=x11.window_environment(name))
    demo.wait_for(r"^ +1 s .* QKD key ")
    window_of(name)
    assert demo.wait() == 0, demo.output()
    with open(os.path.join(tmp, "summary.json"), encoding="utf-8") as f:
        shown = json.load(f)["received"]["video"]["shown"]
    assert len(qvcall.Y4m(os.path.join(tmp, "received.y4m")).frames) == shown > 0


test.run()
