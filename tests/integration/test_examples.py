# SPDX-License-Identifier: Apache-2.0
"""The example modules are as short as their guide says, are quoted truly, and work on the build tree."""

import os
import re
import shlex
import shutil

import qvtest

test = qvtest.Test(__file__)
EXAMPLES = os.path.join(qvtest.SOURCE, "examples")
SOURCES = {"keysource-folder": "folder.c", "videosource-stripes": "stripes.c"}


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


@test.case("each example has fewer than 100 lines of code")
def _(tmp):
    for example, source in SOURCES.items():
        text = re.sub(r"/\*.*?\*/", "", read(os.path.join(EXAMPLES, example, source)), flags=re.S)
        lines = [line for line in text.splitlines() if line.strip()]
        assert len(lines) < 100, f"{source}: {len(lines)} lines"


@test.case("the guide quotes the example as it is")
def _(tmp):
    source = read(os.path.join(EXAMPLES, "keysource-folder", "folder.c"))
    quotes = re.findall(r"^```c\n(.*?)^```", read(os.path.join(qvtest.SOURCE, "doc", "writing-a-module.md")), re.M | re.S)
    assert len(quotes) > 5
    for quote in quotes:
        assert quote in source, f"not in folder.c:\n{quote}"


@test.case("the examples build with their own Makefiles and pass the conformance suite")
def _(tmp):
    flags = os.environ.get("QV_CFLAGS", "")
    if "sanitize" in flags:
        raise qvtest.Skip("their Makefiles do not build with sanitizers")
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    # pkg-config takes qvisio-uninstalled.pc of the build tree for qvisio.
    env["PKG_CONFIG_PATH"] = qvtest.BUILD
    os.mkdir(os.path.join(tmp, "keys"))
    for name in ("alice", "bob"):
        with open(os.path.join(tmp, name + ".conf"), "w", encoding="ascii") as f:
            f.write(f'folder = "keys"; sae_id = "{name}";\n')
    options = {"keysource-folder": ["--config", os.path.join(tmp, "alice.conf"), "--peer", "bob",
                                    "--peer-config", os.path.join(tmp, "bob.conf")], "videosource-stripes": []}
    for example in SOURCES:
        folder = os.path.join(tmp, example)
        shutil.copytree(os.path.join(EXAMPLES, example), folder)
        qvtest.run(["chmod", "-R", "u+w", folder])
        compiler = " ".join(shlex.quote(w) for w in shlex.split(os.environ.get("QV_CC", "cc")))
        qvtest.run(["make", "-C", folder, "CC=" + compiler, "CFLAGS=-O2 -Wall -Wextra -Werror"], env=env)
        done = qvtest.run(["qvisio-module", "check", *options[example], os.path.join(folder, example + ".so")])
        skips = [line for line in done.stdout.splitlines() if "SKIP" in line and "names a file" not in line]
        assert not skips, skips


test.run()
