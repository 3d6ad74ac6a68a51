# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += keysource-psk.la
keysource_psk_la_SOURCES = %D%/psk.c %D%/key_file.c %D%/key_file.h %D%/record.c %D%/record.h
keysource_psk_la_LIBADD = libqvisio.la
keysource_psk_la_LDFLAGS = $(LDFLAGS_MODULE)

dist_man_MANS += doc/man/qvisio-keysource-psk.7

if WITH_CMOCKA
keysource_psk_tests = modules/keysource/psk/test_psk
check_PROGRAMS += $(keysource_psk_tests)
TESTS += $(keysource_psk_tests)
modules_keysource_psk_test_psk_SOURCES = %D%/test_psk.c
modules_keysource_psk_test_psk_CFLAGS = $(CFLAGS_UNIT)
modules_keysource_psk_test_psk_LDADD = $(LDADD_UNIT)
endif
