# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += qkdlink-simulated.la
qkdlink_simulated_la_SOURCES = %D%/simulated.c
qkdlink_simulated_la_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS)
qkdlink_simulated_la_LIBADD = libqvisio.la $(CORE_LIBS)
qkdlink_simulated_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-qkdlink-simulated.7

if WITH_CMOCKA
qkdlink_simulated_tests = modules/qkdlink/simulated/test_simulated
check_PROGRAMS += $(qkdlink_simulated_tests)
TESTS += $(qkdlink_simulated_tests)
modules_qkdlink_simulated_test_simulated_SOURCES = %D%/test_simulated.c
modules_qkdlink_simulated_test_simulated_CFLAGS = $(CFLAGS_UNIT)
modules_qkdlink_simulated_test_simulated_LDADD = $(LDADD_UNIT)
endif
