# SPDX-License-Identifier: Apache-2.0
CPPFLAGS_SHAMIR = $(AM_CPPFLAGS) -I$(top_srcdir)

if WITH_CMOCKA
shamir_tests = \
	tests/unit/shamir/test_generator \
	tests/unit/shamir/test_independence \
	tests/unit/shamir/test_robust \
	tests/unit/shamir/test_shamir
check_PROGRAMS += $(shamir_tests)
TESTS += $(shamir_tests)

LDADD_SHAMIR = libshamir.la $(LDADD_UNIT) $(CORE_LIBS)

tests_unit_shamir_test_generator_SOURCES = %D%/test_generator.c %D%/slow.c %D%/slow.h
tests_unit_shamir_test_generator_CPPFLAGS = $(CPPFLAGS_SHAMIR)
tests_unit_shamir_test_generator_CFLAGS = $(CFLAGS_UNIT) $(CORE_CFLAGS)
tests_unit_shamir_test_generator_LDADD = $(LDADD_SHAMIR)

tests_unit_shamir_test_independence_SOURCES = %D%/test_independence.c %D%/slow.c %D%/slow.h
tests_unit_shamir_test_independence_CPPFLAGS = $(CPPFLAGS_SHAMIR)
tests_unit_shamir_test_independence_CFLAGS = $(CFLAGS_UNIT)
tests_unit_shamir_test_independence_LDADD = $(LDADD_SHAMIR)

tests_unit_shamir_test_robust_SOURCES = %D%/test_robust.c %D%/slow.c %D%/slow.h
tests_unit_shamir_test_robust_CPPFLAGS = $(CPPFLAGS_SHAMIR)
tests_unit_shamir_test_robust_CFLAGS = $(CFLAGS_UNIT)
tests_unit_shamir_test_robust_LDADD = $(LDADD_SHAMIR)

tests_unit_shamir_test_shamir_SOURCES = %D%/portable_words.c %D%/test_shamir.c %D%/slow.c %D%/slow.h
tests_unit_shamir_test_shamir_CPPFLAGS = $(CPPFLAGS_SHAMIR)
tests_unit_shamir_test_shamir_CFLAGS = $(CFLAGS_UNIT)
tests_unit_shamir_test_shamir_LDADD = $(LDADD_SHAMIR)
endif

if HAVE_MEMCHECK
check_PROGRAMS += tests/unit/shamir/test_constant_time
TESTS += tests/unit/shamir/test_constant_time
tests_unit_shamir_test_constant_time_SOURCES = %D%/test_constant_time.c
tests_unit_shamir_test_constant_time_CPPFLAGS = $(CPPFLAGS_SHAMIR)
tests_unit_shamir_test_constant_time_LDADD = libshamir.la libqvisio.la $(CORE_LIBS)
endif

TESTS += tests/unit/shamir/test_aarch64.sh
dist_check_SCRIPTS += tests/unit/shamir/test_aarch64.sh
EXTRA_DIST += %D%/kernels_agree.c
