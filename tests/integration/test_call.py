# SPDX-License-Identifier: Apache-2.0
"""Whole calls over loopback between visio_client and visio_server: real TLS, real media files, real faults."""

import os
import signal
import socket
import time

import qvaudio
import qvcall
import qvtest

test = qvtest.Test(__file__)

FILES = {"video_sink": 'module = "file"; path = "received.y4m"; snapshot = "snapshot.png";',
         "audio_sink": 'module = "file"; path = "received.wav";'}


def make_media(folder, seconds):
    """A moving picture and sound that differ at every instant, made by ffmpeg."""
    video, audio = os.path.join(folder, "in.y4m"), os.path.join(folder, "in.wav")
    qvtest.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size=160x120:rate=25:duration={seconds}",
                "-pix_fmt", "yuv420p", "-y", video])
    qvtest.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i",
                f"anoisesrc=color=pink:seed=1:sample_rate=16000:amplitude=0.5:duration={seconds}", "-ac", "1", "-y", audio])
    return video, audio


def whole_call(tmp, tls):
    video, audio = make_media(tmp, 4)
    call = qvcall.Call(test, tmp, tls=tls, **FILES)
    client = call.client(video=f'module = "file"; path = "{video}";', codec='module = "mjpeg"; quality = 90;',
                         audio=f'module = "file"; path = "{audio}";', tls=tls)
    assert client.wait() == 0, client.output()
    received = qvcall.event(call.server, "summary")
    assert received["end"] == "peer-bye", received
    sent_frames, frames = qvcall.Y4m(video).frames, qvcall.Y4m(os.path.join(tmp, "received.y4m")).frames
    assert len(frames) == received["video"]["shown"]
    # A busy machine may drop a few; what is shown must be right and in order.
    assert len(frames) > len(sent_frames) / 2, (len(frames), len(sent_frames))
    matches = qvcall.match_frames(sent_frames, frames)
    assert len(set(matches)) == len(matches), "a picture was shown twice"
    for index in range(0, len(frames), 20):
        quality = qvcall.psnr(frames[index], sent_frames[matches[index]])
        assert quality > 30, f"received picture {index} has a PSNR of {quality:.1f} dB"
    fit = qvaudio.correlate(audio, os.path.join(tmp, "received.wav"))
    assert fit.peak > 0.95, fit
    assert fit.recorded > 3.5 * fit.rate, fit
    # The snapshot is a picture that another program reads, of the size sent.
    size = qvtest.run(["ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0",
                       os.path.join(tmp, "snapshot.png")]).stdout.strip()
    assert size == "160,120", size
    return received


@test.case("pictures and sound of files arrive whole over OpenSSL, keyed by QKD")
def _(tmp):
    received = whole_call(tmp, 'module = "openssl";')
    security = received["security"]
    assert security["secured"] == "qkd" and security["key_ID"] == "test-key-0", security
    assert security["protocol"] == "TLSv1.3" and security["peer_sae"] == "11", security


@test.case("pictures and sound of files arrive whole over GnuTLS, keyed by QKD")
def _(tmp):
    security = whole_call(tmp, 'module = "gnutls";')["security"]
    assert security["secured"] == "qkd" and security["module"] == "gnutls", security


def built(kind, name):
    return os.path.exists(os.path.join(qvtest.BUILD, ".libs", f"{kind}-{name}.so"))


def coded_call(tmp, settings):
    """A call in VP8 or VP9 with Opus: the server takes either without being told which."""
    if not built("videocodec", "vpx") or not built("audiocodec", "opus"):
        raise qvtest.Skip("videocodec/vpx or audiocodec/opus is not built")
    video, audio = make_media(tmp, 3)
    call = qvcall.Call(test, tmp, video_codec='module = "vpx";', audio_codec='module = "opus";', **FILES)
    client = call.client(video=f'module = "file"; path = "{video}";', codec=f'module = "vpx"; {settings}',
                         audio=f'module = "file"; path = "{audio}";',
                         audio_codec='module = "opus"; rate = 16000; application = "audio"; bitrate = 64000;')
    assert client.wait() == 0, client.output()
    received = qvcall.event(call.server, "summary")
    assert received["video"]["damaged"] == 0 and received["audio"]["damaged"] == 0, received
    sent_frames, frames = qvcall.Y4m(video).frames, qvcall.Y4m(os.path.join(tmp, "received.y4m")).frames
    assert len(frames) > len(sent_frames) / 4, (len(frames), len(sent_frames))
    matches = qvcall.match_frames(sent_frames, frames)
    for index in range(0, len(frames), 15):
        quality = qvcall.psnr(frames[index], sent_frames[matches[index]])
        assert quality > 30, f"received picture {index} has a PSNR of {quality:.1f} dB"
    # Noise is the hardest of all sounds to code.
    fit = qvaudio.correlate(audio, os.path.join(tmp, "received.wav"))
    assert fit.peak > 0.8, fit


@test.case("sound of another rate and number of channels is made that of the codec")
def _(tmp):
    _, audio = make_media(tmp, 2)
    other = os.path.join(tmp, "other.wav")
    qvtest.run(["ffmpeg", "-v", "error", "-i", audio, "-ar", "44100", "-ac", "2", "-y", other])
    call = qvcall.Call(test, tmp, **FILES)
    client = call.client(video=None, audio=f'module = "file"; path = "{other}";')
    assert client.wait() == 0, client.output()
    qvcall.event(call.server, "summary")
    fit = qvaudio.correlate(audio, os.path.join(tmp, "received.wav"))
    # The filter of the converter stands 2 ms of silence before the sound, so that no block waits for the next.
    assert fit.rate == 16000 and fit.peak > 0.97 and abs(fit.delay - 33) <= 1, fit


@test.case("a call in VP8 and Opus")
def _(tmp):
    coded_call(tmp, 'codec = "vp8";')


@test.case("a call in VP9 with three temporal layers and Opus")
def _(tmp):
    coded_call(tmp, 'codec = "vp9"; temporal_layers = 3;')


@test.case("the server serves one caller after another, each with a key of its own")
def _(tmp):
    call = qvcall.Call(test, tmp)
    keys = []
    for _ in range(3):
        client = call.client(video='module = "testpattern"; frames = 10;')
        assert client.wait() == 0, client.output()
        summary = qvcall.event(call.server, "summary")
        assert summary["video"]["shown"] > 0, summary
        keys.append(summary["security"]["key_ID"])
    assert len(set(keys)) == 3, keys
    call.server.signal(signal.SIGTERM)
    assert call.server.wait() == 0


@test.case("a second caller is told that this end is busy, and the call does not notice")
def _(tmp):
    call = qvcall.Call(test, tmp)
    first = call.client(name="first")
    qvcall.event(first, "stats")
    second = call.client(name="second", key_source=qvcall.psk_source("second", 13).replace(
        '"psk";', '"psk"; order = "backward";'))
    assert second.wait() == 3, second.output()
    assert "busy" in second.output() or "another call" in second.output(), second.output()
    qvcall.event(call.server, "refused")
    assert qvcall.event(call.server, "stats")["fps"] > 0
    first.signal(signal.SIGTERM)
    assert first.wait() == 0, first.output()
    assert qvcall.event(call.server, "summary")["end"] == "peer-bye"


@test.case("several sinks all get what comes, and one that goes away takes none of the others with it")
def _(tmp):
    pulse = qvaudio.Pulse(test, tmp)
    call = qvcall.Call(test, tmp, env={**pulse.env, "SDL_VIDEODRIVER": "dummy"},
                       video_sink=['module = "sdl";', 'module = "file"; path = "one.y4m";',
                                   'module = "file"; path = "two.y4m";'],
                       audio_sink=['module = "pulse";', 'module = "file"; path = "one.wav";'])
    client = call.client(audio='module = "tone";')
    qvcall.event(call.server, "stats")
    pulse.process.signal(signal.SIGKILL)
    call.server.wait_for('audio sink "pulse": .*; the other sinks go on')
    before = qvcall.event(call.server, "stats")["audio"]["played"]
    client.signal(signal.SIGTERM)
    assert client.wait() == 0, client.output()
    summary = qvcall.event(call.server, "summary")
    one, two = (qvcall.Y4m(os.path.join(tmp, name)).frames for name in ("one.y4m", "two.y4m"))
    assert len(one) == summary["video"]["shown"] and one == two
    samples = qvaudio.read_wav(os.path.join(tmp, "one.wav"))[0]
    assert len(samples) >= before > 0, (len(samples), summary)


@test.case("silent and noisy connections hold up no caller")
def _(tmp):
    call = qvcall.Call(test, tmp)
    silent = [socket.create_connection(("127.0.0.1", call.port)) for _ in range(20)]
    for connection in silent[10:]:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n" + os.urandom(300))
    client = call.client(video='module = "testpattern"; frames = 5;')
    assert client.wait() == 0, client.output()
    assert qvcall.event(call.server, "summary")["security"]["secured"] == "qkd"
    for connection in silent:
        connection.close()
    assert call.server.running()


@test.case("a client that is killed ends its call, and the next is served")
def _(tmp):
    call = qvcall.Call(test, tmp)
    client = call.client()
    qvcall.event(call.server, "stats")
    client.signal(signal.SIGKILL)
    summary = qvcall.event(call.server, "summary")
    assert summary["end"] == "failed" and summary["error"]["code"] in ("truncated", "io"), summary
    again = call.client(video='module = "testpattern"; frames = 5;')
    assert again.wait() == 0, again.output()
    assert qvcall.event(call.server, "summary")["end"] == "peer-bye"


@test.case("a server that is killed ends the client with a message and status 1")
def _(tmp):
    call = qvcall.Call(test, tmp)
    client = call.client()
    qvcall.event(client, "stats")
    call.server.signal(signal.SIGKILL)
    assert client.wait() == 1
    assert " error visio_client: " in client.output(), client.output()


@test.case("a client killed at any moment, handshake included, leaves a server that serves the next")
def _(tmp):
    qvcall.write_keys(tmp, 40)
    call = qvcall.Call(test, tmp)
    for moment in range(16):
        client = call.client()
        time.sleep(moment * 0.008)  # the moment is what is tested: from before the connection until within the call
        client.signal(signal.SIGKILL)
        client.wait()
        assert call.server.running(), call.server.output()
    # The last victim's call may not have ended yet at the server: until then it is busy.
    again = call.client(video='module = "testpattern"; frames = 5;')
    deadline = time.monotonic() + qvtest.TIMEOUT
    while again.wait() == 3:
        assert time.monotonic() < deadline, call.server.output()
        again = call.client(video='module = "testpattern"; frames = 5;')
    assert again.popen.returncode == 0, again.output()


@test.case("a server killed at any moment, handshake included, ends the client with a message and status 1")
def _(tmp):
    for moment in range(10):
        folder = os.path.join(tmp, str(moment))
        os.mkdir(folder)
        call = qvcall.Call(test, folder)
        client = call.client()
        time.sleep(moment * 0.012)
        call.server.signal(signal.SIGKILL)
        assert client.wait() == 1, client.output()
        assert " error visio_client: " in client.output(), client.output()


@test.case("a server that is stopped says goodbye")
def _(tmp):
    call = qvcall.Call(test, tmp)
    client = call.client()
    qvcall.event(client, "stats")
    call.server.signal(signal.SIGTERM)
    assert call.server.wait() == 0, call.server.output()
    assert client.wait() == 0, client.output()
    assert '"end":"peer-bye"' in client.output(), client.output()


@test.case("ends with different keys refuse each other and say why")
def _(tmp):
    call = qvcall.Call(test, tmp)
    other = os.path.join(tmp, "other")
    os.mkdir(other)
    os.rename(qvcall.write_keys(other), os.path.join(tmp, "other-keys.txt"))
    client = call.client(key_source='{ module = "psk"; keys = "other-keys.txt"; sae_id = "11"; }')
    assert client.wait() == 1
    call.server.wait_for(r"warning visio_server: 127\.0\.0\.1:\d+: .")
    assert call.server.running()
    # The key that the wrong client burnt is gone for good; the next one does.
    good = call.client(video='module = "testpattern"; frames = 5;',
                       key_source=qvcall.psk_source("client", 11).replace('"psk";', '"psk"; order = "backward";'))
    assert good.wait() == 0, good.output()


@test.case("a classic caller is refused under require, and told in words under prefer")
def _(tmp):
    pki = qvtest.Pki(os.path.join(tmp, "pki"))
    pem, key = pki.issue("server")
    certificate = f'certificate = "{pem}"; private_key = "{key}"; ca = "{pki.ca}";'
    classic = f'module = "openssl"; qkd = "off"; ca = "{pki.ca}";'
    call = qvcall.Call(test, tmp, tls=f'module = "openssl"; qkd = "require"; {certificate}')
    client = call.client(tls=classic, video='module = "testpattern"; frames = 5;')
    assert client.wait() == 1, client.output()
    call.server.stop()
    for tls in ("openssl", "gnutls"):
        call = qvcall.Call(test, tmp, tls=f'module = "{tls}"; qkd = "prefer"; {certificate}')
        client = call.client(tls=classic, video='module = "testpattern"; frames = 5;')
        assert client.wait() == 0, client.output()
        assert qvcall.event(call.server, "summary")["security"]["secured"] == "classic"
        call.server.stop()


@test.case("the one line of statistics shows rate, latency, drops, size and security")
def _(tmp):
    call = qvcall.Call(test, tmp)
    qvcall.write(tmp, "line.conf", f'peer: {{ host = "localhost"; port = {call.port}; sae_id = "12"; }};\n'
                 f'key_source: {qvcall.psk_source("client", 11)};\nvideo: {{ source: {{ module = "testpattern"; }}; }};\n')
    client = test.start(["visio_client", "line.conf"], cwd=tmp)
    client.wait_for(r"^ +\d+ s +\d+\.\d fps +\d+ kbit/s +latency \S+.* dropped \d+ +sent 640x480 +\| "
                    r"QKD: TLSv1.3 \S+ .*key test-key-")
    client.signal(signal.SIGINT)
    assert client.wait() == 0
    assert "pictures sent: " in client.output(), client.output()


test.run()
