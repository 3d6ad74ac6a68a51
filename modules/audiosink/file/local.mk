# SPDX-License-Identifier: Apache-2.0
if WITH_SNDFILE
module_LTLIBRARIES += audiosink-file.la
audiosink_file_la_SOURCES = %D%/file.c
audiosink_file_la_CFLAGS = $(AM_CFLAGS) $(SNDFILE_CFLAGS)
audiosink_file_la_LIBADD = libqvisio.la $(SNDFILE_LIBS)
audiosink_file_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-audiosink-file.7
endif
