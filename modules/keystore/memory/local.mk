# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += keystore-memory.la
keystore_memory_la_SOURCES = \
	%D%/compare.c \
	%D%/heap.c \
	%D%/heap.h \
	%D%/memory.c \
	%D%/pool.c \
	%D%/promise.c \
	%D%/request.c \
	modules/keystore/common/class.h \
	%D%/store.h \
	%D%/table.c \
	%D%/table.h
keystore_memory_la_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS)
keystore_memory_la_LIBADD = libqvisio.la $(CORE_LIBS) -lpthread
keystore_memory_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-keystore-memory.7
