# SPDX-License-Identifier: Apache-2.0
if WITH_CMOCKA
sound_tests = \
	tests/audio/test_far_end \
	tests/audio/test_resampler \
	tests/audio/test_stretch
check_PROGRAMS += $(sound_tests)
TESTS += $(sound_tests)

# These are not part of the library's interface, so the tests have their own copies.
tests_audio_test_far_end_SOURCES = %D%/test_far_end.c core/audio/far_end.c core/audio/resampler.c
tests_audio_test_far_end_CFLAGS = $(CFLAGS_UNIT)
tests_audio_test_far_end_LDADD = $(LDADD_UNIT) -lm

tests_audio_test_resampler_SOURCES = %D%/test_resampler.c core/audio/adapter.c core/audio/resampler.c
tests_audio_test_resampler_CFLAGS = $(CFLAGS_UNIT)
tests_audio_test_resampler_LDADD = $(LDADD_UNIT) -lm

tests_audio_test_stretch_SOURCES = %D%/test_stretch.c core/audio/conceal.c core/audio/stretch.c
tests_audio_test_stretch_CFLAGS = $(CFLAGS_UNIT)
tests_audio_test_stretch_LDADD = $(LDADD_UNIT) -lm
endif
