# SPDX-License-Identifier: Apache-2.0
"""A way to a port of this machine that can be cut, held up, or closed.

    detour = qvdetour.Detour(port)   # whoever connects to detour.port reaches port
    detour.cut()                     # resets all connections; new ones pass
    detour.hold()                    # nothing passes any more in those that there are, and new ones are reset
    detour.silence()                 # as hold, but new ones are taken, and nothing is said in them
    detour.open()                    # new ones pass again; those that were held stay so
"""

import socket
import struct
import threading


class Detour:
    def __init__(self, port):
        self.target = port
        self._lock = threading.Lock()
        self._ends = []  # of connections that pass
        self._held = []
        self._shut = False
        self._silent = False
        self.passed = 0  # connections
        self.silenced = threading.Event()  # there is one in which nothing is said
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(None)  # however long nobody comes
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            reset(end)

    def hold(self):
        with self._lock:
            self._shut = True
            self._held += self._ends
            self._ends = []

    def silence(self):
        with self._lock:
            self._silent = True
        self.hold()

    def open(self):
        with self._lock:
            self._shut = self._silent = False

    def _accept(self):
        while True:
            near, _ = self._listener.accept()
            with self._lock:
                silent = self._silent
                if silent:
                    self._held.append(near)
            if silent:
                self.silenced.set()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target), timeout=10)
            except OSError:
                reset(near)
                continue
            far.settimeout(None)
            with self._lock:
                shut = self._shut
                if not shut:
                    self._ends += [near, far]
                    self.passed += 1
            if shut:
                reset(near)
                reset(far)
                continue
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source, drain):
        try:
            while data := source.recv(65536):
                if source not in self._ends:
                    return
                drain.sendall(data)
            drain.shutdown(socket.SHUT_WR)
        except OSError:
            if source in self._ends:
                reset(drain)


def reset(end):
    """A close that the other end finds to be a broken connection."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)  # wakes who reads from it
    except OSError:
        pass
    end.close()
