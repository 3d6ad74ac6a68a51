# SPDX-License-Identifier: Apache-2.0
"""The key store postgres against a bare SKIP LOCKED loop, on a server of its own."""

import os
import subprocess
import sys

import qvpostgres
import qvtest

test = qvtest.Test(__file__)
server = qvpostgres.Server(test)
try:
    sys.exit(subprocess.run([os.path.join(qvtest.BUILD, "bench", "store", "store"), "postgres", server.connection],
                            check=False).returncode)
finally:
    server.process.stop()
