# SPDX-License-Identifier: Apache-2.0
if WITH_SQLITE
module_LTLIBRARIES += keystore-sqlite.la
keystore_sqlite_la_SOURCES = \
	%D%/commit.c \
	%D%/pool.c \
	%D%/promise.c \
	%D%/property.c \
	%D%/reserve.c \
	%D%/rows.c \
	%D%/schema.c \
	%D%/sqlite.c \
	%D%/statement.c \
	%D%/store.h
keystore_sqlite_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
keystore_sqlite_la_LIBADD = libqvisio.la $(SQLITE_LIBS)
keystore_sqlite_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-keystore-sqlite.7
endif
