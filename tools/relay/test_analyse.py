# SPDX-License-Identifier: Apache-2.0
"""qkd-relay analyse and plot: held against brute force over all sets, written anew here."""

import itertools
import json
import os
import random
import re
import xml.dom.minidom

import qvtest

test = qvtest.Test(__file__)
DEMO = os.path.join(qvtest.SOURCE, "etc/relay-demo.conf")


def analyse(*arguments, check=True):
    return qvtest.run(["qkd-relay", "analyse", *map(str, arguments)], check=check)


def analyse_json(*arguments):
    return json.loads(analyse("--json", "--list", 100000, *arguments).stdout)


class Network:
    """Links between KMEs 1…n, and the original's rule: split over all neighbours one hop nearer to the destination."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.n = self.random.randint(4, 7)
        pairs = [pair for pair in itertools.combinations(range(1, self.n + 1), 2) if pair != (1, self.n)]
        self.links = self.random.sample(pairs, self.random.randint(self.n - 1, min(len(pairs), 9)))

    def write(self, path):
        with open(path, "w", encoding="ascii") as f:
            f.write("kmes: (%s);\n" % ", ".join(str(k + 1) for k in range(self.n)))
            f.write("links: (%s);\n" % ", ".join("{ from = %d; to = %d; }" % link for link in self.links))

    def plan(self):
        """The next hops of each KME on a way from 1 to n; None if there is none."""
        distance = {self.n: 0}
        queue = [self.n]
        for kme in queue:
            for other in [b for a, b in self.links if a == kme] + [a for a, b in self.links if b == kme]:
                if other not in distance:
                    distance[other] = distance[kme] + 1
                    queue.append(other)
        if 1 not in distance:
            return None
        hops, queue = {}, [1]
        for kme in queue:
            if kme in hops or kme == self.n:
                continue
            near = [b for a, b in self.links if a == kme] + [a for a, b in self.links if b == kme]
            hops[kme] = [other for other in near if distance.get(other, 99) == distance[kme] - 1]
            queue += hops[kme]
        return hops

    def link(self, a, b):
        return (a, b) if (a, b) in self.links else (b, a)

    def learned(self, hops, compromised, kme=1):
        if kme in compromised:
            return True
        if kme == self.n:
            return False
        return sum(self.learned(hops, compromised, other) for other in hops[kme]) > len(hops[kme]) // 2

    def arrives(self, hops, down, kme=1):
        if kme in down:
            return False
        if kme == self.n:
            return True
        whole = sum(self.link(kme, other) not in down and self.arrives(hops, down, other) for other in hops[kme])
        return whole > len(hops[kme]) // 2


def minimal(parts, is_true):
    found = []
    for size in range(len(parts) + 1):
        for chosen in itertools.combinations(parts, size):
            if any(small <= set(chosen) for small in found) or not is_true(set(chosen)):
                continue
            found.append(set(chosen))
    return found


def probability(parts, is_true, p):
    return sum(p ** size * (1 - p) ** (len(parts) - size)
               for size in range(len(parts) + 1) for chosen in itertools.combinations(parts, size)
               if is_true(set(chosen)))


def as_sets(lists):
    """Minimal sets from JSON, with KMEs as numbers and links as pairs in ascending order."""
    return sorted(sorted(str(int(part) if isinstance(part, str) else tuple(sorted(map(int, part)))) for part in members)
                  for members in lists)


def as_text(sets):
    return sorted(sorted(str(tuple(sorted(part)) if isinstance(part, tuple) else part) for part in members)
                  for members in sets)


@test.case("the demonstration: who learns the key, what stops it")
def _(_tmp):
    found = analyse_json(DEMO, "--from", 1, "--to", 8, "--relay", "recursive")["analyses"][0]
    assert found["messages"] == 17 and found["learned"]["exact"] and found["stopped"]["exact"]
    learned = as_sets(found["learned"]["minimal_sets"])
    assert learned == as_text([{2, 3}, {2, 4}, {3, 4}, {5, 6}, {6, 7}, {2, 5, 7}, {4, 5, 7}]), learned
    assert found["learned"]["as_marked"] is False, "4 and 6 learn nothing"
    assert found["stopped"]["as_marked"] is False, "the key arrives although 7-8 is broken"
    text = analyse(DEMO, "--from", 1, "--to", 8, "--relay", "recursive").stdout
    assert re.search(r"learn the keys: 2 compromised KMEs at least; 7 minimal sets: .*\{5, 6\}", text), text
    assert "as marked in the topology: the keys arrive, and the compromised KMEs learn nothing" in text


@test.case("random networks: minimal sets and chances are those of brute force")
def _(tmp):
    path = os.path.join(tmp, "network.conf")
    planned = 0
    for seed in range(60):
        network = Network(seed)
        network.write(path)
        hops = network.plan()
        found = analyse_json(path, "--from", 1, "--to", network.n, "--relay", "recursive", "--compromised", 0.2,
                             "--down", 0.1)["analyses"][0]
        assert ("no_plan" in found) == (hops is None), (seed, found)
        if hops is None:
            continue
        planned += 1
        relays = [kme for kme in hops if kme != 1]
        links = [network.link(kme, other) for kme in hops for other in hops[kme]]
        learned = lambda chosen: network.learned(hops, chosen)
        stopped = lambda chosen: not network.arrives(hops, chosen)
        for name, parts, is_true, p in (("learned", relays, learned, 0.2), ("stopped", relays + links, stopped, 0.1)):
            expected = minimal(parts, is_true)
            assert as_sets(found[name]["minimal_sets"]) == as_text(expected), (seed, name, found[name], expected)
            assert found[name]["least"] == len(expected[0]) if expected else "least" not in found[name]
            chance = probability(parts, is_true, p)
            assert abs(found[name]["probability"] - chance) < 1e-9, (seed, name, chance)
    assert planned > 30


@test.case("a large network: trials with a confidence interval, the same for the same seed")
def _(tmp):
    path = os.path.join(tmp, "layers.conf")
    width, layers = 6, 6
    numbers = [[1]] + [[2 + layer * width + i for i in range(width)] for layer in range(layers)] + [[2 + layers * width]]
    with open(path, "w", encoding="ascii") as f:
        f.write("kmes: (%s);\n" % ", ".join(str(k) for layer in numbers for k in layer))
        f.write("links: (%s);\n" % ", ".join("{ from = %d; to = [%s]; }" % (a, ", ".join(map(str, after)))
                                             for layer, after in zip(numbers, numbers[1:]) for a in layer))
    options = (path, "--from", 1, "--to", numbers[-1][0], "--relay", "recursive", "--option", "max_messages=1000000",
               "--compromised", 0.3, "--down", 0.05, "--trials", 20000)
    found, again = analyse_json(*options)["analyses"][0], analyse_json(*options)["analyses"][0]
    other = analyse_json(*options, "--seed", 2)["analyses"][0]
    assert found["learned"] == again["learned"] and found["learned"] != other["learned"]
    low, high = found["learned"]["confidence_95"]
    assert 0 < low < found["learned"]["probability"] < high < 1 and found["learned"]["trials"] >= 20000
    assert not found["learned"]["exact"] and found["learned"]["least"] == 4, found["learned"]


@test.case("what the three modules cost, over complete layers")
def _(tmp):
    path = os.path.join(tmp, "layers.conf")
    width, layers = 4, 3
    numbers = [[1]] + [[2 + layer * width + i for i in range(width)] for layer in range(layers)] + [[2 + layers * width]]
    with open(path, "w", encoding="ascii") as f:
        f.write("kmes: (%s);\n" % ", ".join(str(k) for layer in numbers for k in layer))
        f.write("links: (%s);\n" % ", ".join("{ from = %d; to = [%s]; capacity = 8000; }" % (a, ", ".join(map(str, after)))
                                             for layer, after in zip(numbers, numbers[1:]) for a in layer))
    found = {one["relay"]: one for one in analyse_json(path, "--from", 1, "--to", 14, "--cost-only", "--batch", 4)["analyses"]}
    for module, messages, busiest in (("recursive", 4 + 16 + 64 + 64, 16), ("disjoint", 16, 1), ("redistribute", 40, 1)):
        one = found[module]
        assert one["messages"] == messages, one
        # A message of 4 keys takes 4 * 32 bytes as a pad and 32 for its MAC.
        assert one["link_key_bits"] == messages * 160 * 8 / 4 and one["busiest_link_bits"] == busiest * 160 * 8 / 4, one
        assert one["keys_per_second"] == 8000 / one["busiest_link_bits"] and "learned" not in one
        assert sum(link["shares"] + link["back"] for link in one["links"]) == messages


@test.case("all pairs as a table, and the link that helps most")
def _(tmp):
    text = analyse(DEMO, "--relay", "recursive", "--suggest").stdout
    assert len(re.findall(r"^\d +\d +recursive", text, re.M)) == 15, text
    assert re.search(r"suggestion: of 15 possible links, \S+-\S+ would help most\n", text), text
    # A chain: only what closes it to a ring gives every pair two routes.
    path = os.path.join(tmp, "chain.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write("kmes: (1, 2, 3, 4, 5, 6);\nlinks: (%s);\n" % ", ".join("{ from = %d; to = %d; }" % (k, k + 1)
                                                                        for k in range(1, 6)))
    suggested = analyse_json(path, "--relay", "recursive", "--suggest")["suggestions"][0]
    assert sorted(suggested["link"]) == ["1", "6"], suggested
    assert suggested["then"]["disjoint_routes"] == 2 * suggested["now"]["disjoint_routes"], suggested
    # For one pair it never is the link between the two, which would leave nothing to relay.
    suggested = analyse_json(DEMO, "--from", 1, "--to", 8, "--relay", "recursive", "--suggest")["suggestions"][0]
    assert sorted(suggested["link"]) != ["1", "8"]
    assert sum(suggested["then"].values()) < sum(suggested["now"].values()), suggested


@test.case("wrong arguments are refused with what to do")
def _(_tmp):
    for arguments, words in (([], "topology is missing"),
                             ([DEMO, "--from", 1], "--from and --to go together"),
                             ([DEMO, "--relay", "recursive", "--from", 1, "--to", 99], "99"),
                             ([DEMO, "--relay", "recursive", "--from", 1, "--to", 1], "both KME 1"),
                             ([DEMO, "--relay", "none"], "relay-none.so"), ([DEMO, "--compromised", 2], "from 0 to 1"),
                             ([DEMO, "--compromised", "x"], "from 0 to 1"), ([DEMO, "--trials", "many"], "whole number"),
                             ([DEMO, "--key-bits", 12], "multiple of 8"), ([DEMO, "--relay", "recursive", "-o", "x=1"], "x")):
        result = analyse(*arguments, check=False)
        assert result.returncode == 2 and words in result.stderr, (arguments, result)
    result = analyse("/nowhere.conf", check=False)
    assert result.returncode == 1 and "/nowhere.conf" in result.stderr, result


def plot(*arguments, check=True):
    result = qvtest.run(["qkd-relay", "plot", *map(str, arguments)], check=check)
    if "no command \"plot\"" in result.stderr:
        raise qvtest.Skip("built without Graphviz")
    return result


def texts(path):
    document = xml.dom.minidom.parse(path)
    return ["".join(node.data for node in text.childNodes) for text in document.getElementsByTagName("text")]


@test.case("a plot shows the KMEs, what is broken and the shares")
def _(tmp):
    svg, png = os.path.join(tmp, "net.svg"), os.path.join(tmp, "net.PNG")
    plot(DEMO, "--from", 1, "--to", 8, "--relay", "recursive", "--output", svg)
    words = texts(svg)
    for kme in range(1, 9):
        assert str(kme) in words, (kme, words)
    assert words.count("compromised") == 2 and "origin" in words and "destination" in words, words
    assert any("broken" in word for word in words) and "3" in words, words
    plot(DEMO, "--output", png, "--title", "The <network> & more")
    with open(png, "rb") as f:
        assert f.read(8) == b"\x89PNG\r\n\x1a\n"
    plot(DEMO, "--output", svg, "--title", "The <network> & more")
    assert any("The <network> & more" in word for word in texts(svg)), texts(svg)


@test.case("a plot of 200 KMEs with odd names stays whole")
def _(tmp):
    path, svg = os.path.join(tmp, "big.conf"), os.path.join(tmp, "big.svg")
    names = [f"KME \\\\N {i} <b>" for i in range(200)]
    links = random.Random(1)
    with open(path, "w", encoding="ascii") as f:
        f.write("kmes: (%s);\n" % ", ".join(f'"{name}"' for name in names))
        f.write("links: (%s);\n" % ", ".join('{ from = "%s"; to = "%s"; }' % (names[i], names[links.randrange(max(0, i - 8), i)])
                                             for i in range(1, 200)))
    plot(path, "--output", svg)
    words = texts(svg)
    for i in range(200):
        assert f"KME \\N {i} <b>" in words, (i, words[:5])


@test.case("a plot that cannot be written is an error")
def _(tmp):
    for output, words in (("x.gif", ".svg or .png"), (os.path.join(tmp, "no/x.svg"), "cannot be written")):
        result = plot(DEMO, "--output", output, check=False)
        assert result.returncode in (1, 2) and words in result.stderr, result


test.run()
