# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += videosource-testpattern.la
videosource_testpattern_la_SOURCES = \
	%D%/testpattern.c \
	%D%/digits.c \
	%D%/digits.h \
	%D%/pattern.c \
	%D%/pattern.h \
	modules/videosource/common/pacer.c \
	modules/videosource/common/pacer.h
videosource_testpattern_la_LIBADD = libqvisio.la
videosource_testpattern_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-videosource-testpattern.7

if WITH_CMOCKA
check_PROGRAMS += modules/videosource/testpattern/test_testpattern
TESTS += modules/videosource/testpattern/test_testpattern
modules_videosource_testpattern_test_testpattern_SOURCES = \
	%D%/test_testpattern.c \
	modules/videosource/common/open_source.c \
	modules/videosource/common/open_source.h
modules_videosource_testpattern_test_testpattern_CFLAGS = $(CFLAGS_UNIT)
modules_videosource_testpattern_test_testpattern_LDADD = $(LDADD_UNIT)
endif
