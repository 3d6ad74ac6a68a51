# SPDX-License-Identifier: Apache-2.0
if WITH_MICROHTTPD
if WITH_JANSSON
if WITH_GNUTLS
if WITH_CURL
if WITH_SQLITE
relay_tests = \
	tests/integration/relay/demonstration.py
TESTS += $(relay_tests)
endif
endif
endif
endif
endif
dist_check_SCRIPTS += \
	%D%/demonstration.py
