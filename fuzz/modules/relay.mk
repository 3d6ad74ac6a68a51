# SPDX-License-Identifier: Apache-2.0
# Flags of their own keep these objects apart from the modules'.
FUZZERS += fuzz/modules/relay_disjoint fuzz/modules/relay_recursive fuzz/modules/relay_redistribute
fuzz_modules_relay_disjoint_SOURCES = %D%/relay_message.c fuzz/fuzz.h $(relay_disjoint_la_SOURCES)
fuzz_modules_relay_disjoint_CFLAGS = $(AM_CFLAGS)
fuzz_modules_relay_disjoint_LDADD = $(LDADD_FUZZ)
fuzz_modules_relay_recursive_SOURCES = %D%/relay_message.c fuzz/fuzz.h $(relay_recursive_la_SOURCES)
fuzz_modules_relay_recursive_CFLAGS = $(AM_CFLAGS)
fuzz_modules_relay_recursive_LDADD = $(LDADD_FUZZ)
fuzz_modules_relay_redistribute_SOURCES = %D%/relay_message.c fuzz/fuzz.h $(relay_redistribute_la_SOURCES)
fuzz_modules_relay_redistribute_CFLAGS = $(AM_CFLAGS)
fuzz_modules_relay_redistribute_LDADD = $(LDADD_FUZZ)
EXTRA_DIST += %D%/corpus/relay_message
