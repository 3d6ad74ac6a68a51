# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += videosink-null.la
videosink_null_la_SOURCES = %D%/null.c
videosink_null_la_LIBADD = libqvisio.la
videosink_null_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-videosink-null.7
