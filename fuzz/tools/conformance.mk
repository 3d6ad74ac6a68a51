# SPDX-License-Identifier: Apache-2.0
if WITH_CURL
if WITH_JANSSON
if WITH_OPENSSL
FUZZERS += fuzz/tools/conformance
fuzz_tools_conformance_SOURCES = \
	%D%/conformance.c \
	fuzz/fuzz.h \
	tools/conformance/container.c \
	tools/conformance/finding.c \
	tools/conformance/hello.c \
	tools/conformance/id_from_key.c \
	tools/conformance/judge.c \
	tools/conformance/limits.c
fuzz_tools_conformance_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS) $(OPENSSL_CFLAGS)
fuzz_tools_conformance_LDADD = $(LDADD_FUZZ) $(CURL_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) -lm
endif
endif
endif
EXTRA_DIST += %D%/corpus/conformance
