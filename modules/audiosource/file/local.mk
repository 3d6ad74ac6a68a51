# SPDX-License-Identifier: Apache-2.0
if WITH_SNDFILE
module_LTLIBRARIES += audiosource-file.la
audiosource_file_la_SOURCES = %D%/file.c %D%/wav_reader.c %D%/wav_reader.h \
	modules/audiosource/pace.c modules/audiosource/pace.h
audiosource_file_la_CFLAGS = $(AM_CFLAGS) $(SNDFILE_CFLAGS)
audiosource_file_la_LIBADD = libqvisio.la $(SNDFILE_LIBS) -lm
audiosource_file_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-audiosource-file.7
endif
