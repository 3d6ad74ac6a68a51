/* SPDX-License-Identifier: Apache-2.0 */
/* The libraries of the audio filters without their modules, set up as these are by default. */
#ifndef BENCH_ECHO_RAW_H
#define BENCH_ECHO_RAW_H

#include <stddef.h>
#include <stdint.h>

struct raw_speex;
struct raw_speex *raw_speex_new(int rate);
void raw_speex_free(struct raw_speex *raw);
void raw_speex_block(struct raw_speex *raw, const int16_t *captured, const int16_t *played);

#endif
