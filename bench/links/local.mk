# SPDX-License-Identifier: Apache-2.0
if WITH_SQLITE
BENCHES += bench/links/links
bench_links_links_SOURCES = %D%/links.c bench/bench.h tools/kme/random.c tools/kme/seal.c tools/kme/seal.h
bench_links_links_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(SQLITE_CFLAGS)
bench_links_links_LDADD = libbench.la libqvisio.la $(CORE_LIBS) $(SQLITE_LIBS) -lm
endif
