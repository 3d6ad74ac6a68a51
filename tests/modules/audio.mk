# SPDX-License-Identifier: Apache-2.0
check_LTLIBRARIES += libaudioparts.la
libaudioparts_la_SOURCES = %D%/audio_parts.c %D%/audio_parts.h
libaudioparts_la_LIBADD = libqvisio.la

if WITH_CMOCKA
audio_tests = \
	tests/modules/test_pcm \
	tests/modules/test_tone
check_PROGRAMS += $(audio_tests)
TESTS += $(audio_tests)

tests_modules_test_pcm_SOURCES = %D%/test_pcm.c
tests_modules_test_pcm_CFLAGS = $(CFLAGS_UNIT)
tests_modules_test_pcm_LDADD = libaudioparts.la $(LDADD_UNIT)

tests_modules_test_tone_SOURCES = %D%/test_tone.c
tests_modules_test_tone_CFLAGS = $(CFLAGS_UNIT)
tests_modules_test_tone_LDADD = libaudioparts.la $(LDADD_UNIT) -lm
endif
