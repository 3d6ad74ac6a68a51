# SPDX-License-Identifier: Apache-2.0
if WITH_MICROHTTPD
if WITH_JANSSON
if WITH_GNUTLS
if WITH_CURL
if WITH_SQLITE
kme_tests = \
	tests/integration/kme/keys.py
dist_check_SCRIPTS += $(kme_tests)
TESTS += $(kme_tests)
endif
endif
endif
endif
endif
