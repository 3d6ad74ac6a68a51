# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += recorder-matroska.la
recorder_matroska_la_SOURCES = \
	%D%/ebml.c \
	%D%/ebml.h \
	%D%/head.c \
	%D%/head.h \
	%D%/matroska.c \
	%D%/shelf.c \
	%D%/shelf.h
recorder_matroska_la_LIBADD = libqvisio.la
recorder_matroska_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-recorder-matroska.7

if WITH_CMOCKA
check_PROGRAMS += tests/call/record_call
tests_call_record_call_SOURCES = tests/call/record_call.c $(call_parts)
tests_call_record_call_CFLAGS = $(CFLAGS_UNIT)
tests_call_record_call_LDADD = $(LDADD_UNIT)
dist_check_SCRIPTS += %D%/test_matroska.py
TESTS += %D%/test_matroska.py
endif
