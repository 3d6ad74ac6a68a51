# SPDX-License-Identifier: Apache-2.0
"""Group relay in the configuration: errors name file and line; a reload takes a new topology, or refuses a bad one."""

import signal

import qvnetwork
import qvtest

test = qvtest.Test(__file__)


def check(net, name, change):
    """What --check says of a changed configuration."""
    with open(net.kmes[name].config, encoding="ascii") as f:
        text = f.read()
    old, new = change
    assert old in text, old
    path = net.path("changed.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write(text.replace(old, new, 1))
    result = qvtest.run(["qkd-kme", "--check", path], check=False)
    return result.returncode, result.stdout + result.stderr


@test.case("mistakes in the group and in the topology are errors with file and line")
def _(tmp):
    net = qvnetwork.Network(test, tmp, start=False)
    topology = net.path("network.conf")
    with open(topology, encoding="ascii") as f:
        good = f.read()
    for change, words in (
            (('topology = "network.conf";', ""), "relay.topology"),
            (('topology = "network.conf"', 'topology = "absent.conf"'), "absent.conf"),
            (('module = "redistribute"', 'module = "carrier"'), "carrier"),
            (("hop_wait = 700", "hop_wait = 1"), "relay.hop_wait"),
            (("attempts = 3", "attemps = 3"), "attempts"),
            (('kme_id = "1"', 'kme_id = "9"'), 'no KME "9"')):
        code, said = check(net, "1", change)
        assert code != 0 and words in said and "changed.conf:" in said, (change, said)
    with open(topology, "w", encoding="ascii") as f:
        f.write(good.replace("{ from = 1; to = 2; }", "{ from = 1; to = 2; }, { from = 1; to = 5; }"))
    code, said = check(net, "1", ("attempts = 3", "attempts = 2"))
    assert code != 0 and 'a link between "1" and "5"' in said and "changed.conf:" in said, said
    with open(topology, "w", encoding="ascii") as f:
        f.write(good.replace("to = 2;", "to = 2; colour = 3;", 1))
    code, said = check(net, "1", ("attempts = 3", "attempts = 2"))
    assert code != 0 and "network.conf:" in said, said


@test.case("a reload takes a new topology at both ends; until all have it, keys are refused with a clear word")
def _(tmp):
    net = qvnetwork.Network(test, tmp)
    net.share("1", "8")
    gone = ("4", "6")
    net.links.remove(gone)
    net.write_topology("smaller.conf")
    for name in net.names:
        text = open(net.kmes[name].config, encoding="ascii").read()
        with open(net.kmes[name].config, "w", encoding="ascii") as f:
            f.write(text.replace("network.conf", "smaller.conf"))
    order = ["1", *(n for n in net.names if n != "1")]
    for name in order:
        process = net.kmes[name].process
        process.signal(signal.SIGHUP)
        process.wait_for("is read anew and in use")
        if name == "1":
            assert net.take("1", "8")[0] == 503
            net.kmes["8"].process.wait_for("this KME has another topology")
    net.share("1", "8", 3)
    net.stop()


test.run()
