/* SPDX-License-Identifier: Apache-2.0 */
/* What the module uses of the C++ library, as C. No exception comes out of it. */
#ifndef AUDIOFILTER_WEBRTC_ENGINE_H
#define AUDIOFILTER_WEBRTC_ENGINE_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct engine;

struct engine_settings {
	int rate; /* a multiple of 100, 8000…48000 */
	bool echo, long_echo, low_cut;
	int suppression; /* 0…2 */
	int noise;       /* 0: off, 1…4 */
	int gain_db;     /* 0: off */
	int level_dbfs;  /* below full scale, 0…31 */
};

/* NULL: no memory, or settings that the library does not take. */
struct engine *engine_new(const struct engine_settings *settings);
void engine_free(struct engine *engine);

/* Blocks of 10 ms, samples of -1…1. Other than 0: the library's error. */
int engine_played(struct engine *engine, const float *played);
int engine_captured(struct engine *engine, float *captured, int delay_ms);

/* Probability that the last block held speech. */
double engine_voice(const struct engine *engine);

/* Forgets what was learned. Other than 0: the library's error. */
int engine_reset(struct engine *engine);

#ifdef __cplusplus
}
#endif
#endif
