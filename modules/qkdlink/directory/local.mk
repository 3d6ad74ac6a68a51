# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += qkdlink-directory.la
qkdlink_directory_la_SOURCES = \
	%D%/directory.c \
	%D%/examine.c \
	%D%/file_id.c \
	%D%/file_id.h \
	%D%/folder.c \
	%D%/folder.h \
	%D%/journal.c \
	%D%/journal.h
qkdlink_directory_la_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS)
qkdlink_directory_la_LIBADD = libqvisio.la $(CORE_LIBS)
qkdlink_directory_la_LDFLAGS = $(LDFLAGS_MODULE)

if WITH_CMOCKA
qkdlink_directory_tests = modules/qkdlink/directory/test_directory
check_PROGRAMS += $(qkdlink_directory_tests)
TESTS += $(qkdlink_directory_tests)
modules_qkdlink_directory_test_directory_SOURCES = %D%/test_directory.c
modules_qkdlink_directory_test_directory_CFLAGS = $(CFLAGS_UNIT)
modules_qkdlink_directory_test_directory_LDADD = $(LDADD_UNIT)
endif

if WITH_MICROHTTPD
if WITH_JANSSON
if WITH_GNUTLS
if WITH_CURL
if WITH_SQLITE
TESTS += %D%/test_kme.py
endif
endif
endif
endif
endif
dist_check_SCRIPTS += %D%/test_kme.py
dist_man_MANS += doc/man/qvisio-qkdlink-directory.7
