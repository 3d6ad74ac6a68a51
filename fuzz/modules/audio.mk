# SPDX-License-Identifier: Apache-2.0
FUZZERS += fuzz/modules/pcm
fuzz_modules_pcm_SOURCES = %D%/pcm.c fuzz/fuzz.h modules/audiocodec/pcm/pcm.c
# Flags of its own keep its objects apart from those of the module.
fuzz_modules_pcm_CFLAGS = $(AM_CFLAGS)
fuzz_modules_pcm_LDADD = $(LDADD_FUZZ)
EXTRA_DIST += %D%/corpus/pcm %D%/corpus/wav

if WITH_SNDFILE
FUZZERS += fuzz/modules/wav
fuzz_modules_wav_SOURCES = %D%/wav.c fuzz/fuzz.h modules/audiosource/file/wav_reader.c \
	modules/audiosource/file/wav_reader.h
fuzz_modules_wav_CFLAGS = $(AM_CFLAGS) $(SNDFILE_CFLAGS)
fuzz_modules_wav_LDADD = $(LDADD_FUZZ) $(SNDFILE_LIBS) -lm
endif

if WITH_OPUS
FUZZERS += fuzz/modules/opus
fuzz_modules_opus_SOURCES = %D%/opus.c fuzz/fuzz.h $(opus_sources)
fuzz_modules_opus_CFLAGS = $(AM_CFLAGS) $(OPUS_CFLAGS)
fuzz_modules_opus_LDADD = $(LDADD_FUZZ) $(OPUS_LIBS)
endif
EXTRA_DIST += %D%/corpus/opus
