# SPDX-License-Identifier: Apache-2.0
"""What the admin interface says of relayed keys: the network, routes, sessions, what links spend; metrics; the page."""

import json
import urllib.request

import qvkme
import qvnetwork
import qvtest
import webdriver

test = qvtest.Test(__file__)


def watched(tmp):
    admin = qvtest.free_port()
    net = qvnetwork.Network(test, tmp, extra={"1": f'admin: {{ listen = "127.0.0.1:{admin}"; }};'})
    return net, f"http://127.0.0.1:{admin}"


def get(url):
    with urllib.request.urlopen(url, timeout=qvtest.TIMEOUT) as answer:
        return answer.read().decode()


def metric(text, name):
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))


@test.case("network, routes, sessions and spent link keys are told as JSON and counted as metrics")
def _(tmp):
    net, url = watched(tmp)
    net.share("1", "8", 3)
    relay = json.loads(get(url + "/api/relay"))
    assert [kme["id"] for kme in relay["kmes"]] == list("12345678") and len(relay["links"]) == 13, relay
    assert relay["self"] == 0 and relay["module"] == "redistribute" and relay["delivered"] == 1, relay
    route, = relay["routes"]
    assert route["to"] == "8" and route["keys"] > 0 and sum(route["load"]) == route["messages"], route
    # Three keys and what confirms them: five times 32 bytes, and a key for the tag.
    qvkme.wait_until(lambda: len(json.loads(get(url + "/api/relay"))["spent"]) == 3)
    for link in json.loads(get(url + "/api/relay"))["spent"]:
        assert link["peer"] in "234" and link["link_keys"] == 6, link
    text = get(url + "/metrics")
    assert metric(text, "qkd_kme_relay_sessions_delivered_total") == 1
    assert metric(text, "qkd_kme_relay_shares_sent_total") == 3
    assert metric(text, "qkd_kme_relay_link_keys_total") == 18
    net.stop()


@test.case("the page draws the network and the way of the keys")
def _(tmp):
    net, url = watched(tmp)
    net.share("1", "8", 3)
    browser = webdriver.Browser(test, tmp)
    browser.open(url + "/")
    browser.wait_for("return document.querySelectorAll('.network circle').length === 8")
    browser.wait_for("return document.querySelectorAll('.network line.link-used').length > 5")
    browser.wait_for("return document.querySelectorAll('#spent tr').length === 3")
    assert "8" in browser.text("#routes") and "redistribute" in browser.text("#relay-about")
    assert browser.complaints() == []
    net.stop()


test.run()
