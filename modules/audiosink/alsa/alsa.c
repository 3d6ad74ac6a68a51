/* SPDX-License-Identifier: Apache-2.0 */
/* Audio sink "alsa": a loudspeaker through libasound. */
#include <qvisio/audiosink.h>

#include <stdlib.h>

#include "../../audiosource/alsa/alsa_device.h"

/* A device that takes nothing for this long does not play any more. */
#define STUCK_MS 5000

#define PERIODS 4

struct qv_audiosink {
	struct alsa_device device;
	size_t waiting; /* samples per channel written since the stream was last prepared, until it runs */
};

static const struct qv_option options[] = {
	{ .name = "device",
	  .type = QV_OPTION_STRING,
	  .fallback = "default",
	  .help = "The ALSA device, as aplay -L lists it." },
	{ .name = "latency",
	  .type = QV_OPTION_INT,
	  .fallback = "40",
	  .min = 2,
	  .max = 2000,
	  .unit = "ms",
	  .help = "Sound that the device holds: more endures longer hold-ups, less plays sooner." },
	{ .name = NULL },
};

/* Lets the device play what it holds, which takes no longer than it holds. */
static void play_out(struct qv_audiosink *sink)
{
	struct alsa_device *device = &sink->device;
	if (sink->waiting > 0 && alsa_device_start(device, NULL) != 0)
		return;
	int64_t now = qv_clock_now(&qv_clock_monotonic), at_ns;
	int64_t limit = now + (int64_t)device->buffer * QV_NS_PER_SECOND / device->format.rate + 500 * QV_NS_PER_MS;
	long left;
	while (alsa_device_running(device) && alsa_device_delay(device, &left, &at_ns) && left > 0 && now < limit) {
		int64_t until = now + (int64_t)left * QV_NS_PER_SECOND / device->format.rate;
		if (qv_clock_sleep_until(until < limit ? until : limit, device->host.cancel_fd, NULL) != 0)
			break;
		now = qv_clock_now(&qv_clock_monotonic);
	}
}

static void sink_close(struct qv_audiosink *sink)
{
	if (!sink)
		return;
	if (sink->device.pcm)
		play_out(sink);
	if (sink->device.xruns > 0)
		qv_log_info(sink->device.host.log, "%u underruns", sink->device.xruns);
	alsa_device_close(&sink->device);
	free(sink);
}

static struct qv_audiosink *sink_open(const struct qv_host *host, const struct qv_options *values,
				      const struct qv_audio_format *format, struct qv_error *err)
{
	if (qv_audio_format_check(format, err) != 0)
		return NULL;
	struct qv_audiosink *sink = calloc(1, sizeof *sink);
	if (!sink) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio sink");
		return NULL;
	}
	size_t buffer = (size_t)(qv_options_int(values, "latency") * format->rate / 1000);
	if (alsa_device_open(&sink->device, host, qv_options_string(values, "device"), SND_PCM_STREAM_PLAYBACK, format,
			     buffer / PERIODS, buffer, err) != 0) {
		sink_close(sink);
		return NULL;
	}
	return sink;
}

static int sink_write(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	struct alsa_device *device = &sink->device;
	if (qv_audio_block_check(block, &device->format, err) != 0)
		return -1;
	/* Also a device that never lets it wait is to be cancelled. */
	if (qv_clock_sleep_until(0, device->host.cancel_fd, err) != 0)
		return -1;
	for (size_t done = 0; done < block->frames;) {
		bool restarted;
		long put = alsa_device_write(device, block->samples + done * (size_t)device->format.channels,
					     block->frames - done, &restarted, err);
		if (put < 0)
			return -1;
		done += (size_t)put;
		sink->waiting = restarted ? 0 : sink->waiting + (size_t)put;
		if (alsa_device_running(device))
			sink->waiting = 0;
		if (put > 0 || restarted)
			continue;
		int ready = alsa_device_wait(device, STUCK_MS, err);
		if (ready < 0)
			return -1;
		if (ready == 0)
			return qv_fail(err, QV_E_IO, "ALSA device \"%s\" has taken no sound for %d s", device->name,
				       STUCK_MS / 1000);
	}
	return 0;
}

static int64_t sink_delay(struct qv_audiosink *sink)
{
	long frames;
	int64_t at_ns;
	if (!alsa_device_running(&sink->device))
		return (int64_t)sink->waiting * QV_NS_PER_SECOND / sink->device.format.rate;
	if (!alsa_device_delay(&sink->device, &frames, &at_ns) || frames < 0)
		return 0;
	int64_t left = (int64_t)frames * QV_NS_PER_SECOND / sink->device.format.rate -
		       (qv_clock_now(&qv_clock_monotonic) - at_ns);
	return left > 0 ? left : 0;
}

/* The device tells how far it is from one period to the next. */
static int64_t sink_least_delay(struct qv_audiosink *sink)
{
	return (int64_t)sink->device.period * QV_NS_PER_SECOND / sink->device.format.rate;
}

static void sink_format(const struct qv_audiosink *sink, struct qv_audio_format *format)
{
	*format = sink->device.format;
}

static const struct qv_audiosink_class alsa = {
	.head = { .kind = "audiosink",
		  .name = "alsa",
		  .summary = "a loudspeaker through ALSA",
		  .abi_major = QV_AUDIOSINK_ABI_MAJOR,
		  .abi_minor = QV_AUDIOSINK_ABI_MINOR,
		  .size = sizeof(struct qv_audiosink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = sink_open,
	.close = sink_close,
	.write = sink_write,
	.delay = sink_delay,
	.paced = true,
	.format = sink_format,
	.least_delay = sink_least_delay,
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
