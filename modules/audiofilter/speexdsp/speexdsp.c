/* SPDX-License-Identifier: Apache-2.0 */
/* Audio filter "speexdsp": the echo canceller and the preprocessor of libspeexdsp. */
#include <qvisio/audiofilter.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <speex/speex_echo.h>
#include <speex/speex_preprocess.h>

#include "../meter.h"

#define BLOCKS_PER_SECOND 100
#define RATE_MIN          8000
#define RATE_MAX          48000

struct qv_audiofilter {
	struct meter meter;
	size_t frames;
	bool cancels;
	SpeexEchoState *echo; /* NULL: no cancellation */
	SpeexPreprocessState *preprocess;
	int16_t *cancelled;
};

static const struct qv_option options[] = {
	{ .name = "echo", .type = QV_OPTION_BOOL, .fallback = "true", .help = "Takes out the echo of what is played." },
	{ .name = "tail",
	  .type = QV_OPTION_INT,
	  .fallback = "150",
	  .min = 20,
	  .max = 500,
	  .unit = "ms",
	  .help = "Longest echo that is learned; more for large rooms and imprecise devices, at the cost of time." },
	{ .name = "suppress",
	  .type = QV_OPTION_INT,
	  .fallback = "50",
	  .min = 0,
	  .max = 90,
	  .unit = "dB",
	  .help = "By which what is left of the echo is weakened while nobody speaks here." },
	{ .name = "suppress_talk",
	  .type = QV_OPTION_INT,
	  .fallback = "15",
	  .min = 0,
	  .max = 90,
	  .unit = "dB",
	  .help = "The same while somebody does; more costs more of the voice." },
	{ .name = "noise",
	  .type = QV_OPTION_INT,
	  .fallback = "15",
	  .min = 0,
	  .max = 60,
	  .unit = "dB",
	  .help = "By which noise is weakened; 0 leaves it." },
	{ .name = "gain",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 40,
	  .unit = "dB",
	  .help = "By which a soft voice is raised at most, and what is left of an echo with it; 0 leaves the level." },
	{ .name = "level",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "-18.0",
	  .min = -40,
	  .max = -3,
	  .unit = "dBFS",
	  .help = "To which gain brings a voice." },
	{ .name = NULL },
};

static int speex_plan(const struct qv_options *values, int rate, size_t *block_frames, struct qv_error *err)
{
	(void)values;
	if (rate < RATE_MIN || rate > RATE_MAX || rate % BLOCKS_PER_SECOND != 0)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "speexdsp filters sound of %d to %d Hz, in steps of %d, and not of %d Hz", RATE_MIN,
			       RATE_MAX, BLOCKS_PER_SECOND, rate);
	*block_frames = (size_t)(rate / BLOCKS_PER_SECOND);
	return 0;
}

static void speex_close(struct qv_audiofilter *filter)
{
	if (!filter)
		return;
	if (filter->preprocess)
		speex_preprocess_state_destroy(filter->preprocess);
	if (filter->echo)
		speex_echo_state_destroy(filter->echo);
	free(filter->cancelled);
	free(filter);
}

static void control(struct qv_audiofilter *filter, int request, int value)
{
	speex_preprocess_ctl(filter->preprocess, request, &value);
}

static int option(const struct qv_options *values, const char *name)
{
	return (int)qv_options_int(values, name);
}

static void set_up(struct qv_audiofilter *filter, const struct qv_options *values)
{
	float level = (float)(32768 * pow(10, qv_options_float(values, "level") / 20));
	control(filter, SPEEX_PREPROCESS_SET_DENOISE, 1);
	/* Without noise suppression what is left of an echo is weakened still: by the denoiser, told to leave noise. */
	control(filter, SPEEX_PREPROCESS_SET_NOISE_SUPPRESS, -option(values, "noise"));
	if (filter->echo) {
		speex_preprocess_ctl(filter->preprocess, SPEEX_PREPROCESS_SET_ECHO_STATE, filter->echo);
		control(filter, SPEEX_PREPROCESS_SET_ECHO_SUPPRESS, -option(values, "suppress"));
		control(filter, SPEEX_PREPROCESS_SET_ECHO_SUPPRESS_ACTIVE, -option(values, "suppress_talk"));
	}
	control(filter, SPEEX_PREPROCESS_SET_AGC, option(values, "gain") > 0);
	if (option(values, "gain") > 0) {
		speex_preprocess_ctl(filter->preprocess, SPEEX_PREPROCESS_SET_AGC_LEVEL, &level);
		control(filter, SPEEX_PREPROCESS_SET_AGC_MAX_GAIN, option(values, "gain"));
	}
}

static struct qv_audiofilter *speex_open(const struct qv_host *host, const struct qv_options *values, int rate,
					 struct qv_error *err)
{
	size_t frames = 0;
	(void)host;
	if (speex_plan(values, rate, &frames, err) != 0)
		return NULL;
	struct qv_audiofilter *filter = calloc(1, sizeof *filter);
	if (filter) {
		filter->frames = frames;
		filter->meter = meter_make(rate, frames);
		filter->cancelled = calloc(frames, sizeof(int16_t));
		filter->preprocess = speex_preprocess_state_init((int)frames, rate);
		filter->cancels = qv_options_bool(values, "echo");
	}
	if (filter && filter->cancels) {
		filter->echo = speex_echo_state_init((int)frames, rate / 1000 * option(values, "tail"));
		if (filter->echo)
			speex_echo_ctl(filter->echo, SPEEX_ECHO_SET_SAMPLING_RATE, &rate);
	}
	if (!filter || !filter->cancelled || !filter->preprocess || (filter->cancels && !filter->echo)) {
		speex_close(filter);
		qv_fail(err, QV_E_NOMEM, "no memory for an audio filter");
		return NULL;
	}
	set_up(filter, values);
	return filter;
}

static int speex_process(struct qv_audiofilter *filter, int16_t *captured, const int16_t *played, struct qv_error *err)
{
	double before = meter_power(captured, filter->frames);
	double heard = played && filter->echo ? meter_power(played, filter->frames) : 0;
	int voice = 0;
	(void)err;
	if (filter->echo && played) {
		speex_echo_cancellation(filter->echo, captured, played, filter->cancelled);
		memcpy(captured, filter->cancelled, filter->frames * sizeof(int16_t));
	}
	speex_preprocess_run(filter->preprocess, captured);
	speex_preprocess_ctl(filter->preprocess, SPEEX_PREPROCESS_GET_PROB, &voice);
	meter_note(&filter->meter, heard, before, meter_power(captured, filter->frames), voice / 100.0);
	return 0;
}

/* The preprocessor gives out a block when the next one, with which it overlaps, has come. */
static size_t speex_lag(const struct qv_audiofilter *filter)
{
	return filter->frames;
}

static void speex_meters(const struct qv_audiofilter *filter, struct qv_audiofilter_meters *meters)
{
	int gain = 0;
	meter_read(&filter->meter, meters);
	speex_preprocess_ctl(filter->preprocess, SPEEX_PREPROCESS_GET_AGC_GAIN, &gain);
	meters->gain_db = gain;
}

static void speex_reset(struct qv_audiofilter *filter)
{
	if (filter->echo)
		speex_echo_state_reset(filter->echo);
}

static const struct qv_audiofilter_class speexdsp = {
	.head = { .kind = "audiofilter",
		  .name = "speexdsp",
		  .summary = "echo canceller, noise suppression and gain control of SpeexDSP (libspeexdsp)",
		  .abi_major = QV_AUDIOFILTER_ABI_MAJOR,
		  .abi_minor = QV_AUDIOFILTER_ABI_MINOR,
		  .size = sizeof(struct qv_audiofilter_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.plan = speex_plan,
	.open = speex_open,
	.close = speex_close,
	.process = speex_process,
	.lag = speex_lag,
	.meters = speex_meters,
	.reset = speex_reset,
};

static const struct qv_class *const classes[] = { &speexdsp.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND BSD-3-Clause",
	.classes = classes,
};
