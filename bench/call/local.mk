# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/peers.py
PYTHON_BENCHES += %D%/sound.py
if WITH_ALSA
BENCH_FIELD += tests/harness/qvcard.la
if WITH_OPUS
if WITH_OPENSSL
BENCH_HELPERS += bench/call/floor_sound
bench_call_floor_sound_SOURCES = %D%/floor_sound.c
bench_call_floor_sound_CFLAGS = $(AM_CFLAGS) $(ALSA_CFLAGS) $(OPUS_CFLAGS) $(OPENSSL_CFLAGS)
bench_call_floor_sound_LDADD = $(ALSA_LIBS) $(OPUS_LIBS) $(OPENSSL_LIBS)
endif
endif
endif
