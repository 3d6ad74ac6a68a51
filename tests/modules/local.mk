# SPDX-License-Identifier: Apache-2.0
check_LTLIBRARIES += \
	%D%/videosource-mock.la \
	%D%/keysource-empty.la \
	%D%/relay-altering.la \
	%D%/clock_shift.la

tests_modules_videosource_mock_la_SOURCES = %D%/videosource-mock.c
tests_modules_videosource_mock_la_LIBADD = libqvisio.la
tests_modules_videosource_mock_la_LDFLAGS = $(LDFLAGS_MOCK)
tests_modules_relay_altering_la_SOURCES = %D%/altering.c
tests_modules_relay_altering_la_LIBADD = libqvisio.la
tests_modules_relay_altering_la_LDFLAGS = $(LDFLAGS_MOCK)
tests_modules_keysource_empty_la_SOURCES = %D%/empty.c
tests_modules_keysource_empty_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
tests_modules_clock_shift_la_SOURCES = %D%/clock_shift.c
tests_modules_clock_shift_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
include %D%/audio.mk
# Compiled by tests/conformance/test_mutants.py, each many times with one thing broken.
EXTRA_DIST += \
	%D%/mutants/audiocodec.c \
	%D%/mutants/audiofilter.c \
	%D%/mutants/audiosink.c \
	%D%/mutants/audiosource.c \
	%D%/mutants/keysource.c \
	%D%/mutants/keystore.c \
	%D%/mutants/loader.c \
	%D%/mutants/mutant.h \
	%D%/mutants/qkdlink.c \
	%D%/mutants/relay.c \
	%D%/mutants/tls.c \
	%D%/mutants/videocodec.c \
	%D%/mutants/videosink.c \
	%D%/mutants/videosource.c
