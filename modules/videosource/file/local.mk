# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += videosource-file.la
videosource_file_la_SOURCES = \
	%D%/file.c \
	%D%/jpeg_stream.c \
	%D%/jpeg_stream.h \
	%D%/y4m.c \
	%D%/y4m.h \
	modules/videosource/common/jpeg_scan.c \
	modules/videosource/common/jpeg_scan.h \
	modules/videosource/common/pacer.c \
	modules/videosource/common/pacer.h
videosource_file_la_LIBADD = libqvisio.la -lm
videosource_file_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-videosource-file.7

check_PROGRAMS += modules/videosource/common/dump_source
modules_videosource_common_dump_source_SOURCES = \
	modules/videosource/common/dump_source.c \
	modules/videosource/common/open_source.c \
	modules/videosource/common/open_source.h
modules_videosource_common_dump_source_LDADD = libqvisio.la

dist_check_SCRIPTS += %D%/test_file.py
TESTS += %D%/test_file.py

if WITH_CMOCKA
check_PROGRAMS += modules/videosource/file/test_pace
TESTS += modules/videosource/file/test_pace
modules_videosource_file_test_pace_SOURCES = \
	%D%/test_pace.c \
	modules/videosource/common/open_source.c \
	modules/videosource/common/open_source.h
modules_videosource_file_test_pace_CFLAGS = $(CFLAGS_UNIT)
modules_videosource_file_test_pace_LDADD = $(LDADD_UNIT)
endif
