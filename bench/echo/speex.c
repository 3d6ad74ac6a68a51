/* SPDX-License-Identifier: Apache-2.0 */
#include "raw.h"

#include <stdlib.h>

#include <speex/speex_echo.h>
#include <speex/speex_preprocess.h>

#define TAIL_MS 150

struct raw_speex {
	SpeexEchoState *echo;
	SpeexPreprocessState *preprocess;
	int16_t out[480];
};

struct raw_speex *raw_speex_new(int rate)
{
	int suppress = -50;
	struct raw_speex *raw = calloc(1, sizeof *raw);
	if (!raw)
		abort();
	raw->echo = speex_echo_state_init(rate / 100, rate / 1000 * TAIL_MS);
	raw->preprocess = speex_preprocess_state_init(rate / 100, rate);
	speex_echo_ctl(raw->echo, SPEEX_ECHO_SET_SAMPLING_RATE, &rate);
	speex_preprocess_ctl(raw->preprocess, SPEEX_PREPROCESS_SET_ECHO_STATE, raw->echo);
	speex_preprocess_ctl(raw->preprocess, SPEEX_PREPROCESS_SET_ECHO_SUPPRESS, &suppress);
	return raw;
}

void raw_speex_free(struct raw_speex *raw)
{
	speex_preprocess_state_destroy(raw->preprocess);
	speex_echo_state_destroy(raw->echo);
	free(raw);
}

void raw_speex_block(struct raw_speex *raw, const int16_t *captured, const int16_t *played)
{
	speex_echo_cancellation(raw->echo, captured, played, raw->out);
	speex_preprocess_run(raw->preprocess, raw->out);
}
