# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/number.h

include %D%/demo/local.mk
include %D%/visio/local.mk
include %D%/kme/local.mk
include %D%/conformance/local.mk
include %D%/qkd-key/local.mk
include %D%/pki/local.mk
include %D%/qvisio-module/local.mk
include %D%/relay/local.mk
