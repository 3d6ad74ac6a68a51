/* SPDX-License-Identifier: Apache-2.0 */
#include "audio_sinks.h"

#include <stdlib.h>

#include "../audio/resampler.h"

struct entry {
	struct module_host host;
	const struct qv_audiosink_class *class;
	struct qv_audiosink *sink; /* NULL: not open, or given up */
	struct qv_audio_format format;
	struct resampler *resampler; /* NULL: the sink takes the sound as it is */
	int16_t *samples;            /* of the sink's format */
	size_t room;                 /* samples per channel in it */
	uint64_t position;
};

struct audio_sinks {
	const struct media *media;
	size_t count, working;
	struct entry entries[];
};

static void close_entry(struct entry *entry)
{
	if (entry->sink)
		entry->class->close(entry->sink);
	entry->sink = NULL;
	resampler_free(entry->resampler);
	entry->resampler = NULL;
	free(entry->samples);
	entry->samples = NULL;
	entry->room = 0;
}

/* Where the sink takes another format than the decoder gives. */
static int adapt(struct entry *entry, const struct qv_audio_format *format, struct qv_error *err)
{
	entry->format = *format;
	if (entry->class->format)
		entry->class->format(entry->sink, &entry->format);
	if (entry->format.rate == format->rate && entry->format.channels == format->channels)
		return 0;
	entry->resampler = resampler_new(format, &entry->format, err);
	return entry->resampler ? 0 : -1;
}

static int open_one(struct audio_sinks *sinks, const struct qv_role *role, const struct qv_audio_format *format,
		    struct qv_error *err)
{
	struct entry *entry = &sinks->entries[sinks->count++];
	module_host_init(&entry->host, sinks->media, "audio.sink");
	module_host_take(&entry->host, role);
	entry->class = qv_audiosink_class(role->class);
	entry->sink = entry->class->open(&entry->host.host, role->options, format, err);
	if (!entry->sink || adapt(entry, format, err) != 0)
		return qv_error_prefix(err, "audio sink \"%s\"", entry->class->head.name);
	sinks->working++;
	return 0;
}

struct audio_sinks *audio_sinks_open(const struct media *media, const struct qv_receive_plan *plan,
				     const struct qv_audio_format *format, struct qv_error *err)
{
	struct audio_sinks *sinks = calloc(1, sizeof *sinks + plan->audio_sink_count * sizeof sinks->entries[0]);
	if (!sinks) {
		qv_fail(err, QV_E_NOMEM, "no memory for audio sinks");
		return NULL;
	}
	sinks->media = media;
	for (size_t i = 0; i < plan->audio_sink_count; i++)
		if (open_one(sinks, &plan->audio_sinks[i], format, err) != 0) {
			audio_sinks_close(sinks);
			return NULL;
		}
	return sinks;
}

bool audio_sinks_paced(const struct qv_receive_plan *plan)
{
	for (size_t i = 0; i < plan->audio_sink_count; i++)
		if (qv_audiosink_class(plan->audio_sinks[i].class)->paced)
			return true;
	return false;
}

static int judge(struct audio_sinks *sinks, struct entry *entry, struct qv_error *err)
{
	if (err->code == QV_E_CANCELLED)
		return -1;
	qv_error_prefix(err, "audio sink \"%s\"", entry->class->head.name);
	close_entry(entry);
	if (--sinks->working == 0)
		return -1;
	qv_log_error(sinks->media->host->log, "%s; the other sinks go on", err->message);
	*err = (struct qv_error)QV_ERROR_INIT;
	return 0;
}

static int write_adapted(struct entry *entry, const struct qv_audio_block *block, struct qv_error *err)
{
	size_t room = resampler_room(entry->resampler, block->frames);
	if (room > entry->room) {
		size_t bytes = room * (size_t)entry->format.channels * sizeof entry->samples[0];
		int16_t *grown = realloc(entry->samples, bytes);
		if (!grown)
			return qv_fail(err, QV_E_NOMEM, "no memory for sound of another rate");
		entry->samples = grown;
		entry->room = room;
	}
	struct qv_audio_block adapted = { .format = entry->format,
					  .samples = entry->samples,
					  .capture_ns = block->capture_ns,
					  .position = entry->position };
	adapted.frames = resampler_run(entry->resampler, block->samples, block->frames, entry->samples);
	entry->position += adapted.frames;
	return adapted.frames > 0 ? entry->class->write(entry->sink, &adapted, err) : 0;
}

static int write_one(struct entry *entry, const struct qv_audio_block *block, struct qv_error *err)
{
	if (entry->resampler)
		return write_adapted(entry, block, err);
	return entry->class->write(entry->sink, block, err);
}

int audio_sinks_write(struct audio_sinks *sinks, const struct qv_audio_block *block, struct qv_error *err)
{
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		if (entry->sink && write_one(entry, block, err) != 0 && judge(sinks, entry, err) != 0)
			return -1;
	}
	return 0;
}

int64_t audio_sinks_delay(struct audio_sinks *sinks)
{
	int64_t longest = 0;
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		int64_t delay = entry->sink && entry->class->paced ? entry->class->delay(entry->sink) : 0;
		if (delay > longest)
			longest = delay;
	}
	return longest;
}

int64_t audio_sinks_least_delay(struct audio_sinks *sinks)
{
	int64_t longest = 0;
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		bool tells = entry->sink && entry->class->paced && entry->class->least_delay;
		int64_t least = tells ? entry->class->least_delay(entry->sink) : 0;
		if (least > longest)
			longest = least;
	}
	return longest;
}

void audio_sinks_close(struct audio_sinks *sinks)
{
	for (size_t i = 0; sinks && i < sinks->count; i++) {
		close_entry(&sinks->entries[i]);
		module_host_clear(&sinks->entries[i].host);
	}
	free(sinks);
}
