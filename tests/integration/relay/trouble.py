# SPDX-License-Identifier: Apache-2.0
"""Links that run out of keys, KMEs that die, several slaves: keys the same at both ends, or a clear refusal."""

import threading

import qvkme
import qvnetwork
import qvtest

test = qvtest.Test(__file__)


def take_until_refused(net, number):
    for _ in range(200):
        status, body = net.take("1", "8", number)
        if status != 200:
            return status, body
        assert net.claim("1", "8", body["keys"]) == (200, {"keys": body["keys"]})
    raise AssertionError("the links never run out of keys")


@test.case("when this KME's own links run out, the master gets a 503 that names one, and no key is spent")
def _(tmp):
    near = {("1", n): 130 for n in "234"}
    net = qvnetwork.Network(test, tmp, stocks=near)
    status, body = take_until_refused(net, 8)
    assert status == 503 and qvnetwork.details(body)["link"] in {"1 - 2", "1 - 3", "1 - 4"}, body
    before = [net.stored("1", n) for n in "234"]
    assert net.take("1", "8", 8)[0] == 503
    assert [net.stored("1", n) for n in "234"] == before
    # Fewer keys may still go.
    stored = net.call("1", "GET", "/api/v1/keys/108/status")[1]["stored_key_count"]
    if stored:
        net.share("1", "8")
    net.stop()


@test.case("when a link further on runs out, the master gets a 503 that names it")
def _(tmp):
    far = {(n, "8"): 120 for n in "567"}
    net = qvnetwork.Network(test, tmp, stocks=far, hop_wait=200, attempts=2)
    status, body = take_until_refused(net, 16)
    assert status == 503 and qvnetwork.details(body)["link"] in {"5 - 8", "6 - 8", "7 - 8"}, body
    net.stop()


@test.case("one key for slaves at a neighbour, at this KME's far end, and by a relay that is asked for")
def _(tmp):
    net = qvnetwork.Network(test, tmp)
    status, body = net.take("1", "8", 3, additional_slave_SAE_IDs=["102", "103"])
    assert status == 200, body
    for end in "823":
        assert net.claim("1", end, body["keys"]) == (200, {"keys": body["keys"]}), end
    status, body = net.take("1", "2", 2, extension_mandatory=[{"qvisio_route": "relayed"}])
    assert status == 200 and body["key_container_extension"] == {"qvisio_route": "relayed"}, body
    assert net.claim("1", "2", body["keys"])[1]["keys"] == body["keys"]
    status, body = net.take("1", "8", 1, extension_mandatory=[{"qvisio_route": "direct"}])
    assert status == 400, body
    net.stop()


@test.case("a relay that is killed and comes back in the middle of sessions costs nobody a different key")
def _(tmp):
    net = qvnetwork.Network(test, tmp, hop_wait=300, attempts=3)
    answers, stop = [], threading.Event()

    def work():
        while not stop.is_set():
            answers.append(net.take("1", "8", 4))

    with qvtest.beside(work, work, work, stop=stop):
        for victim in "63":
            want = len(answers) + 3
            qvkme.wait_until(lambda w=want: len(answers) >= w)
            net.kmes[victim].kill()
            want = len(answers) + 3
            qvkme.wait_until(lambda w=want: len(answers) >= w)
            net.launch(victim)
            net.kmes[victim].wait_ready()
    good = [body["keys"] for status, body in answers if status == 200]
    assert all(status in (200, 503) for status, _ in answers), answers
    assert good, answers
    for keys in good:
        assert net.claim("1", "8", keys) == (200, {"keys": keys})
    net.share("1", "8", 5)
    net.stop()


@test.case("without the destination the master gets a 503, and keys again when it is back")
def _(tmp):
    net = qvnetwork.Network(test, tmp, hop_wait=300)
    net.kmes["8"].kill()
    assert net.take("1", "8")[0] == 503
    net.launch("8")
    net.kmes["8"].wait_ready()
    net.share("1", "8")
    net.stop()


test.run()
