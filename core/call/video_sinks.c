/* SPDX-License-Identifier: Apache-2.0 */
#include "video_sinks.h"

#include <stdlib.h>

struct entry {
	struct module_host host;
	const struct qv_videosink_class *class;
	struct qv_videosink *sink; /* NULL: not open, or given up */
};

struct video_sinks {
	const struct media *media;
	size_t count, working;
	struct entry entries[];
};

static int open_entry(struct video_sinks *sinks, struct entry *entry, const struct qv_role *role,
		      const struct qv_receive_plan *plan, struct qv_error *err)
{
	module_host_take(&entry->host, role);
	entry->class = qv_videosink_class(role->class);
	entry->sink = entry->class->open(&entry->host.host, role->options, plan->title ? plan->title : "Qvisio", err);
	if (!entry->sink)
		return qv_error_prefix(err, "video sink \"%s\"", entry->class->head.name);
	sinks->working++;
	if (!entry->class->status || !plan->secured_text)
		return 0;
	return entry->class->status(entry->sink, plan->secured, plan->secured_text, err);
}

static int open_one(struct video_sinks *sinks, const struct qv_role *role, const struct qv_receive_plan *plan,
		    struct qv_error *err)
{
	struct entry *entry = &sinks->entries[sinks->count++];
	module_host_init(&entry->host, sinks->media, "video.sink");
	return open_entry(sinks, entry, role, plan, err);
}

int video_sinks_replace(struct video_sinks *sinks, const struct qv_role *role, const struct qv_receive_plan *plan,
			struct qv_error *err)
{
	struct entry *place = NULL;
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		if (!entry->sink || !entry->class->poll)
			continue;
		entry->class->close(entry->sink);
		entry->sink = NULL;
		sinks->working--;
		place = place ? place : entry;
	}
	return place ? open_entry(sinks, place, role, plan, err) : 0;
}

struct video_sinks *video_sinks_open(const struct media *media, const struct qv_receive_plan *plan,
				     struct qv_error *err)
{
	struct video_sinks *sinks = calloc(1, sizeof *sinks + plan->video_sink_count * sizeof sinks->entries[0]);
	if (!sinks) {
		qv_fail(err, QV_E_NOMEM, "no memory for video sinks");
		return NULL;
	}
	sinks->media = media;
	for (size_t i = 0; i < plan->video_sink_count; i++)
		if (open_one(sinks, &plan->video_sinks[i], plan, err) != 0) {
			video_sinks_close(sinks);
			return NULL;
		}
	return sinks;
}

/* What a failure of one sink means for all: a closed window ends the call, anything else only that sink. */
static int judge(struct video_sinks *sinks, struct entry *entry, struct qv_error *err)
{
	if (err->code == QV_E_END || err->code == QV_E_CANCELLED)
		return -1;
	qv_error_prefix(err, "video sink \"%s\"", entry->class->head.name);
	entry->class->close(entry->sink);
	entry->sink = NULL;
	if (--sinks->working == 0)
		return -1;
	qv_log_error(sinks->media->host->log, "%s; the other sinks go on", err->message);
	*err = (struct qv_error)QV_ERROR_INIT;
	return 0;
}

int video_sinks_show(struct video_sinks *sinks, const struct qv_frame *frame, struct qv_error *err)
{
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		if (entry->sink && entry->class->show(entry->sink, frame, err) != 0 && judge(sinks, entry, err) != 0)
			return -1;
	}
	return 0;
}

int video_sinks_poll(struct video_sinks *sinks, struct qv_error *err)
{
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		if (entry->sink && entry->class->poll && entry->class->poll(entry->sink, err) != 0 &&
		    judge(sinks, entry, err) != 0)
			return -1;
	}
	return 0;
}

void video_sinks_status(struct video_sinks *sinks, enum qv_secured secured, const char *text)
{
	struct qv_error why = QV_ERROR_INIT;
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		if (entry->sink && entry->class->status && entry->class->status(entry->sink, secured, text, &why) != 0)
			qv_log_error(sinks->media->host->log, "the security state cannot be shown: %s", why.message);
	}
}

static void complain(const struct video_sinks *sinks, const char *what, const struct qv_error *why)
{
	qv_log_warning(sinks->media->host->log, "%s: %s", what, why->message);
}

void video_sinks_overlay(struct video_sinks *sinks, enum qv_overlay overlay, const char *text)
{
	struct qv_error why = QV_ERROR_INIT;
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		if (entry->sink && entry->class->overlay &&
		    entry->class->overlay(entry->sink, overlay, text, &why) != 0)
			complain(sinks, "a text cannot be shown over the picture", &why);
	}
}

void video_sinks_self_view(struct video_sinks *sinks, const struct qv_frame *frame)
{
	struct qv_error why = QV_ERROR_INIT;
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		if (entry->sink && entry->class->self_view && entry->class->self_view(entry->sink, frame, &why) != 0)
			complain(sinks, "our own picture cannot be shown", &why);
	}
}

void video_sinks_fullscreen(struct video_sinks *sinks, bool on)
{
	struct qv_error why = QV_ERROR_INIT;
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		if (entry->sink && entry->class->fullscreen && entry->class->fullscreen(entry->sink, on, &why) != 0)
			complain(sinks, "full screen", &why);
	}
}

void video_sinks_levels(struct video_sinks *sinks, double sent, double received)
{
	for (size_t i = 0; i < sinks->count; i++)
		if (sinks->entries[i].sink && sinks->entries[i].class->levels)
			sinks->entries[i].class->levels(sinks->entries[i].sink, sent, received);
}

int video_sinks_key(struct video_sinks *sinks)
{
	for (size_t i = 0; i < sinks->count; i++) {
		struct entry *entry = &sinks->entries[i];
		int key = entry->sink && entry->class->key ? entry->class->key(entry->sink) : 0;
		if (key > 0)
			return key;
	}
	return 0;
}

void video_sinks_close(struct video_sinks *sinks)
{
	for (size_t i = 0; sinks && i < sinks->count; i++) {
		if (sinks->entries[i].sink)
			sinks->entries[i].class->close(sinks->entries[i].sink);
		module_host_clear(&sinks->entries[i].host);
	}
	free(sinks);
}
