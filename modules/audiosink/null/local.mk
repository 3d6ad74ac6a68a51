# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += audiosink-null.la
audiosink_null_la_SOURCES = %D%/null.c
audiosink_null_la_LIBADD = libqvisio.la
audiosink_null_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-audiosink-null.7
