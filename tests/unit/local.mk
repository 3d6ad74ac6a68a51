# SPDX-License-Identifier: Apache-2.0
if WITH_CMOCKA
unit_tests = \
	tests/unit/test_psk_identity
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

tests_unit_test_psk_identity_SOURCES = %D%/test_psk_identity.c
tests_unit_test_psk_identity_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_psk_identity_LDADD = $(LDADD_UNIT)
endif
