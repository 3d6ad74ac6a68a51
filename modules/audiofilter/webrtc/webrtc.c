/* SPDX-License-Identifier: Apache-2.0 */
/* Audio filter "webrtc": the audio processing of the WebRTC project (libwebrtc-audio-processing 0.3). */
#include <qvisio/audiofilter.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../meter.h"
#include "engine.h"

#define BLOCKS_PER_SECOND 100
#define RATE_MIN          8000
#define RATE_MAX          48000
#define FRAMES_MAX        (RATE_MAX / BLOCKS_PER_SECOND)

struct qv_audiofilter {
	struct meter meter;
	struct engine *engine;
	size_t frames, lag;
	int delay_ms;
	bool cancels;
};

static const char *const suppressions[] = { "low", "moderate", "high", NULL };
static const char *const noises[] = { "off", "low", "moderate", "high", "very_high", NULL };

static const struct qv_option options[] = {
	{ .name = "echo", .type = QV_OPTION_BOOL, .fallback = "true", .help = "Takes out the echo of what is played." },
	{ .name = "suppress",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "low",
	  .choices = suppressions,
	  .help = "How much of what is left of an echo is weakened; more costs more of a voice that speaks with it." },
	{ .name = "long_echo",
	  .type = QV_OPTION_BOOL,
	  .fallback = "true",
	  .help = "Learns echoes of up to 128 ms, for rooms and imprecise devices, in place of 48 ms." },
	{ .name = "delay",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 400,
	  .unit = "ms",
	  .help = "By which an echo is known to come later than the devices say." },
	{ .name = "noise",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "moderate",
	  .choices = noises,
	  .help = "How much noise is weakened: by about 6, 10, 15 or 20 dB." },
	{ .name = "low_cut",
	  .type = QV_OPTION_BOOL,
	  .fallback = "true",
	  .help = "Takes out what is too low for a voice, such as hum and blows." },
	{ .name = "gain",
	  .type = QV_OPTION_INT,
	  .fallback = "9",
	  .min = 0,
	  .max = 40,
	  .unit = "dB",
	  .help = "By which a soft voice is raised at most; 0 leaves the level." },
	{ .name = "level",
	  .type = QV_OPTION_INT,
	  .fallback = "-6",
	  .min = -31,
	  .max = 0,
	  .unit = "dBFS",
	  .help = "Peak level above which gain brings no voice." },
	{ .name = NULL },
};

static int webrtc_plan(const struct qv_options *values, int rate, size_t *block_frames, struct qv_error *err)
{
	(void)values;
	if (rate < RATE_MIN || rate > RATE_MAX || rate % BLOCKS_PER_SECOND != 0)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "webrtc filters sound of %d to %d Hz, in steps of %d, and not of %d Hz", RATE_MIN,
			       RATE_MAX, BLOCKS_PER_SECOND, rate);
	*block_frames = (size_t)(rate / BLOCKS_PER_SECOND);
	return 0;
}

/*
 * Measured: the library tells nobody. Its echo canceller works in blocks of 64 samples of a band, its noise suppression in
 * windows that overlap, and rates that it does not work at, or splits in bands, pass filters.
 */
static size_t library_lag(const struct engine_settings *settings)
{
	static const struct {
		int rate;
		size_t lag;
	} filters[] = { { 8000, 0 },  { 12000, 28 }, { 16000, 0 }, { 24000, 31 },
			{ 32000, 4 }, { 44100, 74 }, { 48000, 46 } };
	bool works = settings->echo || settings->noise > 0 || settings->low_cut || settings->gain_db > 0;
	int echo_ms = settings->rate <= 8000 ? 14 : 7, noise_ms = 6;
	size_t lag = 30;
	if (!works)
		return 0;
	for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++)
		if (filters[i].rate == settings->rate)
			lag = filters[i].lag;
	int ms = (settings->echo ? echo_ms : 0) + (settings->noise > 0 ? noise_ms : 0);
	return lag + (size_t)((settings->rate * ms + 500) / 1000);
}

static int index_of(const char *const *names, const char *name)
{
	int i = 0;
	while (names[i] && strcmp(names[i], name) != 0)
		i++;
	return i;
}

static void webrtc_close(struct qv_audiofilter *filter)
{
	if (!filter)
		return;
	engine_free(filter->engine);
	free(filter);
}

static struct qv_audiofilter *webrtc_open(const struct qv_host *host, const struct qv_options *values, int rate,
					  struct qv_error *err)
{
	size_t frames = 0;
	(void)host;
	if (webrtc_plan(values, rate, &frames, err) != 0)
		return NULL;
	struct engine_settings settings = {
		.rate = rate,
		.echo = qv_options_bool(values, "echo"),
		.long_echo = qv_options_bool(values, "long_echo"),
		.low_cut = qv_options_bool(values, "low_cut"),
		.suppression = index_of(suppressions, qv_options_string(values, "suppress")),
		.noise = index_of(noises, qv_options_string(values, "noise")),
		.gain_db = (int)qv_options_int(values, "gain"),
		.level_dbfs = -(int)qv_options_int(values, "level"),
	};
	struct qv_audiofilter *filter = calloc(1, sizeof *filter);
	if (filter)
		filter->engine = engine_new(&settings);
	if (!filter || !filter->engine) {
		webrtc_close(filter);
		qv_fail(err, QV_E_NOMEM, "no memory for an audio filter");
		return NULL;
	}
	filter->meter = meter_make(rate, frames);
	filter->frames = frames;
	filter->lag = library_lag(&settings);
	filter->cancels = settings.echo;
	filter->delay_ms = QV_AUDIOFILTER_AHEAD_MS + (int)qv_options_int(values, "delay");
	return filter;
}

static void to_float(const int16_t *in, float *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (float)in[i] / 32768;
}

static void from_float(const float *in, int16_t *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (int16_t)lrintf(fmaxf(-32768, fminf(32767, in[i] * 32768)));
}

static int webrtc_process(struct qv_audiofilter *filter, int16_t *captured, const int16_t *played, struct qv_error *err)
{
	float block[FRAMES_MAX] = { 0 };
	double before = meter_power(captured, filter->frames), heard = 0;
	int failed = 0;
	if (played && filter->cancels) {
		heard = meter_power(played, filter->frames);
		to_float(played, block, filter->frames);
	}
	/* Silence, too: without it the canceller would pass sound on, and with less lag. */
	if (filter->cancels)
		failed = engine_played(filter->engine, block);
	to_float(captured, block, filter->frames);
	if (failed == 0)
		failed = engine_captured(filter->engine, block, filter->delay_ms);
	if (failed != 0)
		return qv_fail(err, QV_E_INTERNAL, "the audio processing of WebRTC fails with its error %d", failed);
	from_float(block, captured, filter->frames);
	meter_note(&filter->meter, heard, before, meter_power(captured, filter->frames), engine_voice(filter->engine));
	return 0;
}

static size_t webrtc_lag(const struct qv_audiofilter *filter)
{
	return filter->lag;
}

static void webrtc_meters(const struct qv_audiofilter *filter, struct qv_audiofilter_meters *meters)
{
	meter_read(&filter->meter, meters);
}

static void webrtc_reset(struct qv_audiofilter *filter)
{
	engine_reset(filter->engine);
}

static const struct qv_audiofilter_class webrtc = {
	.head = { .kind = "audiofilter",
		  .name = "webrtc",
		  .summary =
			  "echo canceller, noise suppression and gain control of WebRTC (libwebrtc-audio-processing)",
		  .abi_major = QV_AUDIOFILTER_ABI_MAJOR,
		  .abi_minor = QV_AUDIOFILTER_ABI_MINOR,
		  .size = sizeof(struct qv_audiofilter_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.plan = webrtc_plan,
	.open = webrtc_open,
	.close = webrtc_close,
	.process = webrtc_process,
	.lag = webrtc_lag,
	.meters = webrtc_meters,
	.reset = webrtc_reset,
};

static const struct qv_class *const classes[] = { &webrtc.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND BSD-3-Clause",
	.classes = classes,
};
