# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += qvisio-module
qvisio_module_SOURCES = \
	%D%/check.c \
	%D%/find.c \
	%D%/find.h \
	%D%/json.c \
	%D%/list.c \
	%D%/main.c \
	%D%/show.c \
	%D%/show_json.c \
	%D%/show_mdoc.c \
	%D%/tool.h
qvisio_module_CPPFLAGS = $(AM_CPPFLAGS) -DQV_VERSION='"$(PACKAGE_VERSION)"'
qvisio_module_LDADD = libconformance.la libqvisio.la
dist_man_MANS += doc/man/qvisio-module.1

dist_check_SCRIPTS += %D%/test_list_show.py
TESTS += %D%/test_list_show.py
