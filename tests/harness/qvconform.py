# SPDX-License-Identifier: Apache-2.0
"""The conformance suite run on a module that has all it needs: no case may fail, and none be skipped for want of it.

    qvconform.check("audiosink/pulse", f"server={pulse.server}", "device=one")
"""

import re

import qvtest

# Cases that need not apply to a good module.
MAY_SKIP = re.compile(r"has no option that names a file|the file is stripped|need not wait|its write does not wait|"
                      r"neither status nor poll|leaves gaps to the core|does not take JPEG|keeps frames back|"
                      r"only one can use|it follows its options only|it takes no feedback|it has no walk|says that it keeps nothing")


def judge(done):
    """Fails unless this run of qvisio-module check passed whole."""
    lines = done.stdout.splitlines()
    faults = [line for line in lines if line.startswith(("#", "not ok"))
              or ("# SKIP" in line and not MAY_SKIP.search(line))]
    assert done.returncode == 0 and not faults, "\n".join(faults) + done.stderr
    passed = [line for line in lines if line.startswith("ok ") and "# SKIP" not in line]
    assert len(passed) > 8, done.stdout


def check(name, *arguments, **options):
    judge(qvtest.run(["qvisio-module", "check", name, *arguments], check=False, timeout=600, **options))
