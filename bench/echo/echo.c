/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audio filters in a room with a loudspeaker that clips and two people who talk: by how much the echo is weaker, and
 * what a block of 10 ms costs against the library's calls alone. Times are of this thread's processor.
 */
#include "../bench.h"
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/loader.h>

#include "../../modules/audiofilter/webrtc/engine.h"
#include "../../tests/harness/echo_room.h"

#define BLOCKS     100 /* a round: a second */
#define ROUNDS     41
#define WEAKER_MIN 20.0
#define GOAL       1.1

struct bench_data {
	struct echo_room room;
	const struct qv_audiofilter_class *class;
	struct qv_audiofilter *filter;
	struct raw_speex *speex;
	struct engine *engine;
	size_t frames, ours_at, theirs_at;
};

static size_t next(const struct bench_data *data, size_t *at)
{
	size_t now = *at;
	*at = now + 2 * data->frames <= data->room.total ? now + data->frames : 0;
	return now;
}

static double ours(struct bench_data *data)
{
	int16_t block[480];
	double start = bench_cpu();
	for (int i = 0; i < BLOCKS; i++) {
		size_t at = next(data, &data->ours_at);
		memcpy(block, data->room.captured + at, data->frames * sizeof block[0]);
		if (data->class->process(data->filter, block, data->room.played + at, NULL) != 0)
			return -1;
	}
	return (bench_cpu() - start) * 1e6 / BLOCKS;
}

static double bare_speex(struct bench_data *data)
{
	double start = bench_cpu();
	for (int i = 0; i < BLOCKS; i++) {
		size_t at = next(data, &data->theirs_at);
		raw_speex_block(data->speex, data->room.captured + at, data->room.played + at);
	}
	return (bench_cpu() - start) * 1e6 / BLOCKS;
}

#ifdef HAVE_WEBRTC
static double bare_webrtc(struct bench_data *data)
{
	double spent = 0;
	float captured[480], played[480];
	for (int i = 0; i < BLOCKS; i++) {
		size_t at = next(data, &data->theirs_at);
		for (size_t k = 0; k < data->frames; k++) {
			captured[k] = (float)data->room.captured[at + k] / 32768;
			played[k] = (float)data->room.played[at + k] / 32768;
		}
		double start = bench_cpu();
		if (engine_played(data->engine, played) != 0 ||
		    engine_captured(data->engine, captured, QV_AUDIOFILTER_AHEAD_MS) != 0)
			return -1;
		spent += bench_cpu() - start;
	}
	return spent * 1e6 / BLOCKS;
}
#endif

static struct qv_audiofilter *open_filter(struct bench_data *data)
{
	static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };
	static const char *const none[] = { NULL };
	const struct qv_class *head = &data->class->head;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = qv_options_from_strings(none, head->options, head->option_size, "bench", &err);
	struct qv_audiofilter *filter = NULL;
	if (options && data->class->plan(options, data->room.rate, &data->frames, &err) == 0)
		filter = data->class->open(&host, options, data->room.rate, &err);
	qv_options_free(options);
	if (!filter) {
		fprintf(stderr, "echo: %s\n", err.message);
		exit(1);
	}
	return filter;
}

static void show_echo(struct bench_data *data)
{
	struct qv_audiofilter *filter = open_filter(data);
	if (!echo_room_run(&data->room, data->class, filter, data->frames, NULL))
		exit(1);
	struct echo_result result = echo_room_judge(&data->room, data->class->lag(filter));
	bool met =
		result.before_talk >= WEAKER_MIN && result.double_talk >= WEAKER_MIN && result.after_talk >= WEAKER_MIN;
	printf("%s, %d Hz: echo weaker by %.1f dB, %.1f with both speaking, %.1f after that, goal %.0f %s; the other "
	       "voice: correlation %.2f, %+.1f dB\n",
	       data->class->head.name, data->room.rate, result.before_talk, result.double_talk, result.after_talk,
	       WEAKER_MIN, met ? "met" : "MISSED", result.voice_fit, result.voice_change);
	data->class->close(filter);
}

static void measure(struct qv_loader *loader, const char *name, int rate, double (*theirs)(struct bench_data *data))
{
	struct bench_data data = { 0 };
	char what[64];
	data.class = qv_audiofilter_class(qv_loader_get(loader, "audiofilter", name, NULL));
	if (!data.class || !echo_room_make(&data.room, rate, 1)) {
		fprintf(stderr, "echo: audiofilter/%s is not there\n", name);
		exit(1);
	}
	show_echo(&data);
	data.filter = open_filter(&data);
	if (strcmp(name, "speexdsp") == 0)
		data.speex = raw_speex_new(rate);
#ifdef HAVE_WEBRTC
	struct engine_settings settings = {
		.rate = rate,
		.echo = true,
		.long_echo = true,
		.low_cut = true,
		.suppression = 0,
		.noise = 2,
		.gain_db = 9,
		.level_dbfs = 6,
	};
	data.engine = engine_new(&settings);
#endif
	snprintf(what, sizeof what, "%s, %d Hz: a block", name, rate);
	bench_run(&(struct bench_pair){ what, "us", "library", ours, theirs, &data, ROUNDS, GOAL });
	if (data.speex)
		raw_speex_free(data.speex);
#ifdef HAVE_WEBRTC
	engine_free(data.engine);
#endif
	data.class->close(data.filter);
	echo_room_clear(&data.room);
}

int main(void)
{
	struct qv_loader *loader = qv_loader_new(NULL, NULL, NULL);
	if (!loader)
		return 1;
	bench_header();
	static const int rates[] = { 8000, 16000, 48000 };
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		measure(loader, "speexdsp", rates[i], bare_speex);
#ifdef HAVE_WEBRTC
		measure(loader, "webrtc", rates[i], bare_webrtc);
#endif
	}
	qv_loader_free(loader);
	return 0;
}
