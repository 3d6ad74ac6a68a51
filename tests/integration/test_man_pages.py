# SPDX-License-Identifier: Apache-2.0
"""Manual pages: one for every program and module built, options as the code has them, and no formatter warnings."""

import glob
import json
import os
import re

import qvtest

test = qvtest.Test(__file__)
PAGES = os.path.join(qvtest.SOURCE, "doc", "man")
MODULES = os.path.join(qvtest.BUILD, ".libs")


def built_modules():
    files = json.loads(qvtest.run(["qvisio-module", "list", "--json"]).stdout)
    return [f for f in files if os.path.dirname(f["path"]) == os.path.realpath(MODULES)]


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def section(text, title):
    found = re.search(rf"^\.Sh {title}\n.*?(?=^\.Sh |\Z)", text, re.MULTILINE | re.DOTALL)
    return found and found.group(0)


def page_of(module):
    return os.path.join(PAGES, f"qvisio-{module['kind']}-{module['name']}.7")


@test.case("every module built can be loaded")
def _(tmp):
    unusable = [f["error"] for f in built_modules() if "error" in f]
    assert not unusable, "\n".join(unusable)


@test.case("every module built has a page")
def _(tmp):
    missing = [page_of(m) for m in built_modules() if not os.path.exists(page_of(m))]
    assert not missing, "missing: " + ", ".join(missing)


@test.case("the OPTIONS section of a module's page is what qvisio-module show --mdoc prints")
def _(tmp):
    drifted = []
    for module in built_modules():
        if os.path.exists(page_of(module)):
            name = f"{module['kind']}/{module['name']}"
            shown = qvtest.run(["qvisio-module", "show", "--mdoc", name]).stdout
            if section(read(page_of(module)), "OPTIONS") != shown:
                drifted.append(f"{page_of(module)}: replace its OPTIONS section with the output of "
                               f"`qvisio-module show --mdoc {name}`")
    assert not drifted, "\n".join(drifted)


@test.case("every program has a page")
def _(tmp):
    programs = os.environ.get("QV_PROGRAMS", "qvisio-module").split()
    missing = [p for p in programs if not glob.glob(os.path.join(PAGES, p + ".[18]"))]
    assert not missing, "no page for " + ", ".join(missing)


@test.case("every page is formatted without a warning and has its sections")
def _(tmp):
    pages = sorted(glob.glob(os.path.join(PAGES, "*.[0-9]")))
    assert pages, f"no pages in {PAGES}"
    faults = []
    for page in pages:
        done = qvtest.run(["man", "--warnings", "-l", page], env=dict(os.environ, MANWIDTH="100", LC_ALL="C.UTF-8"))
        faults += [f"{page}: {line}" for line in done.stderr.splitlines()]
        title = os.path.basename(page).rsplit(".", 1)
        text = read(page)
        if f"\n.Dt {title[0].upper()} {title[1]}\n" not in text:
            faults.append(f"{page}: .Dt is not {title[0].upper()} {title[1]}")
        needed = ["NAME", "DESCRIPTION", "SEE ALSO"]
        needed += {"7": ["OPTIONS", "EXAMPLES"], "3": ["SYNOPSIS", "RETURN VALUES"]}.get(title[1],
                                                                                         ["SYNOPSIS", "EXIT STATUS"])
        faults += [f"{page}: no section {name}" for name in needed if not section(text, name)]
    assert not faults, "\n".join(faults)


def source(*path):
    return read(os.path.join(qvtest.SOURCE, *path))


@test.case("the page of visio names every option, setting, command and event that the code has")
def _(tmp):
    tools = os.path.join(qvtest.SOURCE, "tools", "visio")
    names = {f"-{name}" for name in re.findall(r'\{ "([a-z-]+)", (?:no|required)_argument', source(tools, "visio.c"))}
    names -= {"-help", "-version"}
    for file in ("settings.c", "otp_settings.c"):
        names |= set(re.findall(r'\.name = "([a-z_]+)"', source(tools, file)))
    names |= set(re.findall(r'^\t\{ "([a-z]+)", "', source(tools, "steering.c"), re.MULTILINE))
    for file in glob.glob(os.path.join(tools, "*.c")):
        names |= set(re.findall(r'"event",\s*"([a-z-]+)"', read(file)))
    happenings = re.search(r"qv_call_happening_name\(.*?\{(.*?)\n\}", source("core", "call", "medium.c"), re.DOTALL)
    names |= set(re.findall(r'"([a-z-]+)"', happenings.group(1))) - {"key", "unknown"}
    assert len(names) > 70, f"only {len(names)} names found: the code is not written as this test reads it"
    macros = " ".join(line for line in read(os.path.join(PAGES, "visio.1")).splitlines() if line.startswith("."))
    missing = sorted(name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", macros))
    assert not missing, "not in visio(1): " + ", ".join(missing)


test.run()
