/* SPDX-License-Identifier: Apache-2.0 */
#include "audio_sinks.h"

#include <stdlib.h>

struct entry {
	struct module_host host;
	const struct qv_audiosink_class *class;
	struct qv_audiosink *sink; /* NULL: not open, or given up */
};

struct audio_sinks {
	const struct media *media;
	size_t count, working;
	struct entry entries[];
};

static int open_one(struct audio_sinks *sinks, const struct qv_role *role, const struct qv_audio_format *format,
		    struct qv_error *err)
{
	struct entry *entry = &sinks->entries[sinks->count++];
	module_host_init(&entry->host, sinks->media, "audio.sink");
	module_host_take(&entry->host, role);
	entry->class = qv_audiosink_class(role->class);
	entry->sink = entry->class->open(&entry->host.host, role->options, format, err);
	if (!entry->sink)
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
	entry->class->close(entry->sink);
	entry->sink = NULL;
	if (--sinks->working == 0)
		return -1;
	qv_log_error(sinks->media->host->log, "%s; the other sinks go on", err->message);
	*err = (struct qv_error)QV_ERROR_INIT;
	return 0;
}

int audio_sinks_write(struct audio_sinks *sinks, const struct qv_audio_block *block, struct qv_error *err)
{
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		if (entry->sink && entry->class->write(entry->sink, block, err) != 0 && judge(sinks, entry, err) != 0)
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

void audio_sinks_close(struct audio_sinks *sinks)
{
	for (size_t i = 0; sinks && i < sinks->count; i++) {
		if (sinks->entries[i].sink)
			sinks->entries[i].class->close(sinks->entries[i].sink);
		module_host_clear(&sinks->entries[i].host);
	}
	free(sinks);
}
