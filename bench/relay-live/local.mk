# SPDX-License-Identifier: Apache-2.0
PYTHON_BENCHES += %D%/relay_live.py
