# SPDX-License-Identifier: Apache-2.0
check_LTLIBRARIES += \
	%D%/videosource-mock.la \
	%D%/keysource-empty.la

tests_modules_videosource_mock_la_SOURCES = %D%/videosource-mock.c
tests_modules_videosource_mock_la_LIBADD = libqvisio.la
tests_modules_videosource_mock_la_LDFLAGS = $(LDFLAGS_MOCK)
tests_modules_keysource_empty_la_SOURCES = %D%/empty.c
tests_modules_keysource_empty_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
include %D%/audio.mk
