# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += videosink-file.la
videosink_file_la_SOURCES = %D%/file.c %D%/rgb.c %D%/rgb.h %D%/snapshot.h %D%/y4m.c %D%/y4m.h
videosink_file_la_CFLAGS = $(AM_CFLAGS) $(PNG_CFLAGS)
videosink_file_la_LIBADD = libqvisio.la $(PNG_LIBS) -lm
videosink_file_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-videosink-file.7
if WITH_PNG
videosink_file_la_SOURCES += %D%/snapshot_png.c
else
videosink_file_la_SOURCES += %D%/snapshot_none.c
endif

if WITH_CMOCKA
check_PROGRAMS += modules/videosink/file/test_file_sink
TESTS += modules/videosink/file/test_file_sink
modules_videosink_file_test_file_sink_SOURCES = %D%/test_file_sink.c
modules_videosink_file_test_file_sink_CFLAGS = $(CFLAGS_UNIT)
modules_videosink_file_test_file_sink_LDADD = libmediatest.la $(LDADD_UNIT)
endif
