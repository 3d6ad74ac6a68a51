/* SPDX-License-Identifier: Apache-2.0 */
#include "jitter_buffer.h"

#include <stdlib.h>

#include <qvisio/clock.h>

#define TARGET_START_NS (40 * QV_NS_PER_MS)
#define JITTER_SPAN_NS  (5 * QV_NS_PER_SECOND / 2) /* two spans are looked at */
#define SLOT_ROOM       (16u * 1024u)              /* that an empty slot keeps */
#define EXCESS_SPAN_NS  (2 * QV_NS_PER_SECOND)

/* The least and the greatest transit time (arrival minus place in the stream) in a span of time. */
struct span {
	bool any;
	int64_t least, greatest;
};

struct jitter_buffer {
	int rate;
	bool recording, ended;
	struct unit_buffer packet[JITTER_SLOTS]; /* ring, by rising position */
	size_t first, count, bytes;
	uint64_t frames; /* samples per channel in the ring */
	bool playing;    /* the depth was reached, and no dry spell since */
	bool placed;     /* `next` is known */
	uint64_t next;   /* position to be played next */
	struct span before, current;
	int64_t span_began;
	int64_t excess_began, least_depth; /* of the current look-out for too much depth */
};

struct jitter_buffer *jitter_buffer_new(int rate, bool recording, struct qv_error *err)
{
	struct jitter_buffer *buffer = calloc(1, sizeof *buffer);
	if (!buffer) {
		qv_fail(err, QV_E_NOMEM, "no memory for a jitter buffer");
		return NULL;
	}
	buffer->rate = rate;
	buffer->recording = recording;
	return buffer;
}

void jitter_buffer_free(struct jitter_buffer *buffer)
{
	if (!buffer)
		return;
	for (size_t i = 0; i < JITTER_SLOTS; i++)
		unit_buffer_free(&buffer->packet[i]);
	free(buffer);
}

static int64_t duration_ns(const struct jitter_buffer *buffer, uint64_t frames)
{
	uint64_t rate = (uint64_t)buffer->rate;
	return (int64_t)(frames / rate) * QV_NS_PER_SECOND + (int64_t)(frames % rate * 1000000000u / rate);
}

int64_t jitter_buffer_depth_ns(const struct jitter_buffer *buffer)
{
	return duration_ns(buffer, buffer->frames);
}

/* The spread of transit times, and one packet because a packet arrives at once and plays for its length. */
int64_t jitter_buffer_target_ns(const struct jitter_buffer *buffer)
{
	const struct span *before = &buffer->before, *current = &buffer->current;
	int64_t target = TARGET_START_NS;
	if (before->any) {
		int64_t least = current->any && current->least < before->least ? current->least : before->least;
		int64_t greatest =
			current->any && current->greatest > before->greatest ? current->greatest : before->greatest;
		target = greatest - least;
	} else if (current->any && current->greatest - current->least > target) {
		target = current->greatest - current->least;
	}
	if (buffer->count > 0)
		target += duration_ns(buffer, buffer->packet[buffer->first].unit.frames);
	if (target < JITTER_TARGET_MIN_NS)
		target = JITTER_TARGET_MIN_NS;
	return target < JITTER_TARGET_MAX_NS ? target : JITTER_TARGET_MAX_NS;
}

static void observe(struct jitter_buffer *buffer, uint64_t position, int64_t now)
{
	int64_t transit = now - duration_ns(buffer, position);
	if (now - buffer->span_began > JITTER_SPAN_NS) {
		buffer->before = buffer->current;
		buffer->current.any = false;
		buffer->span_began = now;
	}
	struct span *span = &buffer->current;
	if (!span->any || transit < span->least)
		span->least = transit;
	if (!span->any || transit > span->greatest)
		span->greatest = transit;
	span->any = true;
}

/* Takes the first packet, whose length was `frames` and `size`, out of the count and gives spare memory back. */
static void forget_first(struct jitter_buffer *buffer, uint64_t frames, size_t size)
{
	buffer->frames -= frames;
	buffer->bytes -= size;
	unit_buffer_trim(&buffer->packet[buffer->first], SLOT_ROOM);
	buffer->first = (buffer->first + 1) % JITTER_SLOTS;
	buffer->count--;
}

static void drop_first(struct jitter_buffer *buffer)
{
	const struct unit_buffer *packet = &buffer->packet[buffer->first];
	forget_first(buffer, packet->unit.frames, packet->size);
}

static bool full(const struct jitter_buffer *buffer, const struct unit_buffer *packet)
{
	return buffer->count == JITTER_SLOTS || buffer->bytes + packet->size > JITTER_BYTES_MAX ||
	       (!buffer->recording && duration_ns(buffer, buffer->frames + packet->unit.frames) > JITTER_HOLD_MAX_NS);
}

/* The stream gives packets in order, so a packet's place is behind the last one or it is of no use. */
static bool is_late(const struct jitter_buffer *buffer, const struct qv_unit *unit)
{
	if (buffer->count == 0)
		return buffer->placed && unit->position < buffer->next;
	size_t last = (buffer->first + buffer->count - 1) % JITTER_SLOTS;
	return unit->position < buffer->packet[last].unit.position + buffer->packet[last].unit.frames;
}

int jitter_buffer_put(struct jitter_buffer *buffer, struct unit_buffer *packet, int64_t now)
{
	int given_up = 0;
	if (is_late(buffer, &packet->unit))
		return 1;
	observe(buffer, packet->unit.position, now);
	while (buffer->count > 0 && full(buffer, packet)) {
		/* Over the bound time is given up with the packet: a gap would only fill it with silence again. */
		buffer->next = buffer->packet[buffer->first].unit.position + buffer->packet[buffer->first].unit.frames;
		buffer->placed = true;
		drop_first(buffer);
		given_up++;
	}
	buffer->frames += packet->unit.frames;
	buffer->bytes += packet->size;
	unit_buffer_swap(&buffer->packet[(buffer->first + buffer->count++) % JITTER_SLOTS], packet);
	return given_up;
}

void jitter_buffer_end(struct jitter_buffer *buffer)
{
	buffer->ended = true;
}

bool jitter_buffer_underrun(struct jitter_buffer *buffer)
{
	bool fresh = buffer->playing;
	buffer->playing = false;
	return fresh;
}

/* After the least depth over a span has stayed above two packets and the least target: time to catch up by one. */
static bool too_deep(struct jitter_buffer *buffer, int64_t now)
{
	int64_t depth = jitter_buffer_depth_ns(buffer);
	if (buffer->excess_began == 0 || depth < buffer->least_depth)
		buffer->least_depth = depth;
	if (buffer->excess_began == 0)
		buffer->excess_began = now;
	if (now - buffer->excess_began < EXCESS_SPAN_NS || buffer->count < 2)
		return false;
	int64_t spare = 2 * duration_ns(buffer, buffer->packet[buffer->first].unit.frames);
	bool deep = buffer->least_depth > (spare > JITTER_TARGET_MIN_NS ? spare : JITTER_TARGET_MIN_NS);
	buffer->excess_began = 0;
	return deep;
}

enum jitter_next jitter_buffer_take(struct jitter_buffer *buffer, int64_t now, struct unit_buffer *into,
				    uint64_t *frames, int *given_up)
{
	*given_up = 0;
	if (buffer->count == 0)
		return buffer->ended ? JITTER_ENDED : JITTER_WAIT;
	bool at_once = buffer->recording || buffer->ended;
	if (!at_once && !buffer->playing && jitter_buffer_depth_ns(buffer) < jitter_buffer_target_ns(buffer))
		return JITTER_WAIT;
	if (!buffer->playing)
		buffer->excess_began = 0;
	buffer->playing = true;
	if (!at_once && too_deep(buffer, now)) {
		buffer->next = buffer->packet[buffer->first].unit.position + buffer->packet[buffer->first].unit.frames;
		buffer->placed = true;
		drop_first(buffer);
		*given_up = 1;
	}
	const struct qv_unit *unit = &buffer->packet[buffer->first].unit;
	if (buffer->placed && unit->position > buffer->next) {
		*frames = unit->position - buffer->next;
		buffer->next = unit->position;
		return JITTER_GAP;
	}
	buffer->next = unit->position + unit->frames;
	buffer->placed = true;
	uint64_t taken_frames = unit->frames;
	unit_buffer_swap(&buffer->packet[buffer->first], into);
	forget_first(buffer, taken_frames, into->size);
	return JITTER_PACKET;
}
