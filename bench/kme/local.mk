# SPDX-License-Identifier: Apache-2.0
if WITH_OPENSSL
BENCH_HELPERS += bench_kme_load
bench_kme_load_SOURCES = %D%/load.c bench/bench.h
bench_kme_load_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
bench_kme_load_LDADD = libbench.la $(OPENSSL_LIBS)
PYTHON_BENCHES += %D%/kme.py
if WITH_MICROHTTPD
BENCH_HELPERS += bench_kme_hello
bench_kme_hello_SOURCES = %D%/hello.c
bench_kme_hello_CFLAGS = $(AM_CFLAGS) $(MICROHTTPD_CFLAGS)
bench_kme_hello_LDADD = $(MICROHTTPD_LIBS)
endif
endif
EXTRA_DIST += %D%/kme.py
