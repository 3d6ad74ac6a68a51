/* SPDX-License-Identifier: Apache-2.0 */
/* Audio source "tone": sound made by arithmetic, for tests, measurements and machines without a microphone. */
#include <qvisio/audiosource.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../pace.h"
#include "signal.h"

struct qv_audiosource {
	struct qv_host host;
	struct pace pace;
	struct tone_signal signal;
	struct qv_audio_format format;
	size_t block_frames;
	int64_t interval_ns; /* from chirp to chirp */
	uint64_t position;
	uint64_t end; /* samples per channel; UINT64_MAX: endless */
	int16_t samples[];
};

static const char *const signals[] = { "sine", "chirp", "silence", NULL };

static const char *const paces[] = { "clock", "none", NULL };

static const struct qv_option options[] = {
	{ .name = "signal",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "sine",
	  .choices = signals,
	  .help = "What is heard. A chirp starts whenever CLOCK_MONOTONIC is a multiple of the interval." },
	{ .name = "frequency",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "440.0",
	  .min = 1,
	  .max = 96000,
	  .unit = "Hz",
	  .help = "Of the sine, or where a chirp starts." },
	{ .name = "sweep",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "3400.0",
	  .min = 1,
	  .max = 96000,
	  .unit = "Hz",
	  .help = "Where a chirp ends." },
	{ .name = "chirp",
	  .type = QV_OPTION_INT,
	  .fallback = "50",
	  .min = 5,
	  .max = 10000,
	  .unit = "ms",
	  .help = "Length of a chirp." },
	{ .name = "interval",
	  .type = QV_OPTION_INT,
	  .fallback = "1000",
	  .min = 10,
	  .max = 60000,
	  .unit = "ms",
	  .help = "From the start of a chirp to the next." },
	{ .name = "level",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "-12.0",
	  .min = -90,
	  .max = 0,
	  .unit = "dBFS",
	  .help = "Peak level, where 0 is the largest sample." },
	{ .name = "seconds",
	  .type = QV_OPTION_FLOAT,
	  .min = 0.001,
	  .max = 1e9,
	  .unit = "s",
	  .help = "Ends the stream after this time; without it or frames it is endless." },
	{ .name = "frames",
	  .type = QV_OPTION_INT,
	  .min = 1,
	  .max = 1e15,
	  .help = "Ends the stream after this number of samples per channel." },
	{ .name = "pace",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "clock",
	  .choices = paces,
	  .help = "clock delivers sound as it would be heard, none as fast as it is read." },
	{ .name = NULL },
};

static int read_signal(struct qv_audiosource *source, const struct qv_options *values, struct qv_error *err)
{
	struct tone_signal *signal = &source->signal;
	const char *kind = qv_options_string(values, "signal");
	while (strcmp(signals[signal->kind], kind) != 0)
		signal->kind++;
	signal->rate = source->format.rate;
	signal->amplitude = 32767 * pow(10, qv_options_float(values, "level") / 20);
	signal->frequency = qv_options_float(values, "frequency");
	signal->sweep = qv_options_float(values, "sweep");
	int64_t chirp_ms = qv_options_int(values, "chirp"), interval_ms = qv_options_int(values, "interval");
	signal->length = (uint64_t)(chirp_ms * source->format.rate / 1000);
	source->interval_ns = interval_ms * QV_NS_PER_MS;
	if (signal->frequency > signal->rate / 2)
		return qv_options_fail(values, "frequency", err,
				       "%g Hz cannot be told in %d samples a second; at most %g", signal->frequency,
				       source->format.rate, signal->rate / 2);
	if (signal->kind != TONE_CHIRP)
		return 0;
	if (signal->sweep > signal->rate / 2)
		return qv_options_fail(values, "sweep", err, "%g Hz cannot be told in %d samples a second; at most %g",
				       signal->sweep, source->format.rate, signal->rate / 2);
	if (chirp_ms >= interval_ms)
		return qv_options_fail(values, "chirp", err, "a chirp of %d ms does not fit an interval of %d ms",
				       (int)chirp_ms, (int)interval_ms);
	return 0;
}

static int read_end(struct qv_audiosource *source, const struct qv_options *values, struct qv_error *err)
{
	bool seconds = qv_options_has(values, "seconds"), frames = qv_options_has(values, "frames");
	if (seconds && frames)
		return qv_options_fail(values, "frames", err, "excludes seconds: give one of them");
	source->end = UINT64_MAX;
	if (seconds)
		source->end = (uint64_t)llrint(qv_options_float(values, "seconds") * source->format.rate);
	if (frames)
		source->end = (uint64_t)qv_options_int(values, "frames");
	return 0;
}

static void tone_close(struct qv_audiosource *source)
{
	free(source);
}

static struct qv_audiosource *tone_open(const struct qv_host *host, const struct qv_options *values,
					const struct qv_audio_format *format, size_t block_frames, struct qv_error *err)
{
	if (qv_audio_blocks_check(format, block_frames, err) != 0)
		return NULL;
	struct qv_audiosource *source =
		calloc(1, sizeof *source + block_frames * (size_t)format->channels * sizeof source->samples[0]);
	if (!source) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio block");
		return NULL;
	}
	source->host = *host;
	source->format = *format;
	source->block_frames = block_frames;
	source->pace = pace_make(host, format->rate, strcmp(qv_options_string(values, "pace"), "none") == 0);
	if (read_signal(source, values, err) != 0 || read_end(source, values, err) != 0) {
		tone_close(source);
		return NULL;
	}
	return source;
}

/* Samples since the latest start of a chirp at or before `position`; UINT64_MAX before the first. */
static uint64_t since_chirp(const struct qv_audiosource *source, uint64_t position)
{
	int64_t time = pace_time(&source->pace, position);
	uint64_t start = pace_position(&source->pace, time - time % source->interval_ns);
	if (time - time % source->interval_ns < source->pace.start_ns)
		return UINT64_MAX;
	return position - start;
}

static void fill(struct qv_audiosource *source, size_t frames)
{
	size_t channels = (size_t)source->format.channels;
	for (size_t i = 0; i < frames; i++) {
		uint64_t at = source->position + i;
		int16_t value =
			tone_sample(&source->signal, source->signal.kind == TONE_CHIRP ? since_chirp(source, at) : at);
		for (size_t c = 0; c < channels; c++)
			source->samples[i * channels + c] = value;
	}
}

/* As a device whose buffer ran over: what was heard while nobody read is lost. */
static void skip_unread(struct qv_audiosource *source)
{
	if (pace_late(&source->pace, source->position + source->block_frames) <= PACE_LATE_MAX_NS)
		return;
	uint64_t now = pace_position(&source->pace, qv_clock_now(source->pace.clock));
	qv_log_warning(source->host.log, "nobody read for %llu ms: that much of the tone is skipped",
		       (unsigned long long)((now - source->position) * 1000 / (uint64_t)source->format.rate));
	source->position = now;
}

static int tone_read(struct qv_audiosource *source, struct qv_audio_block *block, int timeout_ms, struct qv_error *err)
{
	pace_start(&source->pace);
	skip_unread(source);
	if (source->position >= source->end)
		return qv_fail(err, QV_E_END, "the tone has ended after %llu samples", (unsigned long long)source->end);
	size_t frames = source->block_frames;
	if (frames > source->end - source->position)
		frames = (size_t)(source->end - source->position);
	int heard = pace_wait(&source->pace, source->position + frames, timeout_ms, err);
	if (heard <= 0)
		return heard;
	fill(source, frames);
	*block = (struct qv_audio_block){ .format = source->format,
					  .samples = source->samples,
					  .frames = frames,
					  .capture_ns = pace_time(&source->pace, source->position),
					  .position = source->position };
	source->position += frames;
	return 1;
}

static const struct qv_audiosource_class tone = {
	.head = { .kind = "audiosource",
		  .name = "tone",
		  .summary = "a sine or chirps, without a microphone",
		  .abi_major = QV_AUDIOSOURCE_ABI_MAJOR,
		  .abi_minor = QV_AUDIOSOURCE_ABI_MINOR,
		  .size = sizeof(struct qv_audiosource_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = tone_open,
	.close = tone_close,
	.read = tone_read,
};

static const struct qv_class *const classes[] = { &tone.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
