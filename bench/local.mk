# SPDX-License-Identifier: Apache-2.0
# BENCHES are programs, PYTHON_BENCHES Python files that measure; make bench builds them and prints their tables.
# BENCH_HELPERS are programs that these use.
PYTHON_BENCHES =
BENCH_HELPERS =
# Of the tests, what joins and watches the ends of calls.
BENCH_FIELD = \
	tests/harness/impairer \
	tests/harness/listener \
	tests/modules/audiopump \
	tests/harness/audiosink-witness.la \
	tests/harness/videosink-witness.la
EXTRA_PROGRAMS += $(BENCHES) $(BENCH_HELPERS)
EXTRA_LTLIBRARIES = libbench.la
libbench_la_SOURCES = %D%/bench.c %D%/bench.h
CLEANFILES += $(BENCHES) $(BENCH_HELPERS) libbench.la
EXTRA_DIST += $(PYTHON_BENCHES)

include %D%/call/local.mk
include %D%/tls/local.mk
include %D%/echo/local.mk
include %D%/mjpeg/local.mk
include %D%/pad/local.mk
include %D%/kme/local.mk
include %D%/latency/local.mk
include %D%/store/local.mk
include %D%/links/local.mk
include %D%/relay/local.mk
include %D%/relay-live/local.mk
include %D%/shamir/local.mk
include %D%/resampler/local.mk

bench: all $(BENCHES) $(BENCH_HELPERS) $(BENCH_FIELD)
	@$(AM_TESTS_ENVIRONMENT) set -e; \
	for program in $(BENCHES); do echo "== $$program"; ./$$program; done; \
	for script in $(PYTHON_BENCHES); do echo "== $$script"; $(PYTHON3) $(srcdir)/$$script; done
.PHONY: bench
