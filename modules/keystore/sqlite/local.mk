# SPDX-License-Identifier: Apache-2.0
if WITH_SQLITE
module_LTLIBRARIES += keystore-sqlite.la
keystore_sqlite_la_SOURCES = \
	%D%/commit.c \
	%D%/compare.c \
	%D%/pool.c \
	%D%/promise.c \
	%D%/property.c \
	%D%/reserve.c \
	%D%/rows.c \
	%D%/schema.c \
	%D%/sqlite.c \
	%D%/statement.c \
	modules/keystore/common/class.h \
	%D%/store.h
keystore_sqlite_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
keystore_sqlite_la_LIBADD = libqvisio.la $(SQLITE_LIBS)
keystore_sqlite_la_LDFLAGS = $(LDFLAGS_MODULE)
EXTRA_DIST += %D%/version-1.sql
dist_man_MANS += doc/man/qvisio-keystore-sqlite.7

if WITH_CMOCKA
keystore_sqlite_tests = modules/keystore/sqlite/test_keystore_sqlite
check_PROGRAMS += $(keystore_sqlite_tests)
TESTS += $(keystore_sqlite_tests)
modules_keystore_sqlite_test_keystore_sqlite_SOURCES = %D%/test_keystore_sqlite.c
modules_keystore_sqlite_test_keystore_sqlite_CFLAGS = $(CFLAGS_UNIT)
modules_keystore_sqlite_test_keystore_sqlite_LDADD = $(LDADD_UNIT) -lpthread
endif
endif
