# SPDX-License-Identifier: Apache-2.0
if WITH_SQLITE
if WITH_POSTGRES
BENCHES += bench/store/store
PYTHON_BENCHES += %D%/postgres.py
bench_store_store_SOURCES = %D%/bare.c %D%/ours.c %D%/store.c %D%/store.h bench/bench.h
bench_store_store_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(POSTGRES_CFLAGS)
bench_store_store_LDADD = libbench.la libqvisio.la $(SQLITE_LIBS) $(POSTGRES_LIBS) -lpthread -lm
endif
endif
