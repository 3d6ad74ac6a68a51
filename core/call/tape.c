/* SPDX-License-Identifier: Apache-2.0 */
#include "tape.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* What may wait for the disk. */
#define WAITING_MAX ((size_t)64 * 1024 * 1024)
/* A capture time further from the packet's arrival is not believed. */
#define PAST_MAX_NS   (10 * QV_NS_PER_SECOND)
#define FUTURE_MAX_NS (1 * QV_NS_PER_SECOND)
/* Sound follows its count of samples until it is that far from its capture times. */
#define UNEVEN_MAX_NS (40 * QV_NS_PER_MS)
/* Until a key picture that does not come is asked for again. */
#define KEY_RETRY_NS (1 * QV_NS_PER_SECOND)

struct item {
	struct item *next;
	size_t track;
	struct qv_packet packet;
	uint8_t data[];
};

/* One stream on its way into the file. */
struct slot {
	int track; /* -1: not in this call */
	bool video;
	bool wants_key;
	int64_t asked_ns;
	int64_t last_ns; /* nothing goes back before it */
	int rate;        /* sound */
	bool anchored;   /* sample `position` was captured at `anchor_ns` */
	int64_t anchor_ns;
	uint64_t position;
};

struct tape {
	struct tape_call *call;
	const struct qv_recorder_class *class;
	struct qv_recorder *recorder;
	struct qv_host host;
	struct qv_log *log;
	struct slot slots[TAPE_SLOTS];
	int64_t started_ns;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct item *first, **end;
	size_t waiting; /* bytes */
	bool finishing, failed, warned;
};

static struct item *next_item(struct tape *tape)
{
	pthread_mutex_lock(&tape->lock);
	while (!tape->first && !tape->finishing)
		pthread_cond_wait(&tape->changed, &tape->lock);
	struct item *item = tape->first;
	if (item) {
		tape->first = item->next;
		if (!tape->first)
			tape->end = &tape->first;
	}
	pthread_mutex_unlock(&tape->lock);
	return item;
}

static void written(struct tape *tape, const struct item *item, bool failed)
{
	pthread_mutex_lock(&tape->lock);
	tape->waiting -= sizeof *item + item->packet.size;
	tape->failed = tape->failed || failed;
	pthread_mutex_unlock(&tape->lock);
}

static void *run(void *argument)
{
	struct tape *tape = argument;
	struct qv_error err = QV_ERROR_INIT;
	struct item *item;
	while ((item = next_item(tape))) {
		bool failed = err.code != QV_OK;
		if (!failed && tape->class->write(tape->recorder, item->track, &item->packet, &err) != 0) {
			failed = true;
			qv_log_error(tape->log, "the recording stops: %s", err.message);
			tape->call->failed(tape->call, err.message);
		}
		written(tape, item, failed);
		free(item);
	}
	return NULL;
}

static size_t collect_tracks(struct tape *tape, struct qv_recorder_track *tracks)
{
	size_t count = 0;
	for (int i = 0; i < TAPE_SLOTS; i++) {
		const struct qv_stream_offer *offer = tape->call->offer[i];
		struct slot *slot = &tape->slots[i];
		*slot = (struct slot){ .track = offer ? (int)count : -1 };
		if (!offer)
			continue;
		slot->video = slot->wants_key = offer->kind == QV_STREAM_VIDEO;
		slot->rate = offer->audio.rate;
		tracks[count++] = (struct qv_recorder_track){
			.kind = offer->kind,
			.codec = offer->codec,
			.video = offer->video,
			.audio = offer->audio,
			.name = i == TAPE_SENT_VIDEO || i == TAPE_SENT_AUDIO ? "sent" : "received",
		};
	}
	return count;
}

static int open_recorder(struct tape *tape, const struct qv_role *role, const char *path, struct qv_error *err)
{
	struct qv_recorder_track tracks[TAPE_SLOTS];
	const struct qv_host *host = tape->call->host;
	size_t count = collect_tracks(tape, tracks);
	tape->log = host->log ? qv_log_child(host->log, "recorder") : NULL;
	/* A call that is cancelled still finishes its file. */
	tape->host = (struct qv_host){ .size = sizeof tape->host,
				       .log = tape->log,
				       .clock = host->clock ? host->clock : &qv_clock_monotonic,
				       .cancel_fd = -1 };
	tape->started_ns = qv_clock_now(tape->host.clock);
	tape->recorder = tape->class->open(&tape->host, role->options, path, tracks, count, tape->started_ns, err);
	return tape->recorder ? 0 : qv_error_prefix(err, "recorder \"%s\"", tape->class->head.name);
}

static void tape_free(struct tape *tape)
{
	qv_log_free(tape->log);
	pthread_cond_destroy(&tape->changed);
	pthread_mutex_destroy(&tape->lock);
	free(tape);
}

struct tape *tape_start(struct tape_call *call, const struct qv_role *role, const char *path, struct qv_error *err)
{
	struct tape *tape = calloc(1, sizeof *tape);
	if (!tape) {
		qv_fail(err, QV_E_NOMEM, "no memory for a recording");
		return NULL;
	}
	tape->call = call;
	tape->class = qv_recorder_class(role->class);
	tape->end = &tape->first;
	pthread_mutex_init(&tape->lock, NULL);
	pthread_cond_init(&tape->changed, NULL);
	if (!tape->class)
		qv_fail(err, QV_E_INVALID, "the module to record with is not a recorder");
	else if (open_recorder(tape, role, path, err) == 0) {
		int failed = pthread_create(&tape->thread, NULL, run, tape);
		if (!failed)
			return tape;
		tape->class->close(tape->recorder, NULL);
		qv_fail_errno(err, QV_E_IO, failed, "starting the recorder's thread");
	}
	tape_free(tape);
	return NULL;
}

static int64_t believable(int64_t capture_ns, int64_t now)
{
	return capture_ns < now - PAST_MAX_NS || capture_ns > now + FUTURE_MAX_NS ? now : capture_ns;
}

static int64_t even(struct slot *slot, int64_t capture_ns, uint64_t position)
{
	uint64_t passed = position - slot->position, rate = (uint64_t)slot->rate;
	if (slot->anchored && passed < rate * 3600) {
		int64_t by_count = slot->anchor_ns + (int64_t)(passed * (uint64_t)QV_NS_PER_SECOND / rate);
		if (llabs(by_count - capture_ns) <= UNEVEN_MAX_NS)
			return by_count;
	}
	slot->anchored = true;
	slot->anchor_ns = capture_ns;
	slot->position = position;
	return capture_ns;
}

static int64_t place(struct slot *slot, int64_t capture_ns, uint64_t position, int64_t now)
{
	int64_t placed = believable(capture_ns, now);
	if (!slot->video)
		placed = even(slot, placed, position);
	if (placed > slot->last_ns)
		slot->last_ns = placed;
	return slot->last_ns;
}

static bool awaits_key(struct tape *tape, enum tape_slot index, const struct qv_packet *packet, int64_t now)
{
	struct slot *slot = &tape->slots[index];
	if (!slot->wants_key || packet->key) {
		slot->wants_key = false;
		return false;
	}
	if (slot->asked_ns == 0 || now > slot->asked_ns + KEY_RETRY_NS) {
		slot->asked_ns = now;
		tape->call->want_key(tape->call, index);
	}
	return true;
}

/* With the lock held. */
static void append(struct tape *tape, struct slot *slot, struct item *item)
{
	tape->waiting += sizeof *item + item->packet.size;
	item->track = (size_t)slot->track;
	*tape->end = item;
	tape->end = &item->next;
	pthread_cond_signal(&tape->changed);
}

void tape_put(struct tape *tape, enum tape_slot index, const struct qv_packet *packet, uint64_t position)
{
	struct slot *slot = &tape->slots[index];
	int64_t now = qv_clock_now(tape->host.clock);
	if (slot->track < 0 || packet->size > QV_PACKET_MAX)
		return;
	int64_t capture_ns = place(slot, packet->capture_ns, position, now);
	if (capture_ns < tape->started_ns || (slot->video && awaits_key(tape, index, packet, now)))
		return;
	struct item *item = malloc(sizeof *item + packet->size);
	if (item) {
		item->next = NULL;
		item->packet = *packet;
		item->packet.data = item->data;
		item->packet.capture_ns = capture_ns;
		memcpy(item->data, packet->data, packet->size);
	}
	pthread_mutex_lock(&tape->lock);
	bool room = item && !tape->failed && tape->waiting + packet->size <= WAITING_MAX, warn = !room && !tape->warned;
	if (room)
		append(tape, slot, item);
	tape->warned = tape->warned || !room;
	warn = warn && !tape->failed;
	pthread_mutex_unlock(&tape->lock);
	if (room)
		return;
	free(item);
	slot->wants_key = slot->video;
	if (warn)
		qv_log_warning(tape->log, "the disk is too slow for the recording, which now has gaps");
}

int tape_finish(struct tape *tape, struct qv_error *err)
{
	if (!tape)
		return 0;
	pthread_mutex_lock(&tape->lock);
	tape->finishing = true;
	pthread_cond_signal(&tape->changed);
	pthread_mutex_unlock(&tape->lock);
	pthread_join(tape->thread, NULL);
	int status = tape->class->close(tape->recorder, err);
	if (status != 0)
		qv_error_prefix(err, "recorder \"%s\"", tape->class->head.name);
	tape_free(tape);
	return status;
}
