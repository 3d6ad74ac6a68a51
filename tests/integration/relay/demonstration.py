# SPDX-License-Identifier: Apache-2.0
"""The demonstration of the original document with eight KME processes, by all three relay modules."""

import qvnetwork
import qvtest

test = qvtest.Test(__file__)

BROKEN = [("7", "8")]


def relay(tmp, module, options=""):
    net = qvnetwork.Network(test, tmp, module=module, options=options, down=BROKEN)
    net.share("1", "8")
    net.share("8", "1", 3)
    net.share("1", "8", 128)
    net.stop()


for name in ("redistribute", "recursive", "disjoint"):
    @test.case(f"with the link 7-8 broken, KMEs 1 and 8 share keys by {name}")
    def _(tmp, name=name):
        relay(tmp, name)


test.run()
