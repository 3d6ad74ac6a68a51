# SPDX-License-Identifier: Apache-2.0
if WITH_CMOCKA
call_tests = \
	tests/call/test_call
check_PROGRAMS += $(call_tests)
TESTS += $(call_tests)

tests_call_test_call_SOURCES = %D%/test_call.c %D%/parts.c %D%/parts.h
tests_call_test_call_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_call_LDADD = $(LDADD_UNIT)
endif
