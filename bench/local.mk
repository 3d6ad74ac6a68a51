# SPDX-License-Identifier: Apache-2.0
# BENCHES are programs, PYTHON_BENCHES Python files that measure; make bench builds them and prints their tables.
PYTHON_BENCHES =
EXTRA_PROGRAMS += $(BENCHES)
EXTRA_LTLIBRARIES = libbench.la
libbench_la_SOURCES = %D%/bench.c %D%/bench.h
CLEANFILES += $(BENCHES) libbench.la
EXTRA_DIST += $(PYTHON_BENCHES)

include %D%/tls/local.mk
include %D%/mjpeg/local.mk
include %D%/kme/local.mk
include %D%/latency/local.mk
include %D%/links/local.mk
include %D%/relay/local.mk
include %D%/shamir/local.mk

bench: all $(BENCHES)
	@$(AM_TESTS_ENVIRONMENT) set -e; \
	for program in $(BENCHES); do echo "== $$program"; ./$$program; done; \
	for script in $(PYTHON_BENCHES); do echo "== $$script"; $(PYTHON3) $(srcdir)/$$script; done
.PHONY: bench
