/* SPDX-License-Identifier: Apache-2.0 */
/* Audio sink "witness", for tests: a device that writes down what it played when; see recording.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/audiosink.h>

#include "recording.h"

struct qv_audiosink {
	struct qv_host host;
	struct recording recording;
	int64_t latency_ns;
	int64_t empty_ns; /* when what was written will have been played */
};

static const struct qv_option options[] = {
	{ .name = "path", .type = QV_OPTION_PATH, .required = true, .help = "The recording." },
	{ .name = "latency",
	  .type = QV_OPTION_INT,
	  .fallback = "40",
	  .min = 1,
	  .max = 2000,
	  .unit = "ms",
	  .help = "Sound that the device holds at most." },
	{ .name = NULL },
};

static void witness_close(struct qv_audiosink *sink)
{
	if (!sink)
		return;
	if (sink->recording.file)
		fclose(sink->recording.file);
	free(sink);
}

static struct qv_audiosink *witness_open(const struct qv_host *host, const struct qv_options *values,
					 const struct qv_audio_format *format, struct qv_error *err)
{
	if (qv_audio_format_check(format, err) != 0)
		return NULL;
	struct qv_audiosink *sink = calloc(1, sizeof *sink);
	if (!sink) {
		qv_fail(err, QV_E_NOMEM, "no memory for the audio sink witness");
		return NULL;
	}
	sink->host = *host;
	sink->recording = (struct recording){ .rate = format->rate, .channels = format->channels };
	sink->latency_ns = qv_options_int(values, "latency") * QV_NS_PER_MS;
	sink->recording.file = fopen(qv_options_string(values, "path"), "we");
	if (!sink->recording.file) {
		qv_options_fail(values, "path", err, "%s", strerror(errno));
		witness_close(sink);
		return NULL;
	}
	return sink;
}

static int witness_write(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	struct recording *recording = &sink->recording;
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	if (sink->empty_ns < now)
		sink->empty_ns = now;
	if (recording_put(recording, sink->empty_ns, block->samples, block->frames) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "the audio sink witness cannot write");
	sink->empty_ns += (int64_t)block->frames * QV_NS_PER_SECOND / recording->rate;
	return qv_clock_sleep_until(sink->empty_ns - sink->latency_ns, sink->host.cancel_fd, err);
}

static int64_t witness_delay(struct qv_audiosink *sink)
{
	int64_t left = sink->empty_ns - qv_clock_now(&qv_clock_monotonic);
	return left > 0 ? left : 0;
}

static const struct qv_audiosink_class witness = {
	.head = { .kind = "audiosink",
		  .name = "witness",
		  .summary = "writes down what was played when",
		  .abi_major = QV_AUDIOSINK_ABI_MAJOR,
		  .abi_minor = QV_AUDIOSINK_ABI_MINOR,
		  .size = sizeof(struct qv_audiosink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = witness_open,
	.close = witness_close,
	.write = witness_write,
	.delay = witness_delay,
	.paced = true,
};

static const struct qv_class *const classes[] = { &witness.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
