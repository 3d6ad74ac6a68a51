# SPDX-License-Identifier: Apache-2.0
"""qvisio-module list and show, on the modules made for tests."""

import json
import os
import shutil

import qvtest

test = qvtest.Test(__file__)
MOCKS = os.path.join(qvtest.BUILD, "tests", "modules", ".libs")


def tool(*arguments, path=MOCKS, status=0):
    done = qvtest.run(["qvisio-module", *arguments], check=False, env=dict(os.environ, QVISIO_MODULE_PATH=path))
    assert done.returncode == status, f"{arguments}: status {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout, done.stderr


def install(folder, *names):
    for name in names:
        shutil.copy(os.path.join(MOCKS, name), folder)


@test.case("list shows usable modules, then those that are not, with the reason")
def _(tmp):
    install(tmp, "videosource-mock.so", "keysource-empty.so")
    out, _ = tool("list", path=tmp)
    usable, rest = out.split("\nThese cannot be used:\n")
    assert usable.splitlines()[1].split(None, 3) == ["videosource", "mock", "9.8.7", "grey frames, for tests"], out
    assert f"{tmp}/keysource-empty.so: " in rest and "qv_module" in rest, rest


@test.case("list --json says the same")
def _(tmp):
    install(tmp, "videosource-mock.so", "keysource-empty.so")
    files = json.loads(tool("list", "--json", path=tmp)[0])
    usable = [f for f in files if "error" not in f]
    assert [(f["kind"], f["name"]) for f in usable] == [("videosource", "mock")], files
    assert [f["path"] for f in files if "error" in f] == [f"{tmp}/keysource-empty.so"], files


@test.case("a file whose name promises another class is listed as unusable")
def _(tmp):
    shutil.copy(os.path.join(MOCKS, "videosource-mock.so"), os.path.join(tmp, "videosource-other.so"))
    out, _ = tool("list", path=tmp)
    assert "videosource-other.so: it holds no class" in out, out


@test.case("an empty path is said in words, and is valid JSON")
def _(tmp):
    out, _ = tool("list", path=tmp)
    assert out.startswith("No module was found in") and tmp in out, out
    assert json.loads(tool("list", "--json", path=tmp)[0]) == []


@test.case("show --json gives every property of every option")
def _(tmp):
    shown = json.loads(tool("show", "--json", "videosource/mock")[0])
    options = {o["name"]: o for o in shown["options"]}
    assert [o["type"] for o in shown["options"]] == [
        "string", "integer", "number", "boolean", "choice", "path", "secret", "strings", "integer"], shown
    assert options["device"]["required"] and options["device"]["help"] == 'Which "thing" to read, in \\ form.'
    assert (options["width"]["min"], options["width"]["max"], options["width"]["unit"]) == (2, 8192, "px")
    assert options["gain"]["min"] == -1.5 and options["gain"]["default"] == "0.5"
    assert options["colour"]["choices"] == ["black", "white", ".Sh"]
    assert "min" not in options["delay"] and options["delay"]["unit"] == "ms"
    assert shown["version"] == "9.8.7" and shown["license"] == "Apache-2.0"


@test.case("show finds a module by name, by kind and name, and by file")
def _(tmp):
    by_kind = tool("show", "videosource/mock")[0]
    assert by_kind == tool("show", "mock")[0] == tool("show", os.path.join(MOCKS, "videosource-mock.so"))[0]
    assert "width: integer from 2 to 8192 px, default \"64\"" in by_kind, by_kind
    assert "device: string, required" in by_kind, by_kind


@test.case("show --mdoc is a valid section that renders each option")
def _(tmp):
    section = tool("show", "--mdoc", "mock")[0]
    assert section.startswith(".Sh OPTIONS\n"), section
    page = os.path.join(tmp, "page.7")
    with open(page, "w", encoding="utf-8") as f:
        f.write(".Dd November 22, 2026\n.Dt PAGE 7\n.Os\n.Sh NAME\n.Nm page\n.Nd test\n" + section)
    done = qvtest.run(["man", "--warnings", "-l", page], env=dict(os.environ, MANWIDTH="200", LC_ALL="C.UTF-8"))
    assert done.stderr == "", done.stderr
    for expected in ("width = integer", "From 2 to 8192 px.", 'Which "thing" to read, in \\ form.', "One of black, white or",
                     "The default is .Sh.", "'quotes' and .dots matter.", "Required."):
        assert expected in done.stdout, f"{expected!r} is not in\n{done.stdout}"


@test.case("what does not exist and what is wrong have their own statuses")
def _(tmp):
    assert "no module is named \"nix\"" in tool("show", "nix", status=3)[1]
    assert "there is no keysource-nix.so in" in tool("show", "keysource/nix", status=3)[1]
    assert "\"camera\" is no kind" in tool("show", "camera/nix", status=2)[1]
    assert "qv_module" in tool("show", os.path.join(MOCKS, "keysource-empty.so"), status=3)[1]
    for arguments in ((), ("list", "x"), ("show",), ("list", "--mdoc"), ("nonsense",), ("--nonsense",)):
        assert "usage:" in tool(*arguments, status=2)[1]
    assert tool("--version")[0].startswith("qvisio-module ")


@test.case("bash completes commands and module names")
def _(tmp):
    install(tmp, "videosource-mock.so", "keysource-empty.so")
    script = os.path.join(qvtest.SOURCE, "etc", "bash-completion", "qvisio-module")
    program = qvtest.program("qvisio-module")

    def complete(*words):
        line = " ".join(f"'{w}'" for w in (program, *words))
        bash = f". {script}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _qvisio_module '{program}'; echo ${{COMPREPLY[*]}}"
        return qvtest.run(["bash", "-c", bash], env=dict(os.environ, QVISIO_MODULE_PATH=tmp)).stdout.split()

    assert complete("s") == ["show"], complete("s")
    assert complete("show", "v") == ["videosource/mock"], complete("show", "v")
    assert complete("show", "--m") == ["--mdoc"]
    assert complete("list", "") == ["--json"]


test.run()
