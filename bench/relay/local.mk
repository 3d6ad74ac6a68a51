# SPDX-License-Identifier: Apache-2.0
PYTHON_BENCHES += %D%/messages.py %D%/trials.py
# igraph is under the GPL: a peer of this measurement, never part of what is installed.
if WITH_IGRAPH
BENCHES += bench/relay/relay
bench_relay_relay_SOURCES = %D%/relay.c bench/bench.h
bench_relay_relay_CFLAGS = $(AM_CFLAGS) $(IGRAPH_CFLAGS)
bench_relay_relay_LDADD = libbench.la libqvisio.la $(IGRAPH_LIBS)
endif

BENCHES += bench/relay/demonstration
bench_relay_demonstration_SOURCES = %D%/demonstration.c
bench_relay_demonstration_LDADD = libbench.la libqvisio.la
