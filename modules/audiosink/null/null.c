/* SPDX-License-Identifier: Apache-2.0 */
/* Audio sink "null": counts what it is given and plays nothing. */
#include <qvisio/audiosink.h>

#include <stdlib.h>

struct qv_audiosink {
	struct qv_host host;
	struct qv_audio_format format;
	bool paced;
	int64_t latency_ns; /* of the buffer it pretends to have */
	int64_t empty_ns;   /* when what was written will have played out; 0: nothing written */
	uint64_t blocks, frames;
	uint64_t next;    /* position expected of the next block */
	uint64_t missing; /* samples per channel that positions jumped over */
	uint64_t underruns;
	int peak;
};

static const struct qv_option options[] = {
	{ .name = "paced",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Accept sound at the pace of the clock, as a device does." },
	{ .name = "latency",
	  .type = QV_OPTION_INT,
	  .fallback = "40",
	  .min = 1,
	  .max = 2000,
	  .unit = "ms",
	  .help = "Sound that a paced sink holds at most." },
	{ .name = NULL },
};

static struct qv_audiosink *null_open(const struct qv_host *host, const struct qv_options *values,
				      const struct qv_audio_format *format, struct qv_error *err)
{
	if (qv_audio_format_check(format, err) != 0)
		return NULL;
	struct qv_audiosink *sink = calloc(1, sizeof *sink);
	if (!sink) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio sink");
		return NULL;
	}
	sink->host = *host;
	sink->format = *format;
	sink->paced = qv_options_bool(values, "paced");
	sink->latency_ns = qv_options_int(values, "latency") * QV_NS_PER_MS;
	return sink;
}

static void null_close(struct qv_audiosink *sink)
{
	if (!sink)
		return;
	qv_log_info(sink->host.log,
		    "%llu samples (%.3f s) in %llu blocks of %d Hz, %d channels; %llu missing, %llu underruns, peak %d",
		    (unsigned long long)sink->frames, (double)sink->frames / sink->format.rate,
		    (unsigned long long)sink->blocks, sink->format.rate, sink->format.channels,
		    (unsigned long long)sink->missing, (unsigned long long)sink->underruns, sink->peak);
	free(sink);
}

static void count(struct qv_audiosink *sink, const struct qv_audio_block *block)
{
	if (sink->blocks > 0 && block->position > sink->next)
		sink->missing += block->position - sink->next;
	sink->next = block->position + block->frames;
	sink->blocks++;
	sink->frames += block->frames;
	for (size_t i = 0; i < block->frames * (size_t)sink->format.channels; i++)
		if (abs(block->samples[i]) > sink->peak)
			sink->peak = abs(block->samples[i]);
}

static int play(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	int64_t now = qv_clock_now(sink->host.clock);
	if (sink->empty_ns < now) {
		if (sink->empty_ns > 0)
			sink->underruns++;
		sink->empty_ns = now;
	}
	sink->empty_ns += (int64_t)block->frames * QV_NS_PER_SECOND / sink->format.rate;
	int64_t wait = sink->empty_ns - now - sink->latency_ns;
	if (wait < 0)
		wait = 0;
	return qv_clock_sleep_until(qv_clock_now(&qv_clock_monotonic) + wait, sink->host.cancel_fd, err);
}

static int null_write(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	if (qv_audio_block_check(block, &sink->format, err) != 0)
		return -1;
	count(sink, block);
	return sink->paced ? play(sink, block, err) : 0;
}

static int64_t null_delay(struct qv_audiosink *sink)
{
	int64_t left = sink->empty_ns - qv_clock_now(sink->host.clock);
	return sink->paced && left > 0 ? left : 0;
}

static const struct qv_audiosink_class null = {
	.head = { .kind = "audiosink",
		  .name = "null",
		  .summary = "counts sound and plays nothing",
		  .abi_major = QV_AUDIOSINK_ABI_MAJOR,
		  .abi_minor = QV_AUDIOSINK_ABI_MINOR,
		  .size = sizeof(struct qv_audiosink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = null_open,
	.close = null_close,
	.write = null_write,
	.delay = null_delay,
	.paced = false,
};

static const struct qv_class *const classes[] = { &null.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
