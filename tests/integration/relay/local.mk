# SPDX-License-Identifier: Apache-2.0
if WITH_MICROHTTPD
if WITH_JANSSON
if WITH_GNUTLS
if WITH_CURL
if WITH_SQLITE
relay_tests = \
	tests/integration/relay/admin.py \
	tests/integration/relay/config.py \
	tests/integration/relay/demonstration.py \
	tests/integration/relay/dishonest.py \
	tests/integration/relay/hostile.py \
	tests/integration/relay/trouble.py
TESTS += $(relay_tests)
endif
endif
endif
endif
endif
dist_check_SCRIPTS += \
	%D%/admin.py \
	%D%/config.py \
	%D%/demonstration.py \
	%D%/dishonest.py \
	%D%/hostile.py \
	%D%/trouble.py
