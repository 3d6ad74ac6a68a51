# SPDX-License-Identifier: Apache-2.0
"""Sound and pictures of a call between two processes, with a real PulseAudio daemon as the loudspeaker."""

import json
import os

import qvaudio
import qvcall
import qvtest

test = qvtest.Test(__file__)


def figures(process):
    return [json.loads(line) for line in process.output().splitlines() if line.startswith('{"event":"stats"')]


@test.case("pictures are shown with their sound, and sound waits for little but the device")
def _(tmp):
    pulse = qvaudio.Pulse(test, tmp)
    call = qvcall.Call(test, tmp, env={**os.environ, **pulse.env}, audio_sink='module = "pulse";')
    client = call.client(video='module = "testpattern";', audio='module = "tone";', seconds=8)
    assert client.wait(60) == 0, client.output()
    qvcall.event(call.server, "summary")
    told = figures(call.server)[3:]
    assert told, call.server.output()
    # A busy machine delays single pictures; most of them are where they belong.
    skews = sorted(one["skew"]["mean_ms"] for one in told if one["skew"])
    assert skews and -45 < skews[len(skews) // 2] < 15, skews
    waiting = sorted(one["jitter_buffer_ms"] for one in told)
    assert 0 < waiting[len(waiting) // 2] < 150, waiting


@test.case("where nothing is heard no picture waits for sound")
def _(tmp):
    call = qvcall.Call(test, tmp, audio_sink='module = "null";')
    client = call.client(video='module = "testpattern";', audio='module = "tone";', seconds=3)
    assert client.wait(60) == 0, client.output()
    qvcall.event(call.server, "summary")
    told = figures(call.server)
    assert told and all(one["skew"] is None for one in told), call.server.output()


test.run()
