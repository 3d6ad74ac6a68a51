# SPDX-License-Identifier: Apache-2.0
PYTHON_BENCHES += %D%/latency.py
