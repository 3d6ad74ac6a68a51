#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A QKD-keyed call on this machine: two KMEs, a visio_server and a visio_client, with a throwaway PKI.

`./quickstart demo` runs this. It leaves received.y4m, received.wav, snapshot.png and summary.json in the output folder,
and ends with status 0 only if picture and sound arrived and a QKD key keyed the session at both ends.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))


def parse_arguments():
    parser = argparse.ArgumentParser(prog="quickstart demo", description="A QKD-keyed call on this machine.")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=10, help="how long the call lasts (default 10)")
    parser.add_argument("--tls", choices=["openssl", "gnutls"], default="openssl", help="TLS module of both ends")
    parser.add_argument("--video", metavar="FILE.y4m", help="send this instead of a test pattern, repeated")
    parser.add_argument("--audio", metavar="FILE.wav", help="send this instead of a tone, repeated (16 kHz)")
    parser.add_argument("--output", default="demo-output", metavar="DIR", help="folder for what was received")
    parser.add_argument("--headless", action="store_true", help="no window, even if there is a display")
    options = parser.parse_args()
    if not 1 <= options.seconds <= 3600:
        parser.error("--seconds takes 1 to 3600")
    for name in ("video", "audio"):
        path = getattr(options, name)
        if path and not os.path.isfile(path):
            parser.error(f"--{name}: there is no file {path}")
    return options


def say(text):
    print(f"== {text}", flush=True)


def quoted(path):
    return '"' + os.path.abspath(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def has_display(options):
    return not options.headless and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def key_source(folder, kme, sae):
    base = os.path.join(folder, f"sae-{sae}")
    return (f'{{ module = "etsi014"; kme = "{kme.address}"; certificate = {quoted(base + ".pem")}; '
            f'private_key = {quoted(base + ".key")}; ca = {quoted(os.path.join(folder, "ca.pem"))}; }}')


def server_config(options, pair, output):
    record = (f'{{ module = "file"; path = {quoted(os.path.join(output, "received.y4m"))}; '
              f'snapshot = {quoted(os.path.join(output, "snapshot.png"))}; }}')
    video = f'sinks: ( {{ module = "sdl"; }}, {record} );' if has_display(options) else f"sink: {record};"
    return f"""
listen: {{ address = "127.0.0.1:0"; }};
key_source: {key_source(pair.folder, pair.b, 12)};
tls: {{ module = "{options.tls}"; qkd = "require"; }};
video: {{ {video} }};
audio: {{ sink: {{ module = "file"; path = {quoted(os.path.join(output, "received.wav"))}; }}; }};
"""


def client_config(options, pair, port):
    video = f'module = "file"; path = {quoted(options.video)}; loop = true;' if options.video else \
        'module = "testpattern"; width = 640; height = 480; fps = 30;'
    audio = f'module = "file"; path = {quoted(options.audio)}; loop = true;' if options.audio else 'module = "tone";'
    return f"""
peer: {{ host = "127.0.0.1"; port = {port}; sae_id = "12"; }};
key_source: {key_source(pair.folder, pair.a, 11)};
tls: {{ module = "{options.tls}"; qkd = "require"; }};
video: {{ source: {{ {video} }}; codec: {{ module = "mjpeg"; quality = 50; }}; }};
audio: {{ source: {{ {audio} }}; codec: {{ module = "pcm"; }}; }};
"""


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def event(process, kind, timeout):
    """The next JSON event of that kind that the tool prints."""
    found = process.wait_for(r'^\{"event": ?"%s".*\}$' % kind, timeout)
    return json.loads(found.group(0))


def follow(server, others, seconds):
    """Shows the server's statistics until the call is over; returns its summary."""
    deadline = time.monotonic() + seconds + 30
    while time.monotonic() < deadline:
        line = json.loads(server.wait_for(r'^\{"event": ?"(stats|summary)".*\}$', 30).group(0))
        if line["event"] == "summary":
            return line
        latency = line["latency_ms"]
        print(f"   {line['seconds']:4.0f} s  {line['fps']:4.1f} fps  {line['kbit_received']:6.0f} kbit/s  "
              f"latency {'-' if latency is None else '%.1f ms' % latency}  dropped {line['dropped']}  "
              f"{line['secured'].upper()} key {line['key_ID']}", flush=True)
        for process in others:
            if not process.running():
                raise AssertionError(f"{process.name} ended early:\n{process.output()}")
    raise AssertionError("the call did not end in time")


def judge(summary):
    """What is wrong with the call, as a list of sentences."""
    client, server = summary["sent"], summary["received"]
    faults = []
    if server["video"]["shown"] == 0:
        faults.append("no picture arrived")
    if server["audio"]["played"] == 0:
        faults.append("no sound arrived")
    for end, report in (("client", client), ("server", server)):
        if report["security"]["secured"] != "qkd":
            faults.append(f"at the {end} the session was not keyed by QKD")
    if client["security"]["key_ID"] != server["security"]["key_ID"]:
        faults.append("the two ends name different keys")
    return faults


def print_summary(summary, output):
    client, server = summary["sent"], summary["received"]
    security, rate = server["security"], server["audio_format"]["rate"]
    latency = server["latency_ms"].get("total", {})
    say("summary")
    print(f"   pictures: {client['video']['sent']} sent, {server['video']['shown']} shown\n"
          f"   sound:    {client['audio']['captured'] / rate:.1f} s sent, {server['audio']['played'] / rate:.1f} s received\n"
          f"   latency:  capture to display, median {latency.get('median', 0):.1f} ms, "
          f"95 % under {latency.get('p95', 0):.1f} ms\n"
          f"   keyed by: QKD key {security['key_ID']}\n"
          f"             {security['protocol']} {security['cipher']} {security['group']}, "
          f"TLS module {security['module']} ({security['backend']})\n"
          f"   files:    received.y4m received.wav snapshot.png summary.json in {output}", flush=True)


def call(test, options, folder, output):
    import qvkme  # after sys.path knows the harness
    say("making a throwaway PKI and starting two KMEs with a simulated QKD link")
    pair = qvkme.KmePair(test, folder)
    say("starting visio_server and visio_client")
    server = test.start(["visio_server", "--stats=json",
                         write(os.path.join(folder, "server.conf"), server_config(options, pair, output))])
    port = event(server, "listening", 20)["address"].rsplit(":", 1)[1]
    client = test.start(["visio_client", "--stats=json", f"--seconds={options.seconds}",
                         write(os.path.join(folder, "client.conf"), client_config(options, pair, port))])
    received = follow(server, [server, pair.a.process, pair.b.process], options.seconds)
    sent = event(client, "summary", 20)
    client.wait(20)
    server.signal(signal.SIGTERM)
    server.wait(20)
    return {"tls_module": options.tls, "seconds": options.seconds, "sent": sent, "received": received}


def main():
    options = parse_arguments()
    os.environ.update(QV_BUILD=options.build, QV_SOURCE=SOURCE,
                      QVISIO_MODULE_PATH=os.path.join(options.build, ".libs"))
    sys.path.insert(0, os.path.join(SOURCE, "tests", "harness"))
    sys.dont_write_bytecode = True
    import qvtest
    output = os.path.abspath(options.output)
    os.makedirs(output, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="qvisio-demo-")
    test = qvtest.Test(__file__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        summary = call(test, options, folder, output)
        write(os.path.join(output, "summary.json"), json.dumps(summary, indent=2) + "\n")
        print_summary(summary, options.output)
        faults = judge(summary)
    except (AssertionError, qvtest.Skip, OSError) as why:
        faults = [str(why)]
        for process in test.processes:
            for line in process.output().splitlines()[-15:]:
                print(f"   [{process.name}] {line}", file=sys.stderr)
    except KeyboardInterrupt:
        faults = ["stopped"]
    finally:
        for process in reversed(test.processes):
            process.stop()
        shutil.rmtree(folder, ignore_errors=True)
    for fault in faults:
        print(f"demo: {fault}", file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
