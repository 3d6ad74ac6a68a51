# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/ARCHITECTURE.md %D%/PROTOCOL.md %D%/overview.svg %D%/writing-a-module.md
