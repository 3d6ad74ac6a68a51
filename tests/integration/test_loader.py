# SPDX-License-Identifier: Apache-2.0
"""The module loader: what it refuses and how it says so, what it finds first, and modules of other times."""

import os
import re
import shlex
import shutil

import qvtest

test = qvtest.Test(__file__)
PCM = os.path.realpath(os.path.join(qvtest.BUILD, ".libs", "audiocodec-pcm.so"))


def build(folder, mutation="NONE", name="audiocodec-pcm.so", extra=()):
    path = os.path.join(folder, name)
    qvtest.run([*shlex.split(os.environ.get("QV_CC", "cc")), *shlex.split(os.environ.get("QV_CFLAGS", "")), "-shared",
                "-fPIC", "-fvisibility=hidden", "-D_GNU_SOURCE", "-I", os.path.join(qvtest.SOURCE, "include"),
                f'-DORIGINAL="{PCM}"', f"-DMUTATE_{mutation}", f'-DMUTATION="{mutation}"', "-o", path,
                os.path.join(qvtest.SOURCE, "tests", "modules", "mutants", "loader.c"), *extra])
    os.chmod(path, 0o755)
    return path


def tool(*arguments, path=""):
    return qvtest.run(["qvisio-module", *arguments], check=False, env=dict(os.environ, QVISIO_MODULE_PATH=path))


def refused(path, *words):
    done = tool("show", path)
    assert done.returncode == 3, f"{path} was loaded\n{done.stdout}"
    for word in words:
        assert word in done.stderr, f"{word!r} is not in: {done.stderr}"


REFUSED = {
    "MODULE_MAJOR": "made for module ABI 77, this Qvisio has 1; rebuild",
    "MODULE_SIZE": "its descriptor is incomplete",
    "NO_CLASSES": "it lists no classes",
    "CLASS_MAJOR": "class \"pcm\" was made for audiocodec ABI 99, this Qvisio has 2",
    "CALLBACK": "class \"pcm\" lacks a required callback of kind audiocodec",
    "CUT": "class \"pcm\" lacks a required callback of kind audiocodec",
    "KIND": "is of kind \"odour\", which this Qvisio does not know",
    "NO_NAME": "a class lacks its kind, name, summary or size",
    "OPTION_SIZE": "option_size is not sizeof (struct qv_option)",
}


@test.case("descriptors and classes that do not fit are refused, with the reason")
def _(tmp):
    for mutation, words in REFUSED.items():
        path = build(tmp, mutation)
        refused(path, path, words)


@test.case("an older, smaller class loads, and what it lacks reads as absent")
def _(tmp):
    done = tool("check", build(tmp, "OLDER"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"gaps of any length are concealed # SKIP it leaves gaps to the core", done.stdout), done.stdout


@test.case("a newer, larger class of the same major loads")
def _(tmp):
    done = tool("check", build(tmp, "NEWER"))
    assert done.returncode == 0 and "not ok" not in done.stdout, done.stdout + done.stderr


@test.case("a missing library is named, and other modules keep working")
def _(tmp):
    libs = os.path.join(tmp, "libs")
    modules = os.path.join(tmp, "modules")
    os.mkdir(libs)
    os.mkdir(modules)
    source = os.path.join(libs, "missing.c")
    with open(source, "w", encoding="ascii") as f:
        f.write("int missing(void);\nint missing(void) { return 1; }\n")
    compiler = shlex.split(os.environ.get("QV_CC", "cc"))
    qvtest.run([*compiler, "-shared", "-fPIC", "-o", os.path.join(libs, "libqvmissing.so"), source])
    path = build(modules, extra=["-Wl,--no-as-needed", "-L", libs, "-lqvmissing"])
    refused(path, path, "libqvmissing.so")
    shutil.copy(os.path.join(qvtest.BUILD, "tests", "modules", ".libs", "videosource-mock.so"), modules)
    listed = tool("list", path=modules).stdout
    assert "grey frames" in listed and "libqvmissing.so" in listed.split("cannot be used")[1], listed


@test.case("a file or folder that others can write is refused, also behind a link")
def _(tmp):
    folder = os.path.join(tmp, "open")
    os.mkdir(folder)
    path = build(folder)
    link = os.path.join(tmp, "audiocodec-pcm.so")
    os.symlink(path, link)
    assert tool("show", path).returncode == 0
    assert tool("show", link).returncode == 0
    os.chmod(path, 0o757)
    refused(path, path, "others can write it", "chmod go-w")
    os.chmod(path, 0o755)
    os.chmod(folder, 0o777)
    refused(path, folder, "others can write it")
    refused(link, folder, "others can write it")
    os.chmod(folder, 0o755)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
        refused(path, "it belongs to user 12345")


@test.case("the first folder of the path wins, even when its module cannot be loaded")
def _(tmp):
    first, second = os.path.join(tmp, "first"), os.path.join(tmp, "second")
    os.mkdir(first)
    os.mkdir(second)
    shutil.copy(PCM, second)
    build(first)
    shown = tool("show", "audiocodec/pcm", path=f"{first}:{second}").stdout
    assert first in shown, shown
    shown = tool("show", "audiocodec/pcm", path=f"{second}::{first}:").stdout
    assert second in shown, shown
    build(first, "MODULE_MAJOR")
    done = tool("show", "audiocodec/pcm", path=f"{first}:{second}")
    assert done.returncode == 3 and f"{first}/audiocodec-pcm.so" in done.stderr, done.stderr
    listed = tool("list", path=f"{first}:{second}").stdout
    assert second not in listed, listed


@test.case("names that are no names never become paths")
def _(tmp):
    for name in ("audiocodec/../x", "audiocodec/", "audiocodec/x.y", "audiocodec/X"):
        done = tool("show", name, path=tmp)
        assert done.returncode == 3 and "is no module name" in done.stderr, done.stderr


SHOW = r"""
#include <qvisio/loader.h>
#include <stdio.h>
#include <sys/auxv.h>

int main(void)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_loader *loader = qv_loader_new(NULL, NULL, &err);
	const struct qv_class *class = loader ? qv_loader_get(loader, "videosource", "mock", &err) : NULL;
	printf("secure=%d %s\n", getauxval(AT_SECURE) != 0, class ? "found" : err.message);
	return 0;
}
"""


@test.case("a set-uid program does not take modules from where its caller says")
def _(tmp):
    flags = os.environ.get("QV_CFLAGS", "")
    if os.geteuid() != 0:
        raise qvtest.Skip("only root can make a set-uid program of another user")
    if "sanitize" in flags:
        raise qvtest.Skip("sanitizers do not run set-uid programs")
    os.chmod(tmp, 0o755)
    source, program, privileged = (os.path.join(tmp, name) for name in ("show.c", "show", "privileged"))
    with open(source, "w", encoding="ascii") as f:
        f.write(SHOW)
    shutil.copy(os.path.join(qvtest.BUILD, ".libs", "libqvisio.so.0"), tmp)
    qvtest.run([*shlex.split(os.environ.get("QV_CC", "cc")), *shlex.split(flags), "-D_GNU_SOURCE", "-I",
                os.path.join(qvtest.SOURCE, "include"), "-o", program, source, "-Wl,-rpath," + tmp,
                os.path.join(tmp, "libqvisio.so.0")])
    shutil.copy(program, privileged)
    os.chmod(privileged, 0o4755)
    modules = os.path.join(tmp, "modules")
    os.mkdir(modules, 0o755)
    module = shutil.copy(os.path.join(qvtest.BUILD, "tests", "modules", ".libs", "videosource-mock.so"), modules)
    os.chmod(module, 0o755)
    env = {"PATH": os.environ["PATH"], "QVISIO_MODULE_PATH": modules}
    try:
        ordinary, special = (qvtest.run([path], env=env, user=65534, group=65534, extra_groups=[]).stdout
                             for path in (program, privileged))
    except OSError as why:
        raise qvtest.Skip(f"no other user here: {why}") from None
    assert ordinary == "secure=0 found\n", ordinary
    if special.startswith("secure=0"):
        raise qvtest.Skip("the file system of the temporary folder does not honour set-uid")
    assert "found" not in special.replace("not found", "") and modules not in special, special


test.run()
