/* SPDX-License-Identifier: Apache-2.0 */
/* A fuzz target: one parser of untrusted bytes. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Folder of its corpus below the source tree ("fuzz/core/corpus/psk_identity"), replayed by make check. */
extern const char *const fuzz_corpus;

/* libFuzzer's entry. Must not crash, leak, or change global state. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
