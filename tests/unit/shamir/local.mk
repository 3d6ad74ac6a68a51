# SPDX-License-Identifier: Apache-2.0
if WITH_CMOCKA
shamir_tests = \
	tests/unit/shamir/test_shamir
check_PROGRAMS += $(shamir_tests)
TESTS += $(shamir_tests)

CPPFLAGS_SHAMIR = $(AM_CPPFLAGS) -I$(top_srcdir)
LDADD_SHAMIR = libshamir.la $(LDADD_UNIT) $(CORE_LIBS)

tests_unit_shamir_test_shamir_SOURCES = %D%/test_shamir.c %D%/slow.c %D%/slow.h
tests_unit_shamir_test_shamir_CPPFLAGS = $(CPPFLAGS_SHAMIR)
tests_unit_shamir_test_shamir_CFLAGS = $(CFLAGS_UNIT)
tests_unit_shamir_test_shamir_LDADD = $(LDADD_SHAMIR)
endif
