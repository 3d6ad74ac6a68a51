# SPDX-License-Identifier: Apache-2.0
"""Trials of qkd-relay analyse on networks of growing size: time for each trial and link, which is to stay the same."""

import os
import subprocess
import tempfile
import time

import qvtest

WIDTHS = (10, 20, 40)
TRIALS = (640, 25600)


def write_network(path, width):
    """Three full layers of relays; returns the destination and the links."""
    numbers = [[1]] + [[2 + layer * width + i for i in range(width)] for layer in range(3)] + [[2 + 3 * width]]
    with open(path, "w", encoding="ascii") as f:
        f.write("kmes: (%s);\n" % ", ".join(str(k) for layer in numbers for k in layer))
        f.write("links: (%s);\n" % ", ".join("{ from = %d; to = [%s]; }" % (a, ", ".join(map(str, after)))
                                             for layer, after in zip(numbers, numbers[1:]) for a in layer))
    return numbers[-1][0], 2 * width + 2 * width * width


def run(path, to, trials):
    start = time.monotonic()
    subprocess.run([qvtest.program("qkd-relay"), "analyse", path, "--from", "1", "--to", str(to), "--relay", "recursive",
                    "--option", "max_messages=1000000", "--trials", str(trials), "--list", "0", "--compromised", "0.3",
                    "--down", "0.1"], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


def main():
    print("Trials of two statements (learned, stopped), 64 at a time; the time without trials is taken off")
    first = None
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "layers.conf")
        for width in WIDTHS:
            to, links = write_network(path, width)
            few, many = (min(run(path, to, trials) for _ in range(3)) for trials in TRIALS)
            each = (many - few) / (TRIALS[1] - TRIALS[0])
            first = first or each / links
            print("%6d links: %8.0f trials/s, time for a trial and link %.2f of that of the smallest network"
                  % (links, 1 / each, each / links / first))


main()
