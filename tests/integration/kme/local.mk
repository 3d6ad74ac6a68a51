# SPDX-License-Identifier: Apache-2.0
if WITH_MICROHTTPD
if WITH_JANSSON
if WITH_GNUTLS
if WITH_CURL
if WITH_SQLITE
kme_tests = \
	tests/integration/kme/access.py \
	tests/integration/kme/admin.py \
	tests/integration/kme/audit.py \
	tests/integration/kme/certificates.py \
	tests/integration/kme/clock.py \
	tests/integration/kme/compare.py \
	tests/integration/kme/config.py \
	tests/integration/kme/crowd.py \
	tests/integration/kme/failures.py \
	tests/integration/kme/hostile.py \
	tests/integration/kme/keys.py \
	tests/integration/kme/kill.py \
	tests/integration/kme/limits.py \
	tests/integration/kme/multicast.py \
	tests/integration/kme/page.py \
	tests/integration/kme/peers.py \
	tests/integration/kme/records.py \
	tests/integration/kme/reload.py \
	tests/integration/kme/seal.py \
	tests/integration/kme/service.py \
	tests/integration/kme/shared.py \
	tests/integration/kme/storeroom.py
TESTS += $(kme_tests)
endif
endif
endif
endif
endif
dist_check_SCRIPTS += \
	%D%/access.py \
	%D%/admin.py \
	%D%/audit.py \
	%D%/certificates.py \
	%D%/clock.py \
	%D%/compare.py \
	%D%/config.py \
	%D%/confine.py \
	%D%/crowd.py \
	%D%/failures.py \
	%D%/hostile.py \
	%D%/keys.py \
	%D%/kill.py \
	%D%/limits.py \
	%D%/multicast.py \
	%D%/page.py \
	%D%/peers.py \
	%D%/records.py \
	%D%/reload.py \
	%D%/seal.py \
	%D%/service.py \
	%D%/shared.py \
	%D%/storeroom.py
