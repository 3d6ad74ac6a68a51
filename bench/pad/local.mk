# SPDX-License-Identifier: Apache-2.0
if WITH_OPENSSL
BENCHES += bench/pad/pad
bench_pad_pad_SOURCES = %D%/pad.c bench/bench.h
bench_pad_pad_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
bench_pad_pad_LDADD = libbench.la libqvisio.la $(OPENSSL_LIBS)
endif
