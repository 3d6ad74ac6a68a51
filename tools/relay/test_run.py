# SPDX-License-Identifier: Apache-2.0
"""qkd-relay run: the demonstration network, what it says and how it ends, and what it refuses."""

import json
import os

import qvtest

test = qvtest.Test(__file__)
DEMO = os.path.join(qvtest.SOURCE, "etc", "relay-demo.conf")
ENDS = ["--from", "1", "--to", "8"]


def relay(*arguments, status=0, topology=DEMO):
    done = qvtest.run(["qkd-relay", "run", *ENDS, *arguments, topology], check=False)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout if status in (0, 3) else done.stderr


def relay_json(*arguments, status=0):
    return json.loads(relay("--json", *arguments, status=status))


@test.case("the demonstration: 8 recovers, 4 and 6 learn nothing, message by message")
def _(tmp):
    text = relay("--verbose")
    assert text.count("\n1 -> ") + text.startswith("1 -> ") == 3, text
    assert text.count("7 -> 8: lost") == 2, text
    assert "4 -> 7" in text and "seen by the adversary" in text, text
    assert "KME 8 rebuilt the keys." in text, text
    assert "at KME 4, 6 saw 9 shares" in text and "learned nothing" in text, text


@test.case("the same as JSON, with the link keys of each link")
def _(tmp):
    said = relay_json("--keys", "10")
    assert said["outcome"] == "delivered" and said["relay"] == "recursive", said
    assert said["messages"] == 17 and said["lost"] == 2, said
    assert said["link_key_bytes"] == 17 * (10 * 32 + 32) == sum(link["key_bytes"] for link in said["links"]), said
    assert said["adversary"]["learned"] is False and said["adversary"]["kmes"] == ["4", "6"], said
    assert [link["messages"] for link in said["links"] if (link["from"], link["to"]) == ("8", "6")] == [3], said


@test.case("5 and 6 together learn the keys, and so do 2 and 3; a link tells what passes it")
def _(tmp):
    for pair in ("56", "23"):
        said = relay_json("--unmarked", "--compromise", pair[0], "--compromise", pair[1])
        assert said["adversary"]["learned"] is True, (pair, said)
    assert "LEARNED THE KEYS" in relay("--unmarked", "--compromise", "1-2", "--compromise", "1-3")
    assert "learned nothing" in relay("--unmarked", "--compromise", "1-2", "--compromise", "2-5")


@test.case("altered shares are corrected and named, or keep the keys from arriving")
def _(tmp):
    said = relay_json("--unmarked", "--relay", "disjoint", "--option", "altered=1", "--alter", "4")
    assert said["outcome"] == "delivered" and "4" in said["suspects"] and said["wrong_shares"] == 1, said
    said = relay_json("--unmarked", "--alter", "2", status=3)
    assert said["outcome"] == "contradicted" and said["why"], said


@test.case("what is lost beyond bearing keeps the keys from arriving, with status 3")
def _(tmp):
    for module in ("recursive", "disjoint", "redistribute"):
        said = relay_json("--unmarked", "--relay", module, "--down", "6", "--down", "7", status=3)
        assert said["outcome"] == "missed" and said["why"], (module, said)


@test.case("every relay module brings the demonstration's key through, broken link and all")
def _(tmp):
    # 4 and 6 lie on two of the three disjoint routes, any two of which rebuild.
    for module, learned in {"recursive": False, "disjoint": True, "redistribute": False}.items():
        said = relay_json("--relay", module)
        assert said["outcome"] == "delivered" and said["adversary"]["learned"] is learned, (module, said)


@test.case("what cannot be done is said, with status 2")
def _(tmp):
    bad = os.path.join(tmp, "bad.conf")
    with open(bad, "w", encoding="ascii") as f:
        f.write("kmes: (1, 8);\nlinks: ({ from = 1; to = 9; });\n")
    for arguments, words in {
            ("--to", "9"): "no KME \"9\"", ("--to", "1"): "both ends", ("--relay", "pigeon"): "no relay module",
            ("--option", "speed=1"): "speed", ("--bits", "9"): "multiple of 8", ("--keys", "0"): "from 1 to 2048",
            ("--bits", "65536", "--keys", "100"): "65536 bytes together", ("--down", "1-8"): "neither a KME nor a link",
            ("--compromise", "8"): "an end of the relay", ("--alter", "1-2"): "use --down",
            ("--relay", "disjoint", "--option", "privacy=3"): "takes 4 disjoint routes"}.items():
        said = relay(*arguments, status=2)
        assert words in said, (arguments, said)
    assert f"{bad}:2: a link names KME \"9\"" in relay(status=2, topology=bad)
    assert "cannot be read" in relay(status=1, topology=os.path.join(tmp, "none.conf"))


test.run()
