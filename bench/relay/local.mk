# SPDX-License-Identifier: Apache-2.0
PYTHON_BENCHES += %D%/messages.py
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

BENCHES += bench/relay/trials
bench_relay_trials_SOURCES = \
	%D%/trials.c \
	tools/relay/access.c \
	tools/relay/common.c \
	tools/relay/progress.c \
	tools/relay/random.c \
	tools/relay/trials.c \
	bench/bench.h
bench_relay_trials_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS)
bench_relay_trials_LDADD = libbench.la libqvisio.la $(CORE_LIBS) -lm
