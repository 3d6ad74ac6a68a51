# SPDX-License-Identifier: Apache-2.0
include %D%/kme.mk
include %D%/conformance.mk

if WITH_JANSSON
FUZZERS += fuzz/tools/legacy_config
fuzz_tools_legacy_config_SOURCES = %D%/legacy_config.c tools/visio/legacy_config.c tools/visio/json_lines.c
fuzz_tools_legacy_config_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
fuzz_tools_legacy_config_LDADD = $(LDADD_FUZZ) $(JANSSON_LIBS)

# Commands of the control socket, as the program has them.
FUZZERS += fuzz/tools/steering
fuzz_tools_steering_SOURCES = %D%/steering.c $(visio_parts)
fuzz_tools_steering_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
fuzz_tools_steering_LDADD = libvisiotools.la $(LDADD_FUZZ) $(JANSSON_LIBS)
endif
EXTRA_DIST += %D%/corpus/legacy_config %D%/corpus/steering
