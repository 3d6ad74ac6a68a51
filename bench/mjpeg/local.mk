# SPDX-License-Identifier: Apache-2.0
if WITH_TURBOJPEG
BENCHES += bench/mjpeg/mjpeg
bench_mjpeg_mjpeg_SOURCES = %D%/mjpeg.c bench/bench.h
bench_mjpeg_mjpeg_CFLAGS = $(AM_CFLAGS) $(TURBOJPEG_CFLAGS)
bench_mjpeg_mjpeg_LDADD = libbench.la libqvisio.la $(TURBOJPEG_LIBS) -lm
endif
