# SPDX-License-Identifier: Apache-2.0
BENCHES += bench/tls/bench_tls
bench_tls_bench_tls_SOURCES = %D%/bench_tls.c %D%/module.c %D%/tls.h
bench_tls_bench_tls_CPPFLAGS = $(AM_CPPFLAGS)
bench_tls_bench_tls_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(GNUTLS_CFLAGS) -pthread
bench_tls_bench_tls_LDADD = libbench.la libqvisio.la
if WITH_OPENSSL
bench_tls_bench_tls_SOURCES += %D%/bare_openssl.c
bench_tls_bench_tls_CPPFLAGS += -DBENCH_TLS_OPENSSL
bench_tls_bench_tls_LDADD += $(OPENSSL_LIBS)
endif
if WITH_GNUTLS
bench_tls_bench_tls_SOURCES += %D%/bare_gnutls.c
bench_tls_bench_tls_CPPFLAGS += -DBENCH_TLS_GNUTLS
bench_tls_bench_tls_LDADD += $(GNUTLS_LIBS)
endif
