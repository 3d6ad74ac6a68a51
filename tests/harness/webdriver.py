# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium driven by chromedriver over W3C WebDriver, with nothing but the standard library.

    browser = webdriver.Browser(test, tmp)
    browser.open("http://127.0.0.1:13080/")
    browser.wait_for("return document.title === 'x'")
    browser.size(360, 800)
"""

import base64
import http.client
import json
import os
import time

import qvtest

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb"]
KEYS = {"Tab": "\ue004", "Shift": "\ue008", "Enter": "\ue007", "Space": " ", "Left": "\ue012", "Right": "\ue014",
        "Up": "\ue013", "Down": "\ue015", "Home": "\ue011", "End": "\ue010", "Escape": "\ue00c"}


class Browser:
    def __init__(self, test, folder, arguments=()):
        self.port = qvtest.free_port()
        self.driver = test.start(["chromedriver", f"--port={self.port}"], env={"HOME": folder, "TMPDIR": folder})
        self.driver.wait_for("started successfully")
        profile = os.path.join(folder, "profile")
        os.makedirs(profile)
        options = {"args": [*ARGUMENTS, f"--user-data-dir={profile}", *arguments], "binary": qvtest.program("chromium")}
        capabilities = {"browserName": "chrome", "goog:chromeOptions": options,
                        "goog:loggingPrefs": {"browser": "ALL"}}
        self.session = ""
        self.session = "/session/" + self.call("POST", "/session", {
            "capabilities": {"alwaysMatch": capabilities}})["sessionId"]

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=max(60, qvtest.TIMEOUT))
        connection.request(method, self.session + path if self.session else path,
                           json.dumps(body if body is not None else {}) if method == "POST" else None,
                           {"Content-Type": "application/json"})
        value = json.loads(connection.getresponse().read())["value"]
        connection.close()
        assert not (isinstance(value, dict) and "error" in value), value
        return value

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def script(self, text, *arguments):
        return self.call("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def wait_for(self, text, *arguments):
        """Waits until a script returns something true, and returns it."""
        deadline = time.monotonic() + qvtest.TIMEOUT
        while not (value := self.script(text, *arguments)):
            assert time.monotonic() < deadline, f"waited in vain for: {text} {arguments}\n" + self.text("body")
            time.sleep(0.05)
        return value

    def text(self, selector):
        return self.script("return document.querySelector(arguments[0])?.innerText ?? null", selector)

    def press(self, *names):
        """Presses keys one after the other; "Shift+Tab" holds the first one."""
        actions = []
        for name in names:
            keys = [KEYS.get(part, part) for part in name.split("+")]
            actions += [{"type": "keyDown", "value": key} for key in keys]
            actions += [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def size(self, width, height, mobile=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def colours(self, scheme):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def cdp(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def complaints(self):
        """What the browser wrote to its console since the last call: errors and violations of the CSP among it."""
        return [entry for entry in self.call("POST", "/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path, whole=False):
        data = (self.cdp("Page.captureScreenshot", captureBeyondViewport=True)["data"] if whole
                else self.call("GET", "/screenshot"))
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def close(self):
        self.call("DELETE", "")
        self.driver.stop()
