# SPDX-License-Identifier: Apache-2.0
# A target is a program in FUZZERS, linked with $(LDADD_FUZZ). make check replays each target's corpus and mutations of
# it; configured with --enable-fuzzers (and CC=clang), the same targets are libFuzzer programs.
if ENABLE_FUZZERS
LDADD_FUZZ = libqvisio.la $(FUZZ_LIBS)
noinst_PROGRAMS += $(FUZZERS)
else
LDADD_FUZZ = libfuzzmain.la libqvisio.la
check_LTLIBRARIES += libfuzzmain.la
libfuzzmain_la_SOURCES = %D%/replay.c %D%/fuzz.h
check_PROGRAMS += $(FUZZERS)
TESTS += $(FUZZERS)
endif

include %D%/core/local.mk
include %D%/modules/local.mk
include %D%/tools/local.mk
