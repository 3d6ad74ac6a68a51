# SPDX-License-Identifier: Apache-2.0
"""The network that calls are tested over does what it is told: probes in UDP between two of its nodes."""

import os
import socket
import statistics
import struct
import sys
import time

import qvfield
import qvtest

SIZE = 500
PACKET = struct.Struct("<Iq")


def send(address, count, interval):
    """In a node: numbered packets with the time at which they were sent, each at its instant."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((address, 9999))
        print("sending", flush=True)
        begin = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, begin + number * interval - time.monotonic()))
            s.send(PACKET.pack(number, time.monotonic_ns()).ljust(SIZE, b"\0"))


def receive(quiet):
    """In another: prints them as they come, until none has come for so long."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("0.0.0.0", 9999))
        print("listening", flush=True)
        s.settimeout(30)
        try:
            while True:
                number, sent = PACKET.unpack(s.recv(2048)[:PACKET.size])
                print("got", number, (time.monotonic_ns() - sent) / 1e6)
                s.settimeout(quiet)
        except TimeoutError:
            print("done", flush=True)


def probe(field, count=400, interval=0.001, to=2, address=None, meanwhile=None):
    """[(number, delay in ms)] in the order in which they came."""
    me = os.path.abspath(__file__)
    receiver = field.start(to, [sys.executable, me, "receive", "0.8"])
    receiver.wait_for("^listening$")
    sender = field.start(1, [sys.executable, me, "send", f"10.99.0.{address or to}", count, interval])
    sender.wait_for("^sending$")
    if meanwhile:
        meanwhile()
    assert sender.wait() == 0, sender.output()
    receiver.wait_for("^done$")
    return [(int(line.split()[1]), float(line.split()[2])) for line in receiver.lines if line.startswith("got")]


test = qvtest.Test(__file__)


@test.case("a clean network loses nothing, and delays by what it was told")
def _(tmp):
    field = qvfield.Field(test, tmp, delay=40)
    got = probe(field)
    assert [number for number, _ in got] == list(range(400)), len(got)
    assert min(delay for _, delay in got) >= 40, min(delay for _, delay in got)
    counts = field.counts()[1, 2]
    assert counts["passed"] == 400 and counts["lost"] == 0, counts


@test.case("losses, single or in bursts, are the share that was set, and the same again from the same seed")
def _(tmp):
    seen = []
    for seed, burst in ((1, 1), (1, 1), (2, 1), (1, 8)):
        folder = os.path.join(tmp, str(len(seen)))
        os.mkdir(folder)
        field = qvfield.Field(test, folder, seed=seed, loss=0.1, burst=burst)
        seen.append([number for number, _ in probe(field, 1500, 0.0004)])
        assert 1500 * 0.8 < len(seen[-1]) < 1500 * 0.97, len(seen[-1])
        field.impairer.stop()
    assert seen[0] == seen[1] and seen[0] != seen[2]
    runs = [sum(b != a + 1 for a, b in zip(numbers, numbers[1:])) for numbers in seen]
    assert runs[3] < runs[0] / 2, ("bursts do not make fewer gaps", runs)


@test.case("packets are held back and come twice, as often as was set; jitter alone changes no order")
def _(tmp):
    field = qvfield.Field(test, tmp, delay=5, jitter=30)
    numbers = [number for number, _ in probe(field)]
    assert numbers == list(range(400))
    field.set(reorder=0.1, held=20, duplicate=0.1, jitter=0)
    numbers = [number for number, _ in probe(field)]
    twice = len(numbers) - len(set(numbers))
    assert len(set(numbers)) == 400 and 15 < twice < 80, twice
    assert numbers != sorted(numbers)
    counts = field.counts()[1, 2]
    assert counts["duplicated"] == twice and 15 < counts["reordered"] < 80, counts


@test.case("a rate lets so much pass, queues what its bound takes and drops the rest; steps come when set")
def _(tmp):
    field = qvfield.Field(test, tmp, rate=2e6, queue=20000)
    got = probe(field, 1000, 0.0005)  # 1000 packets of 528 bytes at 8.4 Mbit/s
    counts = field.counts()[1, 2]
    assert counts["full"] > 100 and len(got) == counts["passed"], counts
    waited = statistics.median(delay for _, delay in got[len(got) // 2:])
    assert waited > 60, waited  # of the 80 ms that 20000 bytes take at 2 Mbit/s
    field.set(rate=0)
    numbers = [number for number, _ in probe(field, 1500, 0.001, meanwhile=lambda: field.outage(0.6))]
    gap = max(b - a for a, b in zip([-1, *numbers], numbers))
    assert 100 < gap < 1400 and numbers[-1] == 1499, gap
    field.set(after=0.3, path=(2, 1), down=1)
    assert len(probe(field, 1000, 0.001)) == 1000, "the other direction was to be cut"


@test.case("an end that moves to another address is found there, and packets for the old one are not")
def _(tmp):
    field = qvfield.Field(test, tmp, nodes=3)
    assert len(probe(field, 50)) == 50
    field.change_address(2, 2, 77)
    answer = field.run(2, ["ip", "-o", "-4", "addr", "show", "dev", "qv0"]).stdout
    assert "10.99.0.77/" in answer and "10.99.0.2/" not in answer, answer
    field.run(2, ["ip", "route", "get", "10.99.0.1"])
    # It sends from there, and so becomes known.
    field.run(2, [sys.executable, os.path.abspath(__file__), "send", "10.99.0.1", "1", "0"])
    assert len(probe(field, 50, address=77)) == 50
    assert len(probe(field, 50, to=3)) == 50


if len(sys.argv) > 1:
    send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4])) if sys.argv[1] == "send" else receive(float(sys.argv[2]))
else:
    test.run()
