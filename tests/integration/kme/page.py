# SPDX-License-Identifier: Apache-2.0
"""The KME's page in a headless Chromium: what it shows, live events, keyboard, phone width, no complaints."""

import os

import qvkme
import qvtest
import webdriver

test = qvtest.Test(__file__)

# What a person who uses the keyboard has the focus on.
FOCUS = """const at = document.activeElement;
return at.id || at.value || at.className || at.getAttribute("href") || at.getAttribute("aria-label") || at.tagName;"""


def watched_pair(tmp, admin="", **options):
    pair = qvkme.KmePair(test, tmp, start=False, **{"rate": 0, "stock": 120, **options})
    for kme in (pair.a, pair.b):
        kme.admin = qvtest.free_port()
        with open(kme.config, "a", encoding="ascii") as f:
            f.write(f'audit: {{ file = "{kme.name}.audit"; }};\n'
                    f'admin: {{ listen = "127.0.0.1:{kme.admin}"; {admin} }};\n')
    pair.a.start(), pair.b.start()
    pair.a.wait_stock("11", "12", 120)
    pair.b.wait_stock("12", "11", 120)
    return pair


def open_page(tmp, kme, width=1280, height=900):
    browser = webdriver.Browser(test, tmp)
    browser.size(width, height)
    browser.open(f"http://127.0.0.1:{kme.admin}/")
    browser.wait_for("return document.getElementById('status-text').textContent === 'Working'")
    return browser


def figure(browser, name):
    return browser.script("""for (const figure of document.querySelectorAll(".figure"))
        if (figure.querySelector("dt").textContent === arguments[0])
            return figure.querySelector("dd").textContent;""", name)


@test.case("the page shows the KME, its link with levels and a chart, its SAEs and the audit log, without a complaint")
def _(tmp):
    pair = watched_pair(tmp)
    browser = open_page(tmp, pair.a)
    browser.wait_for("return document.querySelector('.link .pill').innerText === 'Working'")
    browser.wait_for("return document.querySelector('.levels .own dd').innerText.includes('120')")
    browser.wait_for("return document.querySelector('.chart path.line.own')?.getAttribute('d').includes('L')")
    assert browser.text("#kme-id") == "KME-A" and "KME-B" in browser.text(".link h3")
    assert "certificate serial 11" in browser.text("#saes") and "KME-B" in browser.text("#saes")
    assert "Audit log: line" in browser.text("#audit") and "being written" in browser.text("#audit")
    assert browser.script("return document.title").startswith("KME-A")
    assert "ours 120" in browser.script("return document.querySelector('.chart').getAttribute('aria-label')")
    # Nothing was loaded from elsewhere, and the policy forbids whatever is inline.
    assert browser.script("return performance.getEntriesByType('resource').every(e => new URL(e.name).host === location.host)")
    assert not browser.script("return document.querySelectorAll('[style], style, script:not([src])').length")
    assert browser.complaints() == []
    browser.script("""const script = document.createElement("script");
        script.textContent = "document.title = 'broken in'"; document.body.append(script);""")
    assert browser.script("return document.title") != "broken in"
    assert any("Content Security Policy" in entry["message"] for entry in browser.complaints())
    browser.close()


@test.case("what happens to keys appears as it happens, newest first, and the totals follow")
def _(tmp):
    pair = watched_pair(tmp)
    browser = open_page(tmp, pair.a)
    done = qvtest.run(["curl", "-sS", "--cacert", os.path.join(tmp, "ca.pem"), "--cert", os.path.join(tmp, "sae-11.pem"),
                       "--key", os.path.join(tmp, "sae-11.key"),
                       f"https://localhost:{pair.a.sae_port}/api/v1/keys/12/enc_keys?number=2"])
    assert '"keys"' in done.stdout
    browser.wait_for("return document.querySelector('#events li')?.dataset.kind === 'delivered'")
    assert "2 keys to master 11" in browser.text("#events li") and "with KME-B" in browser.text("#events li")
    browser.wait_for("return document.querySelector('.levels .own dd').innerText.includes('118')")
    assert figure(browser, "Keys to masters") == "2"
    pair.a.call("11", "GET", "/api/v1/keys/12/enc_keys?number=100000")
    browser.wait_for("return document.querySelector('#events li').dataset.kind === 'refused'")
    assert "status 400" in browser.text("#events li")
    # What comes from outside is text, whatever it looks like.
    pair.a.call("11", "GET", "/api/v1/keys/%3Cimg%20src=x%20onerror=alert(1)%3E/enc_keys")
    browser.wait_for("return document.querySelector('#events li').innerText.includes('<img src=x')")
    assert browser.script("return document.querySelectorAll('#events img').length") == 0
    # Paused, it keeps still; then it catches up.
    browser.script("document.getElementById('pause').click()")
    count = browser.script("return document.querySelectorAll('#events li').length")
    pair.a.call("11", "GET", "/api/v1/keys/12/enc_keys")
    browser.wait_for("return document.getElementById('pause').textContent === 'Go on (2)'")
    assert browser.script("return document.querySelectorAll('#events li').length") == count
    browser.script("document.getElementById('pause').click()")
    assert browser.script("return document.querySelectorAll('#events li').length") == count + 2
    assert browser.complaints() == []
    browser.close()


@test.case("a peer that goes away shows in words, and so does its return; a restarted KME is found again")
def _(tmp):
    pair = watched_pair(tmp)
    browser = open_page(tmp, pair.a)
    pair.b.stop()
    browser.wait_for("return document.getElementById('status-text').textContent === 'Needs attention'")
    assert "Peer KME-B" in browser.text("#trouble-list")
    assert browser.text(".link .pill") == "Not reachable" and browser.text(".link .why")
    pair.b.start()
    browser.wait_for("return document.getElementById('status-text').textContent === 'Working'")
    assert browser.script("return document.getElementById('trouble').hidden")
    pair.a.stop()
    browser.wait_for("return document.getElementById('status-text').textContent === 'No connection'")
    pair.a.start()
    browser.wait_for("return document.getElementById('status-text').textContent === 'Working'")
    pair.share(1)
    browser.wait_for("return document.querySelector('#events li')?.dataset.kind === 'delivered'")
    browser.close()


@test.case("everything can be reached and used with the keyboard")
def _(tmp):
    pair = watched_pair(tmp)
    pair.share(1)
    browser = open_page(tmp, pair.a)
    browser.wait_for("return document.querySelectorAll('#events li').length === 2")
    browser.wait_for("return document.querySelector('.chart path.line.own')?.getAttribute('d').includes('L')")
    seen = []
    for _ in range(9):
        browser.press("Tab")
        seen.append(browser.script(FOCUS))
        # The focus can be seen.
        assert browser.script("""const at = document.activeElement;
            const marked = at.matches("input") ? at.nextElementSibling : at;
            return getComputedStyle(marked).outlineStyle !== "none";"""), seen
    assert seen == ["skip", "recent", "chart", "all", "pause", "events", "scroll", "/metrics", "/health"], seen
    browser.script("document.querySelector('.chart').focus()")
    browser.press("Left")
    assert browser.wait_for("return document.querySelector('.reading').textContent").startswith("now: ours 1")
    browser.press("Escape")
    assert browser.text(".reading") == ""
    browser.script("document.querySelector('#event-filter input').focus()")
    browser.press("Right", "Right")
    assert browser.script("return document.getElementById('events').dataset.filter") == "refused"
    assert browser.script("return [...document.querySelectorAll('#events li')].every(e => e.offsetHeight === 0)")
    browser.script("document.querySelector('#range input').focus()")
    browser.press("Right")
    browser.wait_for("return document.querySelector('.chart').getAttribute('aria-label').includes('1 hour')")
    browser.script("document.getElementById('pause').focus()")
    browser.press("Enter")
    assert browser.script("return document.getElementById('pause').getAttribute('aria-pressed')") == "true"
    assert browser.complaints() == []
    browser.close()


@test.case("it fits a phone of 360 pixels, in light and in dark, with enough contrast")
def _(tmp):
    pair = watched_pair(tmp, saes_a='{ id = "an application with a rather long name of its own"; '
                                    'certificate_common_name = "application.of.a.rather.long.name.example.org"; }')
    pair.share(3)
    browser = open_page(tmp, pair.a)
    browser.size(360, 740, mobile=True)
    browser.wait_for("return document.querySelectorAll('#events li').length === 2")
    assert browser.script("return innerWidth") == 360
    assert browser.script("return document.documentElement.scrollWidth") <= 360
    wide = browser.script("""return [...document.querySelectorAll("main *")].filter(
        e => !e.closest(".scroll, .quiet, svg") && e.getBoundingClientRect().right > 360.5).map(e => e.outerHTML.slice(0, 80))""")
    assert wide == [], wide
    for scheme in ("light", "dark"):
        browser.colours(scheme)
        low = browser.script(CONTRAST)
        assert low == [], (scheme, low)
    if os.environ.get("QV_PAGE_SHOT"):
        browser.screenshot(os.environ["QV_PAGE_SHOT"], whole=True)
    browser.close()


# Texts with less contrast to what is behind them than WCAG 2.2 (1.4.3) asks.
CONTRAST = """
const light = (c) => { const v = c.map(x => x / 255).map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
const low = [];
for (const e of document.querySelectorAll("body *")) {
    if (!e.offsetHeight || e.closest(".quiet, .skip") || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = light(parse(getComputedStyle(e).color).slice(0, 3)), b = light(ground(e).slice(0, 3));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push([e.className || e.tagName, e.textContent.slice(0, 30), ratio]);
}
return low;"""


@test.case("where a token is needed the page asks for it, keeps out who has it not, and lets out who logs out")
def _(tmp):
    qvkme.private_file(os.path.join(tmp, "admin.token"), "correct-horse-battery\n")
    pair = watched_pair(tmp, 'token_file = "admin.token";')
    browser = webdriver.Browser(test, tmp)
    browser.open(f"http://127.0.0.1:{pair.a.admin}/")
    browser.wait_for("return location.pathname === '/login' && document.getElementById('token')")
    for token, expected in (("wrong", "That is not the token."), ("correct-horse-battery", None)):
        browser.script("document.getElementById('token').focus(); document.getElementById('token').select()")
        browser.press(*token, "Enter")
        if expected:
            browser.wait_for("return document.getElementById('login-error').textContent === arguments[0]", expected)
    browser.wait_for("return document.getElementById('status-text')?.textContent === 'Working'")
    assert browser.script("return document.cookie") == ""
    browser.script("document.getElementById('logout').click()")
    browser.wait_for("return location.pathname === '/login'")
    browser.open(f"http://127.0.0.1:{pair.a.admin}/")
    browser.wait_for("return location.pathname === '/login'")
    browser.close()


test.run()
