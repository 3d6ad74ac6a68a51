# SPDX-License-Identifier: Apache-2.0
"""The build leaves our folder named core alone, wherever it is configured, and a release has all that it is built of."""

import hashlib
import os
import re
import shutil

import qvtest

test = qvtest.Test(__file__)
REMOVES_CORE = re.compile(r"rm (-\w+ )+core( |$)", re.M)


def copy_sources(tmp):
    """The source tree without what was built or is git's, writable."""
    copy = os.path.join(tmp, "copy")
    skipped = shutil.ignore_patterns(".git", "build*", "_build", "_inst", "autom4te.cache", "*.tar.*", "qvisio-[0-9]*")
    shutil.copytree(qvtest.SOURCE, copy, ignore=lambda folder, names: {
        n for n in skipped(folder, names) if n != "build-aux"})
    if not os.path.exists(os.path.join(copy, "configure")):
        raise qvtest.Skip("there is no configure in the source folder")
    qvtest.run(["chmod", "-R", "u+w", copy])
    return copy


def fingerprint(folder):
    marks = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith((".c", ".h", ".mk")):
            with open(os.path.join(folder, name), "rb") as f:
                marks[name] = hashlib.sha256(f.read()).hexdigest()
    return marks


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


@test.case("configure in the source folder leaves core/ as it is, and so does a configure made anew by make")
def _(tmp):
    copy = copy_sources(tmp)
    before = fingerprint(os.path.join(copy, "core"))
    assert len(before) > 10, before
    # Those of the harness would be taken for settings of the new build.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("QV_", "MAKE", "MFLAGS"))}
    done = qvtest.run(["sh", "./configure", "-q"], cwd=copy, env=env, timeout=300)
    assert "cannot remove" not in done.stderr, done.stderr
    assert fingerprint(os.path.join(copy, "core")) == before
    if not all(shutil.which(program) for program in ("autoconf", "automake", "aclocal")):
        raise qvtest.Skip("autoconf and automake are not here: configure was run, and not made anew")
    # What the Makefile runs when configure.ac is newer; make itself would go on and run all of configure again.
    autoconf = re.search(r"^AUTOCONF = (.*)$", read(os.path.join(copy, "Makefile")), re.M).group(1)
    os.utime(os.path.join(copy, "configure"), (1, 1))
    qvtest.run(["sh", "-c", autoconf.replace("${SHELL}", "sh")], cwd=copy, env=env, timeout=300)
    made = read(os.path.join(copy, "configure"))
    assert os.stat(os.path.join(copy, "configure")).st_mtime > 1, "configure was not made anew"
    assert not REMOVES_CORE.search(made), REMOVES_CORE.search(made).group(0)
    assert fingerprint(os.path.join(copy, "core")) == before


def named_in_makefiles():
    """Paths below the source folder, of files and of folders, that a Makefile.am or a part of it names."""
    found = set()
    for folder, folders, names in os.walk(qvtest.SOURCE):
        folders[:] = [n for n in folders if not n.startswith((".", "build", "_"))]
        here = os.path.relpath(folder, qvtest.SOURCE)
        for name in names:
            if name.endswith(".mk") or name == "Makefile.am":
                text = read(os.path.join(folder, name)).replace("%D%", here)
                found.update(os.path.normpath(word) for word in re.findall(r"[\w.+/-]+/[\w.+-]+", text))
    return found


@test.case("every source file is named in the Makefile, which a release is made by")
def _(_tmp):
    named, lacking, count = named_in_makefiles(), [], 0
    for top in ("bench", "core", "examples", "fuzz", "include", "modules", "tests", "tools"):
        for folder, _, names in os.walk(os.path.join(qvtest.SOURCE, top)):
            for name in names:
                parts = os.path.relpath(os.path.join(folder, name), qvtest.SOURCE).split(os.sep)
                if not name.endswith((".c", ".h", ".py", ".sh")):
                    continue
                count += 1
                if not any(os.sep.join(parts[:n]) in named for n in range(2, len(parts) + 1)):
                    lacking.append(os.sep.join(parts))
    assert count > 500 and not lacking, (count, lacking)


test.run()
