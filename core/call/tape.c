/* SPDX-License-Identifier: Apache-2.0 */
#include "tape.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tape_reel.h"

/* A capture time further from the packet's arrival is not believed. */
#define PAST_MAX_NS   (10 * QV_NS_PER_SECOND)
#define FUTURE_MAX_NS (1 * QV_NS_PER_SECOND)
/* Sound follows its count of samples until it is that far from its capture times. */
#define UNEVEN_MAX_NS (40 * QV_NS_PER_MS)
/* Until a key picture that does not come is asked for again. */
#define KEY_RETRY_NS (1 * QV_NS_PER_SECOND)

/* One stream on its way into the file. */
struct slot {
	int track; /* -1: not in the file */
	bool video;
	bool wants_key;
	int64_t asked_ns;
	int64_t last_ns; /* nothing goes back before it */
	int rate;        /* sound */
	bool anchored;   /* sample `position` was captured at `anchor_ns` */
	int64_t anchor_ns;
	uint64_t position;
};

/* What we send: the slots TAPE_SENT_VIDEO and TAPE_SENT_AUDIO of one call. */
struct own {
	struct tape_part *from; /* NULL: of none now */
	struct slot slot;
};

/* A track of the file. Who comes back goes on with it. */
struct track {
	bool used;
	struct qv_stream_offer offer;
	char name[80];
	int64_t last_ns;
};

struct tape_part {
	struct qv_tape *tape;
	struct tape_part *next;
	struct tape_call *call;
	struct slot slots[TAPE_SLOTS]; /* of these TAPE_VIDEO and TAPE_AUDIO */
};

struct qv_tape {
	const struct qv_host *host;
	const struct qv_role *role;
	char *path;
	pthread_mutex_t lock;   /* of what follows */
	struct tape_reel *reel; /* NULL: there is no file yet */
	struct tape_part *parts;
	struct own own[2];
	struct track track[QV_RECORDER_TRACKS_MAX];
	size_t tracks;
	bool warned;
};

struct qv_tape *qv_tape_new(const struct qv_role *role, const char *path, const struct qv_host *host,
			    struct qv_error *err)
{
	struct qv_tape *tape = calloc(1, sizeof *tape);
	if (!tape || !(tape->path = strdup(path))) {
		free(tape);
		qv_fail(err, QV_E_NOMEM, "no memory for a recording");
		return NULL;
	}
	tape->host = host;
	tape->role = role;
	tape->own[0].slot.track = tape->own[1].slot.track = -1;
	pthread_mutex_init(&tape->lock, NULL);
	return tape;
}

static void tell_failed(void *object, const char *why)
{
	struct qv_tape *tape = object;
	pthread_mutex_lock(&tape->lock);
	for (const struct tape_part *part = tape->parts; part; part = part->next)
		part->call->failed(part->call, why);
	pthread_mutex_unlock(&tape->lock);
}

static bool same_stream(const struct qv_stream_offer *a, const struct qv_stream_offer *b)
{
	return strcmp(a->codec, b->codec) == 0 && a->video.width == b->video.width &&
	       a->video.height == b->video.height && a->audio.rate == b->audio.rate &&
	       a->audio.channels == b->audio.channels;
}

/* Tracks that are new, on their way into the file. */
struct wanted {
	size_t count;
	struct qv_recorder_track track[2 * TAPE_SLOTS];
};

static int find_track(const struct qv_tape *tape, const struct qv_stream_offer *offer, const char *name)
{
	for (size_t i = 0; i < tape->tracks; i++) {
		const struct track *track = &tape->track[i];
		if (!track->used && track->offer.kind == offer->kind && same_stream(&track->offer, offer) &&
		    strcmp(track->name, name) == 0)
			return (int)i;
	}
	return -1;
}

/* The number of a track for this; -1: there is no room for one more. */
static int want_track(struct qv_tape *tape, struct wanted *wanted, const struct qv_stream_offer *offer,
		      const char *name)
{
	int found = find_track(tape, offer, name);
	size_t next = tape->tracks + wanted->count;
	if (found < 0 && next == QV_RECORDER_TRACKS_MAX)
		return -1;
	struct track *track = &tape->track[found >= 0 ? (size_t)found : next];
	track->used = true;
	if (found >= 0)
		return found;
	*track = (struct track){ .used = true, .offer = *offer };
	snprintf(track->name, sizeof track->name, "%s", name);
	wanted->track[wanted->count++] = (struct qv_recorder_track){ .kind = offer->kind,
								     .codec = track->offer.codec,
								     .video = offer->video,
								     .audio = offer->audio,
								     .name = track->name };
	return (int)next;
}

static void begin(struct qv_tape *tape, struct wanted *wanted, const struct qv_stream_offer *offer, const char *name,
		  struct slot *slot)
{
	int track = want_track(tape, wanted, offer, name);
	bool video = offer->kind == QV_STREAM_VIDEO;
	*slot = (struct slot){ .track = track,
			       .video = video,
			       .wants_key = video,
			       .last_ns = track >= 0 ? tape->track[track].last_ns : 0,
			       .rate = offer->audio.rate };
}

/* Nobody writes to that track now. */
static void end(struct qv_tape *tape, struct slot *slot)
{
	if (slot->track >= 0) {
		tape->track[slot->track].used = false;
		tape->track[slot->track].last_ns = slot->last_ns;
	}
	slot->track = -1;
}

/* What we send is taken from this call, where it is taken from none. */
static void lead(struct qv_tape *tape, struct tape_part *part, struct wanted *wanted)
{
	for (int i = TAPE_SENT_VIDEO; i <= TAPE_SENT_AUDIO; i++) {
		struct own *own = &tape->own[i];
		if (own->from || !part->call->offer[i])
			continue;
		own->from = part;
		begin(tape, wanted, part->call->offer[i], "sent", &own->slot);
	}
}

/* With the lock held: makes the file, or adds to it. */
static int put_tracks(struct qv_tape *tape, const struct wanted *wanted, struct qv_error *err)
{
	if (!tape->reel) {
		const struct tape_reel_owner owner = { tape, tell_failed };
		tape->reel =
			tape_reel_open(tape->host, tape->role, tape->path, wanted->track, wanted->count, &owner, err);
		tape->tracks = tape->reel ? wanted->count : 0;
		return tape->reel ? 0 : -1;
	}
	for (size_t i = 0; i < wanted->count; i++, tape->tracks++)
		if (tape_reel_add(tape->reel, &wanted->track[i], err) != 0)
			return -1;
	return 0;
}

/* With the lock held. What it led is led by another one. */
static void take_out(struct qv_tape *tape, struct tape_part *part)
{
	struct tape_part **at = &tape->parts;
	while (*at && *at != part)
		at = &(*at)->next;
	if (*at)
		*at = part->next;
	for (int i = 0; i < 2; i++) {
		if (tape->own[i].from == part) {
			end(tape, &tape->own[i].slot);
			tape->own[i].from = NULL;
		}
		end(tape, &part->slots[TAPE_VIDEO + i]);
	}
}

static void warn_of_room(const struct qv_tape *tape, const struct tape_part *part)
{
	bool all = true;
	for (int i = 0; i < TAPE_SLOTS; i++)
		all = all && (!part->call->offer[i] || i <= TAPE_SENT_AUDIO || part->slots[i].track >= 0);
	if (!all)
		qv_log_warning(tape->host->log, "the recording has %d streams, and no room for more",
			       QV_RECORDER_TRACKS_MAX);
}

struct tape_part *tape_join(struct qv_tape *tape, struct tape_call *call, const char *name, struct qv_error *err)
{
	struct tape_part *part = calloc(1, sizeof *part);
	struct wanted wanted = { 0 };
	if (!part) {
		qv_fail(err, QV_E_NOMEM, "no memory for a recording");
		return NULL;
	}
	part->tape = tape;
	part->call = call;
	part->slots[TAPE_VIDEO].track = part->slots[TAPE_AUDIO].track = -1;
	pthread_mutex_lock(&tape->lock);
	lead(tape, part, &wanted);
	for (int i = TAPE_VIDEO; i <= TAPE_AUDIO; i++)
		if (call->offer[i])
			begin(tape, &wanted, call->offer[i], name ? name : "received", &part->slots[i]);
	warn_of_room(tape, part);
	int status = put_tracks(tape, &wanted, err);
	if (status == 0) {
		part->next = tape->parts;
		tape->parts = part;
	} else {
		take_out(tape, part);
	}
	pthread_mutex_unlock(&tape->lock);
	if (status == 0)
		return part;
	free(part);
	return NULL;
}

void tape_leave(struct tape_part *part)
{
	if (!part)
		return;
	struct qv_tape *tape = part->tape;
	struct qv_error why = QV_ERROR_INIT;
	struct wanted wanted = { 0 };
	pthread_mutex_lock(&tape->lock);
	take_out(tape, part);
	for (struct tape_part *other = tape->parts; other; other = other->next)
		lead(tape, other, &wanted);
	if (wanted.count > 0 && put_tracks(tape, &wanted, &why) != 0) {
		end(tape, &tape->own[0].slot);
		end(tape, &tape->own[1].slot);
		qv_log_warning(tape->host->log, "what is sent is recorded no more: %s", why.message);
	}
	pthread_mutex_unlock(&tape->lock);
	free(part);
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

static bool awaits_key(struct tape_part *part, enum tape_slot index, struct slot *slot, const struct qv_packet *packet,
		       int64_t now)
{
	if (!slot->wants_key || packet->key) {
		slot->wants_key = false;
		return false;
	}
	if (slot->asked_ns == 0 || now > slot->asked_ns + KEY_RETRY_NS) {
		slot->asked_ns = now;
		part->call->want_key(part->call, index);
	}
	return true;
}

/* With the lock held. NULL: it is not recorded, or of another call. */
static struct slot *slot_of(struct tape_part *part, enum tape_slot index)
{
	struct own *own = index <= TAPE_SENT_AUDIO ? &part->tape->own[index] : NULL;
	struct slot *slot = own ? (own->from == part ? &own->slot : NULL) : &part->slots[index];
	return slot && slot->track >= 0 ? slot : NULL;
}

/* With the lock held. */
static void put(struct tape_part *part, enum tape_slot index, const struct qv_packet *packet, uint64_t position)
{
	struct qv_tape *tape = part->tape;
	struct slot *slot = slot_of(part, index);
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	if (!slot || packet->size > QV_PACKET_MAX)
		return;
	struct qv_packet placed = *packet;
	placed.capture_ns = place(slot, packet->capture_ns, position, now);
	if (placed.capture_ns < tape_reel_started_ns(tape->reel) ||
	    (slot->video && awaits_key(part, index, slot, packet, now)))
		return;
	int kept = tape_reel_put(tape->reel, (size_t)slot->track, &placed);
	if (kept > 0)
		return;
	slot->wants_key = slot->video;
	if (kept == 0 && !tape->warned)
		qv_log_warning(tape->host->log, "the disk is too slow for the recording, which now has gaps");
	tape->warned = true;
}

void tape_put(struct tape_part *part, enum tape_slot slot, const struct qv_packet *packet, uint64_t position)
{
	pthread_mutex_lock(&part->tape->lock);
	put(part, slot, packet, position);
	pthread_mutex_unlock(&part->tape->lock);
}

int qv_tape_finish(struct qv_tape *tape, struct qv_error *err)
{
	if (!tape)
		return 0;
	int status = tape_reel_close(tape->reel, err);
	pthread_mutex_destroy(&tape->lock);
	free(tape->path);
	free(tape);
	return status;
}
