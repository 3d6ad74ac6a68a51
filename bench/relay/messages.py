# SPDX-License-Identifier: Apache-2.0
"""Messages and bytes of link keys that the relay modules spend on one key over complete layered networks.

Prints a table, and draws it as bench-relay-messages.svg in the build folder. Nothing here is timed.
"""

import html
import json
import math
import os
import subprocess
import tempfile

import qvtest

MODULES = ("recursive", "disjoint", "redistribute")
COLOURS = ("#b3261e", "#1463b8", "#1b7f3b")
WIDTHS = (2, 3, 4, 5, 6, 8)
LAYERS = range(1, 7)
BYTES_128 = 32 + 32 / 128  # of link keys for a message and key: the pad, and a share of the key of its MAC
MOST = 1000000  # messages that recursive may take at most


def write_network(path, width, layers):
    numbers = [[1]] + [[2 + layer * width + i for i in range(width)] for layer in range(layers)]
    numbers.append([2 + layers * width])
    with open(path, "w", encoding="ascii") as f:
        f.write("kmes: (%s);\n" % ", ".join(str(k) for layer in numbers for k in layer))
        f.write("links: (%s);\n" % ", ".join("{ from = %d; to = [%s]; }" % (a, ", ".join(map(str, after)))
                                             for layer, after in zip(numbers, numbers[1:]) for a in layer))
    return numbers[-1][0]


def measure(path, to, module):
    """(messages, bytes of link keys for a key of 32 bytes), or None where the module gives no plan."""
    options = ["--option", f"max_messages={MOST}"] if module == "recursive" else []
    done = subprocess.run([qvtest.program("qkd-relay"), "analyse", "--json", "--cost-only", path,
                           "--from", "1", "--to", str(to), "--relay", module, *options],
                          capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)["analyses"][0]
    return None if "no_plan" in found else (found["messages"], found["link_key_bits"] / 8)


def formula(module, width, layers):
    """What theory says of the number of messages."""
    if module == "recursive":
        return sum(width ** (k + 1) for k in range(layers)) + width ** layers
    if module == "disjoint":
        return width * (layers + 1)
    return 2 * width + (layers - 1) * width * width


def table(results):
    print("Messages for one key (bytes of link keys for each of 1 key and of 128 in a session), width x layers of relays")
    print("'=': as the formula says")
    print("%-8s" % "" + "".join("%28s" % module for module in MODULES))
    for width in WIDTHS:
        for layers in LAYERS:
            cells = []
            for module in MODULES:
                found = results[module, width, layers]
                same = "=" if found and found[0] == formula(module, width, layers) else " "
                cells.append("%9.0f%s (%8.0f %8.0f)" % (found[0], same, found[1], found[0] * BYTES_128) if found
                             else "%28s" % "too many")
            print("%dx%-6d" % (width, layers) + "".join(cells))


def curve(points, colour, dashes):
    text = " ".join("%.1f,%.1f" % point for point in points)
    return f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="1.5" stroke-dasharray="{dashes}"/>'


def plot(results, path):
    left, top, wide, high, decades = 60, 50, 640, 400, 6
    x = lambda layers: left + (layers - 1) * wide / 5
    y = lambda messages: top + high - math.log10(messages) * high / decades
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="860" height="510" font-family="sans-serif" font-size="13">',
             '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="{left}" y="28" font-size="16">Messages for one key over complete layers of KMEs</text>']
    for decade in range(decades + 1):
        level = y(10 ** decade)
        parts.append(f'<line x1="{left}" x2="{left + wide}" y1="{level}" y2="{level}" stroke="#ddd"/>'
                     f'<text x="{left - 8}" y="{level + 4}" text-anchor="end">{10 ** decade}</text>')
    for layers in LAYERS:
        parts.append(f'<text x="{x(layers)}" y="{top + high + 20}" text-anchor="middle">{layers}</text>')
    parts.append(f'<text x="{left + wide / 2}" y="{top + high + 44}" text-anchor="middle">layers of relays</text>')
    for module, colour in zip(MODULES, COLOURS):
        for width, dashes in ((3, "2 4"), (5, "7 4"), (8, "none")):
            found = [(x(layers), y(results[module, width, layers][0])) for layers in LAYERS
                     if results[module, width, layers]]
            if not found:
                continue
            parts.append(curve(found, colour, dashes))
            parts.append(f'<text x="{found[-1][0] + 6}" y="{found[-1][1] + 4}" fill="{colour}">'
                         f'{html.escape(module)} {width}</text>')
    parts.append("</svg>\n")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(parts))


def main():
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "layers.conf")
        for width in WIDTHS:
            for layers in LAYERS:
                to = write_network(path, width, layers)
                for module in MODULES:
                    results[module, width, layers] = measure(path, to, module)
    table(results)
    svg = os.path.join(qvtest.BUILD, "bench-relay-messages.svg")
    plot(results, svg)
    print(f"drawn in {os.path.basename(svg)}; numbers at the curves are widths")


main()
