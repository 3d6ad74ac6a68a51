# SPDX-License-Identifier: Apache-2.0
"""A call between sound cards that have one rate and one sample format each, and not those of the call."""

import os

import qvaudio
import qvfield
import qvtest
import qvvisio

test = qvtest.Test(__file__)
SECONDS = 5
WHOLE = 0.8  # of the chirps; the machine may hold up some
MEDIA = 'audio: { source: { module = "alsa"; device = "card"; }; sink: { module = "alsa"; device = "card"; }; };\n'


@test.case("microphone and loudspeaker of other rates, channels and samples are used in a call, and converted")
def _(tmp):
    if not qvvisio.has_module("audiosource", "alsa"):
        raise qvtest.Skip("audiosource/alsa is not built")
    pair = qvvisio.Pair(test, tmp, media=MEDIA, env=qvaudio.card(tmp, "bob", rate=32000, channels=1, format="S32_LE"))
    alice = pair.call(env=qvaudio.card(tmp, "alice", rate=44100, channels=2, format="S24_3LE"))
    alice.wait_for("it is used with 44100 Hz and 2 channels")
    for _ in range(SECONDS):
        pair.bob.wait_for('"event":"stats"')
    assert pair.ctl("alice", "hangup")["ok"] and alice.wait(qvtest.TIMEOUT) == 0
    pair.bob.stop()
    for name in ("alice", "bob"):
        heard = qvfield.Heard(os.path.join(tmp, f"heard-{name}"))
        print(f"# {name} heard {len(heard.chirps)} chirps, {100 * heard.whole():.0f} % whole, {heard.delays()} ms late")
        assert len(heard.chirps) >= SECONDS and heard.whole() >= WHOLE, heard.chirps


test.run()
