# SPDX-License-Identifier: Apache-2.0
"""Capture-to-display latency of a call, split by stage: over loopback, and over a path with 50 ms each way.

The pictures come from the test pattern at 30 frames a second; the times are those that the receiver's summary gives
(capture stamp to the return of the sink's show, by the clock of this machine). Beside the second measurement a design
that waits for an acknowledgement after each picture sends pictures of the same size over the same path.
"""

import os
import shutil
import socket
import statistics
import sys
import tempfile
import time

import qvcall
import qvfield
import qvtest

SECONDS = int(os.environ.get("QV_BENCH_SECONDS", "8"))
SIZES = ((640, 480), (1280, 720))
STAGES = ("capture", "encode", "queue", "network", "wait", "decode", "show")
test = qvtest.Test(__file__)


def run_call(folder, size, field=None, host="127.0.0.1", congestion=None):
    """One call; the server's summary, with the frame rate once the connection has found its pace as `fps`."""
    for name in os.listdir(folder):
        os.remove(os.path.join(folder, name))
    qvcall.write_keys(folder)
    tls = 'module = "openssl";'
    server_config = qvcall.write(
        folder, "server.conf", f'listen: {{ address = "{host}:0"; }};\nkey_source: {qvcall.psk_source("server", 12)};\n'
        f'tls: {{ {tls} }};\nvideo: {{ sink: {{ module = "null"; }}; }};\n')
    server = start(field, 2, ["visio_server", "--stats=json", server_config])
    port = qvcall.event(server, "listening")["address"].rsplit(":", 1)[1]
    choice = f'congestion_control = "{congestion}";' if congestion else ""
    client_config = qvcall.write(
        folder, "client.conf", f'peer: {{ host = "{host}"; port = {port}; sae_id = "12"; {choice} }};\n'
        f'key_source: {qvcall.psk_source("client", 11)};\ntls: {{ {tls} }};\n'
        f'video: {{ source: {{ module = "testpattern"; width = {size[0]}; height = {size[1]}; fps = 30; }};\n'
        f'codec: {{ module = "mjpeg"; quality = 25; }}; }};\n')
    client = start(field, 1, ["visio_client", "--stats=json", f"--seconds={SECONDS}", client_config])
    rates, summary = [], {"event": "stats"}
    while summary["event"] == "stats":
        summary = qvcall.event(server, "stats", "summary", timeout=SECONDS + 30)
        rates.append(summary.get("fps", 0))
    summary["fps"] = statistics.median(rates[2:-1])  # TCP's slow start takes the first two seconds
    client.wait()
    server.stop()
    return summary


def start(field, node, argv):
    return field.start(node, argv) if field else test.start(argv)


def print_row(label, summary):
    latency = summary["latency_ms"]
    parts = [latency[s]["mean"] if s in latency else 0.0 for s in STAGES]
    total = latency["total"]
    print(f"{label:<26} " + " ".join(f"{p:8.2f}" for p in parts) +
          f" {sum(parts):8.2f} {total['mean']:8.2f} {total['median']:8.2f} {total['p95']:8.2f} {total['p99']:8.2f} "
          f"{summary['fps']:6.1f}", flush=True)


def print_header():
    print("mean ms by stage".ljust(26), " ".join(f"{s:>8}" for s in STAGES),
          f"{'sum':>8} {'total':>8} {'median':>8} {'p95':>8} {'p99':>8} {'fps':>6}")


def exact(connection, size):
    got = 0
    while got < size:
        piece = connection.recv(size - got)
        if not piece:
            return False
        got += len(piece)
    return True


def wait_for_ack_server(address):
    """The peer of the design with acknowledgements, run in the far namespace."""
    with socket.create_server((address, 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while exact(connection, 4) and exact(connection, int(sys.argv[3])):
                connection.sendall(b"ACK")


def wait_for_ack_client(address, port, size, seconds):
    frame = b"\0\0\0\0" + os.urandom(size)
    count, began = 0, time.monotonic()
    with socket.create_connection((address, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.monotonic() - began < seconds:
            connection.sendall(frame)
            if not exact(connection, 3):
                break
            count += 1
    print(count / (time.monotonic() - began), flush=True)


def measure_wait_for_ack(field, frame_size):
    me = os.path.abspath(__file__)
    server = field.start(2, [sys.executable, me, "ack-server", "10.99.0.2", frame_size])
    port = server.wait_for(r"^(\d+)$").group(1)
    client = field.start(1, [sys.executable, me, "ack-client", "10.99.0.2", port, frame_size])
    rate = float(client.wait_for(r"^([\d.]+)$", 60).group(1))
    server.stop()
    return rate


def verdict(met):
    return "met" if met else "MISSED"


def measure_one_delayed(folder, field, size, congestion, loopback):
    """BBR, where the system has it, paces each picture over some milliseconds; reno sends it at once."""
    summary = run_call(folder, size, field, "10.99.0.2", congestion)
    with open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="ascii") as f:
        name = congestion or f.read().strip()
    print_row(f"{size[0]}x{size[1]}, TCP {name}", summary)
    growth = summary["latency_ms"]["total"]["median"] - loopback["latency_ms"]["total"]["median"]
    frame = summary["video"]["bytes"] // max(1, summary["video"]["received"])
    waiting = measure_wait_for_ack(field, frame)
    print(f"{'':<26} latency grew by {growth:.1f} ms (one-way delay 50 ms, goal at most 52: {verdict(growth <= 52)}); "
          f"goal 30 fps: {verdict(summary['fps'] > 29.5)}; waiting for acknowledgements: {waiting:.1f} fps", flush=True)


def measure_delayed(folder, loopback):
    field = qvfield.Field(test, tempfile.mkdtemp(dir=folder), delay=50)
    print("\nwith 50 ms each way")
    print_header()
    for size in SIZES:
        for congestion in (None, "reno"):
            measure_one_delayed(os.path.join(folder, "call"), field, size, congestion, loopback[size])


def main():
    folder = tempfile.mkdtemp(prefix="qvisio-bench-")
    os.mkdir(os.path.join(folder, "call"))
    try:
        print("over loopback")
        print_header()
        loopback = {}
        for size in SIZES:
            loopback[size] = run_call(os.path.join(folder, "call"), size)
            print_row(f"{size[0]}x{size[1]}", loopback[size])
        measure_delayed(folder, loopback)
    finally:
        for process in reversed(test.processes):
            process.stop()
        shutil.rmtree(folder, ignore_errors=True)


if len(sys.argv) > 1 and sys.argv[1] == "ack-server":
    wait_for_ack_server(sys.argv[2])
elif len(sys.argv) > 1 and sys.argv[1] == "ack-client":
    wait_for_ack_client(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), SECONDS)
else:
    main()
