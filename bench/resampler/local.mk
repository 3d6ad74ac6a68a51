# SPDX-License-Identifier: Apache-2.0
if WITH_SPEEXDSP
BENCHES += bench/resampler/resampler
# The resampler is not part of the library's interface, so the bench has its own copy.
bench_resampler_resampler_SOURCES = %D%/resampler.c bench/bench.h core/audio/resampler.c
bench_resampler_resampler_CFLAGS = $(AM_CFLAGS) $(SPEEXDSP_CFLAGS)
bench_resampler_resampler_LDADD = libbench.la libqvisio.la $(SPEEXDSP_LIBS) -lm
endif
