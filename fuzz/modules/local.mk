# SPDX-License-Identifier: Apache-2.0
FUZZERS += fuzz/modules/psk_keys
fuzz_modules_psk_keys_SOURCES = %D%/psk_keys.c fuzz/fuzz.h modules/keysource/psk/key_file.c modules/keysource/psk/record.c
# Flags of its own keep these objects apart from the module's.
fuzz_modules_psk_keys_CFLAGS = $(AM_CFLAGS)
fuzz_modules_psk_keys_LDADD = $(LDADD_FUZZ)
EXTRA_DIST += %D%/corpus/psk_keys
include %D%/audio.mk
