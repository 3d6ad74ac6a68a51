# SPDX-License-Identifier: Apache-2.0
"""KMEs that alter the shares they pass on: the ends never have different keys, and get keys where the plan allows."""

import qvcall
import qvnetwork
import qvtest

test = qvtest.Test(__file__)


@test.case("two altered shares of seven are corrected, and the KMEs they came over are named")
def _(tmp):
    links = {"1": "234567", **{n: "8" for n in "234567"}}
    net = qvnetwork.Network(test, tmp, links=links, module="disjoint", options="privacy = 1; altered = 2;",
                            altering=("3", "6"), hop_wait=1500)
    for number in (1, 20, 128):
        net.share("1", "8", number)
    for kme in "36":
        net.kmes["8"].process.wait_for(f"a share was altered on its way over {kme}")
    net.stop()


@test.case("a call between SAEs of KMEs 1 and 8 is keyed with two KMEs altering shares and a link down")
def _(tmp):
    net = qvnetwork.Network(test, tmp, altering=("4", "7"), down=[("7", "8")], hop_wait=500, attempts=6, time=30000)
    server, caller = (qvnetwork.key_source(net, end, "timeout = 60000;") for end in ("8", "1"))
    call = qvcall.Call(test, tmp, key_source=server)
    for _ in range(2):
        client = call.client(key_source=caller, peer_sae="108", video='module = "testpattern"; frames = 10;')
        assert client.wait() == 0, client.output()
        security = qvcall.event(call.server, "summary")["security"]
        assert security["secured"] == "qkd" and security["peer_sae"] == "101", security
    net.stop()


@test.case("where more is altered than can be corrected, the master gets a 503, and the slave nothing")
def _(tmp):
    net = qvnetwork.Network(test, tmp, altering=("5", "6"), down=[("7", "8")], hop_wait=300, attempts=2)
    for _ in range(3):
        status, body = net.take("1", "8", 5)
        if status == 200:
            assert net.claim("1", "8", body["keys"]) == (200, {"keys": body["keys"]})
        else:
            assert status == 503, (status, body)
            assert "keys" not in body, body
    net.stop()


@test.case("hundreds of keys over dishonest KMEs: both ends always have the same")
def _(tmp):
    net = qvnetwork.Network(test, tmp, altering=("4", "6"), hop_wait=300, attempts=4, rate=0, stock=6000)
    got = 0
    for _ in range(4):
        status, body = net.take("1", "8", 128)
        assert status in (200, 503), (status, body)
        if status == 200:
            assert net.claim("1", "8", body["keys"]) == (200, {"keys": body["keys"]})
            got += 128
    print("#", got, "of 512 keys arrived")
    net.stop()


test.run()
