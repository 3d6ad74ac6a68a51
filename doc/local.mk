# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/ARCHITECTURE.md %D%/PROTOCOL.md %D%/otp.md %D%/relay.md %D%/kme-page.png %D%/overview.svg %D%/visio-window.png %D%/writing-a-module.md
