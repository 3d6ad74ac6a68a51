/* SPDX-License-Identifier: Apache-2.0 */
#include "tape_reel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What may wait for the disk. */
#define WAITING_MAX    ((size_t)64 * 1024 * 1024)
#define NAME_MAX_BYTES 80

/* A packet, or a track to be added. */
struct item {
	struct item *next;
	bool adds;
	size_t track;
	struct qv_packet packet;
	struct qv_recorder_track added;
	char codec[QV_SESSION_NAME_MAX + 1], name[NAME_MAX_BYTES];
	uint8_t data[];
};

struct tape_reel {
	struct tape_reel_owner owner;
	const struct qv_recorder_class *class;
	struct qv_recorder *recorder;
	struct qv_host host;
	struct qv_log *log;
	int64_t started_ns;
	bool refused[QV_RECORDER_TRACKS_MAX]; /* the thread's: what the recorder cannot hold */
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct item *first, **end;
	size_t waiting; /* bytes */
	size_t tracks;
	bool finishing, failed;
};

static struct item *next_item(struct tape_reel *reel)
{
	pthread_mutex_lock(&reel->lock);
	while (!reel->first && !reel->finishing)
		pthread_cond_wait(&reel->changed, &reel->lock);
	struct item *item = reel->first;
	if (item) {
		reel->first = item->next;
		if (!reel->first)
			reel->end = &reel->first;
	}
	pthread_mutex_unlock(&reel->lock);
	return item;
}

static void done(struct tape_reel *reel, const struct item *item, bool failed)
{
	pthread_mutex_lock(&reel->lock);
	reel->waiting -= sizeof *item + item->packet.size;
	reel->failed = reel->failed || failed;
	pthread_mutex_unlock(&reel->lock);
}

static void add(struct tape_reel *reel, const struct item *item)
{
	struct qv_error why = QV_ERROR_INIT;
	if (reel->class->add(reel->recorder, &item->added, &why) == 0)
		return;
	reel->refused[item->track] = true;
	qv_log_warning(reel->log, "a stream of %s is not recorded: %s", item->name, why.message);
}

static void *run(void *argument)
{
	struct tape_reel *reel = argument;
	struct qv_error err = QV_ERROR_INIT;
	struct item *item;
	while ((item = next_item(reel))) {
		bool failed = err.code != QV_OK;
		if (!failed && item->adds) {
			add(reel, item);
		} else if (!failed && !reel->refused[item->track] &&
			   reel->class->write(reel->recorder, item->track, &item->packet, &err) != 0) {
			failed = true;
			qv_log_error(reel->log, "the recording stops: %s", err.message);
			reel->owner.failed(reel->owner.object, err.message);
		}
		done(reel, item, failed);
		free(item);
	}
	return NULL;
}

static void reel_free(struct tape_reel *reel)
{
	qv_log_free(reel->log);
	pthread_cond_destroy(&reel->changed);
	pthread_mutex_destroy(&reel->lock);
	free(reel);
}

struct tape_reel *tape_reel_open(const struct qv_host *host, const struct qv_role *role, const char *path,
				 const struct qv_recorder_track *tracks, size_t count,
				 const struct tape_reel_owner *owner, struct qv_error *err)
{
	const struct qv_recorder_class *class = qv_recorder_class(role->class);
	struct tape_reel *reel = class ? calloc(1, sizeof *reel) : NULL;
	if (!reel) {
		qv_fail(err, class ? QV_E_NOMEM : QV_E_INVALID,
			class ? "no memory for a recording" : "the module to record with is not a recorder");
		return NULL;
	}
	reel->owner = *owner;
	reel->class = class;
	reel->end = &reel->first;
	reel->tracks = count;
	pthread_mutex_init(&reel->lock, NULL);
	pthread_cond_init(&reel->changed, NULL);
	reel->log = host->log ? qv_log_child(host->log, "recorder") : NULL;
	/* A call that is cancelled still finishes its file. */
	reel->host = (struct qv_host){ .size = sizeof reel->host,
				       .log = reel->log,
				       .clock = host->clock ? host->clock : &qv_clock_monotonic,
				       .cancel_fd = -1 };
	reel->started_ns = qv_clock_now(reel->host.clock);
	reel->recorder = class->open(&reel->host, role->options, path, tracks, count, reel->started_ns, err);
	if (!reel->recorder) {
		qv_error_prefix(err, "recorder \"%s\"", class->head.name);
		reel_free(reel);
		return NULL;
	}
	int failed = pthread_create(&reel->thread, NULL, run, reel);
	if (!failed)
		return reel;
	class->close(reel->recorder, NULL);
	qv_fail_errno(err, QV_E_IO, failed, "starting the recorder's thread");
	reel_free(reel);
	return NULL;
}

int64_t tape_reel_started_ns(const struct tape_reel *reel)
{
	return reel->started_ns;
}

/* With the lock held. */
static void append(struct tape_reel *reel, struct item *item)
{
	reel->waiting += sizeof *item + item->packet.size;
	*reel->end = item;
	reel->end = &item->next;
	pthread_cond_signal(&reel->changed);
}

int tape_reel_add(struct tape_reel *reel, const struct qv_recorder_track *track, struct qv_error *err)
{
	if (!reel->class->add)
		return qv_fail(err, QV_E_UNSUPPORTED, "recorder \"%s\" takes no more streams once it has begun",
			       reel->class->head.name);
	struct item *item = calloc(1, sizeof *item);
	if (!item)
		return qv_fail(err, QV_E_NOMEM, "no memory for a recording");
	item->adds = true;
	item->added = *track;
	snprintf(item->codec, sizeof item->codec, "%s", track->codec);
	snprintf(item->name, sizeof item->name, "%s", track->name);
	item->added.codec = item->codec;
	item->added.name = item->name;
	pthread_mutex_lock(&reel->lock);
	item->track = reel->tracks++;
	append(reel, item);
	pthread_mutex_unlock(&reel->lock);
	return 0;
}

int tape_reel_put(struct tape_reel *reel, size_t track, const struct qv_packet *packet)
{
	struct item *item = malloc(sizeof *item + packet->size);
	if (item) {
		item->next = NULL;
		item->adds = false;
		item->track = track;
		item->packet = *packet;
		item->packet.data = item->data;
		memcpy(item->data, packet->data, packet->size);
	}
	pthread_mutex_lock(&reel->lock);
	bool failed = reel->failed, room = item && !failed && reel->waiting + packet->size <= WAITING_MAX;
	if (room)
		append(reel, item);
	pthread_mutex_unlock(&reel->lock);
	if (!room)
		free(item);
	return room ? 1 : failed ? -1 : 0;
}

int tape_reel_close(struct tape_reel *reel, struct qv_error *err)
{
	if (!reel)
		return 0;
	pthread_mutex_lock(&reel->lock);
	reel->finishing = true;
	pthread_cond_signal(&reel->changed);
	pthread_mutex_unlock(&reel->lock);
	pthread_join(reel->thread, NULL);
	int status = reel->class->close(reel->recorder, err);
	if (status != 0)
		qv_error_prefix(err, "recorder \"%s\"", reel->class->head.name);
	reel_free(reel);
	return status;
}
