/* SPDX-License-Identifier: Apache-2.0 */
/* Audio source "alsa": a microphone through libasound. */
#include <qvisio/audiosource.h>

#include <stdlib.h>

#include "alsa_device.h"

/* Room for a program that is held up; it adds no delay, since what is there is read at once. */
#define BUFFER_SECONDS 1

struct qv_audiosource {
	struct alsa_device device;
	size_t block_frames;
	size_t filled; /* samples per channel of the next block that are here */
	uint64_t position;
	int64_t next_ns; /* when the sample at `position` was heard, as far as known */
	uint64_t lost;
	int16_t *samples;
};

static const struct qv_option options[] = {
	{ .name = "device",
	  .type = QV_OPTION_STRING,
	  .fallback = "default",
	  .help = "The ALSA device, as arecord -L lists it." },
	{ .name = "latency",
	  .type = QV_OPTION_INT,
	  .fallback = "10",
	  .min = 1,
	  .max = 1000,
	  .unit = "ms",
	  .help = "Sound that the device gathers before it hands it over; no more than a block." },
	{ .name = NULL },
};

static void source_close(struct qv_audiosource *source)
{
	if (!source)
		return;
	if (source->lost > 0)
		qv_log_warning(source->device.host.log, "%u overruns lost %.3f s of sound", source->device.xruns,
			       (double)source->lost / source->device.format.rate);
	alsa_device_close(&source->device);
	free(source->samples);
	free(source);
}

static int start(struct qv_audiosource *source, struct qv_error *err)
{
	if (alsa_device_start(&source->device, err) != 0)
		return -1;
	source->next_ns = qv_clock_now(source->device.host.clock);
	return 0;
}

/* A block lasts as long as one of what was asked for, and no shorter: then it makes one of these at once. */
static int make_block(struct qv_audiosource *source, const struct qv_audio_format *asked, size_t block_frames,
		      struct qv_error *err)
{
	const struct qv_audio_format *own = &source->device.format;
	uint64_t rate = (uint64_t)asked->rate;
	source->block_frames = (size_t)((block_frames * (uint64_t)own->rate + rate - 1) / rate);
	source->samples = calloc(source->block_frames * (size_t)own->channels, sizeof source->samples[0]);
	return source->samples ? 0 : qv_fail(err, QV_E_NOMEM, "no memory for an audio block");
}

static struct qv_audiosource *source_open(const struct qv_host *host, const struct qv_options *values,
					  const struct qv_audio_format *format, size_t block_frames,
					  struct qv_error *err)
{
	if (qv_audio_blocks_check(format, block_frames, err) != 0)
		return NULL;
	struct qv_audiosource *source = calloc(1, sizeof *source);
	if (!source) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio source");
		return NULL;
	}
	size_t period = (size_t)(qv_options_int(values, "latency") * format->rate / 1000);
	if (period > block_frames)
		period = block_frames;
	size_t buffer = (size_t)format->rate * BUFFER_SECONDS + 2 * block_frames;
	if (alsa_device_open(&source->device, host, qv_options_string(values, "device"), SND_PCM_STREAM_CAPTURE, format,
			     period, buffer, err) != 0 ||
	    make_block(source, format, block_frames, err) != 0 || start(source, err) != 0) {
		source_close(source);
		return NULL;
	}
	return source;
}

/* After an overrun: what was heard between the last block and now is lost, with what was gathered of the next one. */
static int restart(struct qv_audiosource *source, struct qv_error *err)
{
	int64_t before = source->next_ns;
	if (start(source, err) != 0)
		return -1;
	int64_t gap = source->next_ns - before;
	uint64_t lost = gap > 0 ? (uint64_t)((double)gap * source->device.format.rate / QV_NS_PER_SECOND) : 0;
	/* Something was lost, even if the clock does not tell. */
	if (lost < source->filled + 1)
		lost = source->filled + 1;
	source->filled = 0;
	source->position += lost;
	source->lost += lost;
	return 0;
}

/* When the first sample of a block was heard that has just been read whole. */
static int64_t time_of_block(struct qv_audiosource *source)
{
	long behind;
	int64_t at_ns;
	/* What is still in the device was heard after the block. */
	if (alsa_device_delay(&source->device, &behind, &at_ns) && behind >= 0)
		return at_ns - ((int64_t)behind + (int64_t)source->block_frames) * QV_NS_PER_SECOND /
				       source->device.format.rate;
	return source->next_ns;
}

static int deliver(struct qv_audiosource *source, struct qv_audio_block *block)
{
	int64_t time = time_of_block(source);
	*block = (struct qv_audio_block){ .format = source->device.format,
					  .samples = source->samples,
					  .frames = source->block_frames,
					  .capture_ns = time,
					  .position = source->position };
	source->position += source->block_frames;
	source->next_ns = time + (int64_t)source->block_frames * QV_NS_PER_SECOND / source->device.format.rate;
	source->filled = 0;
	return 1;
}

static int source_read(struct qv_audiosource *source, struct qv_audio_block *block, int timeout_ms,
		       struct qv_error *err)
{
	struct alsa_device *device = &source->device;
	/* Also a device that never lets it wait is to be cancelled. */
	if (qv_clock_sleep_until(0, device->host.cancel_fd, err) != 0)
		return -1;
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	for (;;) {
		bool restarted;
		long got = alsa_device_read(device, source->samples + source->filled * (size_t)device->format.channels,
					    source->block_frames - source->filled, &restarted, err);
		if (got < 0 || (restarted && restart(source, err) != 0))
			return -1;
		source->filled += (size_t)got;
		if (source->filled == source->block_frames)
			return deliver(source, block);
		if (got > 0 || restarted)
			continue;
		int64_t left = (deadline - qv_clock_now(&qv_clock_monotonic) + QV_NS_PER_MS - 1) / QV_NS_PER_MS;
		if (timeout_ms >= 0 && left <= 0)
			return 0;
		if (alsa_device_wait(device, timeout_ms < 0 ? -1 : (int)left, err) < 0)
			return -1;
	}
}

static void source_format(const struct qv_audiosource *source, struct qv_audio_format *format)
{
	*format = source->device.format;
}

static const struct qv_audiosource_class alsa = {
	.head = { .kind = "audiosource",
		  .name = "alsa",
		  .summary = "a microphone through ALSA",
		  .abi_major = QV_AUDIOSOURCE_ABI_MAJOR,
		  .abi_minor = QV_AUDIOSOURCE_ABI_MINOR,
		  .size = sizeof(struct qv_audiosource_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = source_open,
	.close = source_close,
	.read = source_read,
	.format = source_format,
};

static const struct qv_class *const classes[] = { &alsa.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "1.0",
	.license = "Apache-2.0 AND LGPL-2.1-or-later",
	.classes = classes,
};
