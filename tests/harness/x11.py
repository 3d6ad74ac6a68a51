# SPDX-License-Identifier: Apache-2.0
"""A little of Xlib by ctypes, and a window manager as small as tests of windows need it.

The manager maps windows at the upper left corner, lets them have the size they ask for, gives them the keyboard, and
makes them full screen when they ask for it (_NET_WM_STATE of the Extended Window Manager Hints).
"""

import ctypes
import ctypes.util
import os
import select
import threading

import qvtest

LONG = ctypes.c_long
ULONG = ctypes.c_ulong
INT = ctypes.c_int

MAP_REQUEST, CONFIGURE_REQUEST, CLIENT_MESSAGE = 20, 23, 33
# Graphics drivers that a window loads leak, and are gone when LeakSanitizer looks for their names.
WITHOUT_LEAKS = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
SUBSTRUCTURE_NOTIFY, SUBSTRUCTURE_REDIRECT = 1 << 19, 1 << 20


def window_environment(display):
    """For a program that opens a window there."""
    return {"DISPLAY": display, "SDL_VIDEODRIVER": "x11", "WAYLAND_DISPLAY": "", **WITHOUT_LEAKS}


class Any(ctypes.Structure):
    _fields_ = [("type", INT), ("serial", ULONG), ("send_event", INT), ("display", ctypes.c_void_p)]


class ClientMessage(ctypes.Structure):
    _fields_ = Any._fields_ + [("window", ULONG), ("message_type", ULONG), ("format", INT), ("data", LONG * 5)]


class MapRequest(ctypes.Structure):
    _fields_ = Any._fields_ + [("parent", ULONG), ("window", ULONG)]


class ConfigureRequest(ctypes.Structure):
    _fields_ = Any._fields_ + [("parent", ULONG), ("window", ULONG), ("x", INT), ("y", INT), ("width", INT),
                               ("height", INT), ("border_width", INT), ("above", ULONG), ("detail", INT),
                               ("value_mask", ULONG)]


class Event(ctypes.Union):
    _fields_ = [("type", INT), ("client", ClientMessage), ("map", MapRequest), ("configure", ConfigureRequest),
                ("pad", LONG * 24)]


ERROR_HANDLER = ctypes.CFUNCTYPE(INT, ctypes.c_void_p, ctypes.c_void_p)
# A window may go away between a request and its answer: that is no reason for Xlib to end the test.
ignore_error = ERROR_HANDLER(lambda display, error: 0)


def load():
    name = ctypes.util.find_library("X11")
    if not name:
        return None
    x = ctypes.CDLL(name)
    x.XOpenDisplay.restype = ctypes.c_void_p
    x.XOpenDisplay.argtypes = [ctypes.c_char_p]
    x.XDefaultRootWindow.restype = ULONG
    x.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
    x.XInternAtom.restype = ULONG
    x.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, INT]
    for function, arguments in {
            "XCloseDisplay": [], "XPending": [], "XConnectionNumber": [], "XSelectInput": [ULONG, LONG],
            "XMapWindow": [ULONG], "XMoveResizeWindow": [ULONG, INT, INT, ctypes.c_uint, ctypes.c_uint],
            "XSetInputFocus": [ULONG, INT, ULONG], "XFlush": [], "XNextEvent": [ctypes.c_void_p], "XSync": [INT],
            "XCreateSimpleWindow": [ULONG, INT, INT, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ULONG, ULONG],
            "XSendEvent": [ULONG, INT, LONG, ctypes.c_void_p],
            "XChangeProperty": [ULONG, ULONG, ULONG, INT, INT, ctypes.c_void_p, INT]}.items():
        getattr(x, function).argtypes = [ctypes.c_void_p] + arguments
    x.XCreateSimpleWindow.restype = ULONG
    x.XSetErrorHandler.argtypes = [ERROR_HANDLER]
    x.XSetErrorHandler(ignore_error)
    return x


class Display:
    def __init__(self, name):
        self.x = load()
        self.display = self.x.XOpenDisplay(name.encode())
        if not self.display:
            raise AssertionError(f"no X display {name}")
        self.root = self.x.XDefaultRootWindow(self.display)

    def atom(self, name):
        return self.x.XInternAtom(self.display, name.encode(), 0)

    def send(self, target, window, kind, *data, mask=0):
        event = Event()
        event.client.type = CLIENT_MESSAGE
        event.client.window = window
        event.client.message_type = self.atom(kind)
        event.client.format = 32
        for i, value in enumerate(data):
            event.client.data[i] = value
        self.x.XSendEvent(self.display, target, 0, mask, ctypes.byref(event))
        self.x.XSync(self.display, 0)

    def ask_to_close(self, window):
        """What a window manager sends when a person presses the close button."""
        self.send(window, window, "WM_PROTOCOLS", self.atom("WM_DELETE_WINDOW"), 0)

    def close(self):
        self.x.XCloseDisplay(self.display)


class WindowManager(Display):
    """Manages the windows of a display on a thread of its own until stop(); may stand among the processes of a test."""
    name = "window manager"

    def __init__(self, name, width, height):
        super().__init__(name)
        self.screen = (width, height)
        self.sizes = {}
        self.announce()
        self.x.XSelectInput(self.display, self.root, SUBSTRUCTURE_REDIRECT | SUBSTRUCTURE_NOTIFY)
        self.x.XSync(self.display, 0)
        self.stopped, self.stop_end = os.pipe()
        self.thread = threading.Thread(target=self.manage, daemon=True)
        self.thread.start()

    def property(self, window, name, kind, values):
        array = (ULONG * len(values))(*values)
        self.x.XChangeProperty(self.display, window, self.atom(name), self.atom(kind), 32, 0, array, len(values))

    def announce(self):
        child = self.x.XCreateSimpleWindow(self.display, self.root, -10, -10, 1, 1, 0, 0, 0)
        for window in (self.root, child):
            self.property(window, "_NET_SUPPORTING_WM_CHECK", "WINDOW", [child])
        self.property(self.root, "_NET_SUPPORTED", "ATOM",
                      [self.atom("_NET_WM_STATE"), self.atom("_NET_WM_STATE_FULLSCREEN")])

    def manage(self):
        event = Event()
        while True:
            while self.x.XPending(self.display):
                self.x.XNextEvent(self.display, ctypes.byref(event))
                self.handle(event)
            self.x.XFlush(self.display)
            ready, _, _ = select.select([self.x.XConnectionNumber(self.display), self.stopped], [], [])
            if self.stopped in ready:
                return

    def handle(self, event):
        if event.type == MAP_REQUEST:
            self.x.XMapWindow(self.display, event.map.window)
            self.x.XSync(self.display, 0)
            self.x.XSetInputFocus(self.display, event.map.window, 1, 0)
        elif event.type == CONFIGURE_REQUEST:
            request = event.configure
            self.sizes[request.window] = (request.width, request.height)
            self.x.XMoveResizeWindow(self.display, request.window, 0, 0, request.width, request.height)
        elif event.type == CLIENT_MESSAGE and event.client.message_type == self.atom("_NET_WM_STATE"):
            self.change_state(event.client)

    def change_state(self, message):
        full = self.atom("_NET_WM_STATE_FULLSCREEN")
        if full not in (message.data[1], message.data[2]):
            return
        on = message.data[0] == 1
        width, height = self.screen if on else self.sizes.get(message.window, (640, 480))
        self.property(message.window, "_NET_WM_STATE", "ATOM", [full] if on else [])
        self.x.XMoveResizeWindow(self.display, message.window, 0, 0, width, height)

    def output(self):
        return ""

    def stop(self):
        os.write(self.stop_end, b"x")
        self.thread.join(qvtest.TIMEOUT)
        self.close()
        os.close(self.stop_end)
        os.close(self.stopped)
