# SPDX-License-Identifier: Apache-2.0
check_LTLIBRARIES += libaudioparts.la
libaudioparts_la_SOURCES = %D%/audio_parts.c %D%/audio_parts.h
libaudioparts_la_LIBADD = libqvisio.la

if WITH_SNDFILE
audio_sndfile_tests = tests/modules/test_audio_sinks
endif
if WITH_CMOCKA
audio_tests = \
	tests/modules/test_pcm \
	$(audio_sndfile_tests) \
	tests/modules/test_tone
check_PROGRAMS += $(audio_tests)
TESTS += $(audio_tests)

tests_modules_test_audio_sinks_SOURCES = %D%/test_audio_sinks.c
tests_modules_test_audio_sinks_CFLAGS = $(CFLAGS_UNIT)
tests_modules_test_audio_sinks_LDADD = libaudioparts.la $(LDADD_UNIT)

tests_modules_test_pcm_SOURCES = %D%/test_pcm.c
tests_modules_test_pcm_CFLAGS = $(CFLAGS_UNIT)
tests_modules_test_pcm_LDADD = libaudioparts.la $(LDADD_UNIT)

tests_modules_test_tone_SOURCES = %D%/test_tone.c
tests_modules_test_tone_CFLAGS = $(CFLAGS_UNIT)
tests_modules_test_tone_LDADD = libaudioparts.la $(LDADD_UNIT) -lm
endif

check_PROGRAMS += tests/modules/audiopump
tests_modules_audiopump_SOURCES = %D%/audiopump.c
tests_modules_audiopump_LDADD = libaudioparts.la libqvisio.la

if WITH_SNDFILE
TESTS += %D%/audio_file.py
endif
if WITH_ALSA
check_LTLIBRARIES += tests/modules/alsa_faults.la
tests_modules_alsa_faults_la_SOURCES = %D%/alsa_faults.c
tests_modules_alsa_faults_la_CFLAGS = $(AM_CFLAGS) $(ALSA_CFLAGS) -fvisibility=default -Wno-missing-prototypes
tests_modules_alsa_faults_la_LIBADD = $(ALSA_LIBS)
tests_modules_alsa_faults_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
if WITH_SNDFILE
TESTS += %D%/audio_alsa.py
endif
endif
if WITH_PULSE
if WITH_SNDFILE
TESTS += %D%/audio_pulse.py
endif
endif
dist_check_SCRIPTS += %D%/audio_file.py %D%/audio_alsa.py %D%/audio_pulse.py
