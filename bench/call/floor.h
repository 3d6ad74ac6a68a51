/* SPDX-License-Identifier: Apache-2.0 */
/* What the least delays are measured with: AES-256-GCM of libcrypto and a UDP socket to itself. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stddef.h>
#include <stdint.h>

#define FLOOR_PACKET_MAX 1400

struct floor_path;

/* Ends the program if it cannot, as all here does. */
struct floor_path *floor_path_new(void);

/* Seals, sends, receives and opens; `out` takes as many bytes as went in, at most FLOOR_PACKET_MAX. */
void floor_path_pass(struct floor_path *path, const uint8_t *in, size_t size, uint8_t *out);

void floor_check(int good, const char *what);

#endif
