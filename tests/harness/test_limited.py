# SPDX-License-Identifier: Apache-2.0
"""What runs every test ends those that do not end, and what they leave behind."""

import os
import re

import qvtest

test = qvtest.Test(__file__)
LIMITED = "tests/harness/limited"


def ended(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def run(script, limit):
    return qvtest.run([LIMITED, "/bin/sh", "-c", script], check=False, env=dict(os.environ, QV_TEST_LIMIT=str(limit)))


@test.case("a test keeps its output and its exit status")
def _(tmp):
    done = run("echo ok 1; exit 3", 60)
    assert done.stdout == "ok 1\n" and done.returncode == 3, done


@test.case("a test that does not end fails, and its processes are shown and ended")
def _(tmp):
    done = run("setsid sleep 7654 & echo child $!; sleep 7655", 0.5)
    assert done.returncode == 99, done
    assert "Bail out! it did not end in time" in done.stdout, done
    assert "sleep 7654" in done.stdout and "sleep 7655" in done.stdout, done
    assert ended(re.search(r"^child (\d+)", done.stdout).group(1)), done


@test.case("what a test leaves running is ended with it, also where it does not listen")
def _(tmp):
    done = run("(trap '' TERM; while :; do sleep 1; done) & echo child $!; echo ok 1", 60)
    assert done.returncode == 0, done
    assert ended(re.search(r"^child (\d+)", done.stdout).group(1)), done


@test.case("a test that crashes says by which signal")
def _(tmp):
    done = run("kill -SEGV $$", 60)
    assert done.returncode == 139 and "Bail out! ended by signal 11" in done.stdout, done


@test.case("a test sees neither a terminal, nor input, nor ignored signals")
def _(tmp):
    leader, follower = os.openpty()
    script = f"""trap '' TERM; {qvtest.program(LIMITED)} /bin/sh -c '
        read line && echo input; (: </dev/tty) 2>/dev/null && echo terminal; kill -TERM $$; echo survived'"""
    output = qvtest.run(["setsid", "--ctty", "/bin/sh", "-c", script], stdin=follower, check=False).stdout
    os.close(leader)
    os.close(follower)
    assert output == "Bail out! ended by signal 15 (Terminated)\n", output


@test.case("a test that cannot be run is an error")
def _(tmp):
    done = qvtest.run([LIMITED, os.path.join(tmp, "nothing")], check=False)
    assert done.returncode == 127 and "cannot run" in done.stdout, done


test.run()
