# SPDX-License-Identifier: Apache-2.0
if WITH_POSTGRES
module_LTLIBRARIES += keystore-postgres.la
keystore_postgres_la_SOURCES = \
	%D%/call.c \
	%D%/compare.c \
	%D%/connection.c \
	%D%/migrate.c \
	%D%/pool.c \
	%D%/postgres.c \
	%D%/promise.c \
	%D%/schema.c \
	%D%/schema.h \
	modules/keystore/common/class.h \
	%D%/store.h
keystore_postgres_la_CFLAGS = $(AM_CFLAGS) $(POSTGRES_CFLAGS)
keystore_postgres_la_LIBADD = libqvisio.la $(POSTGRES_LIBS) -lpthread
keystore_postgres_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_check_SCRIPTS += %D%/test_postgres.py
TESTS += %D%/test_postgres.py
EXTRA_DIST += %D%/version-1.sql
dist_man_MANS += doc/man/qvisio-keystore-postgres.7
endif
