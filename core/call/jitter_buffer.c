/* SPDX-License-Identifier: Apache-2.0 */
#include "jitter_buffer.h"

#include <math.h>
#include <stdlib.h>

#include <qvisio/clock.h>

#include "../audio/arrival.h"
#include "../audio/drift.h"

#define MS           QV_NS_PER_MS
#define SLOT_ROOM    (16u * 1024u) /* that an empty slot keeps */
#define IN_TIME      0.98          /* share of the packets that should be */
#define SPARE_NS     (2 * MS)      /* of decoding and writing */
#define START_NS     (15 * MS)     /* lateness that is reckoned with before any is known */
#define START_COUNT  10            /* packets that make it known */
#define AHEAD_NS     (10 * MS)     /* that a packet is written before it has to be */
#define MARGIN_MIN   (6 * MS)
#define MARGIN_MAX   (60 * MS)
#define MARGIN_DECAY (MS / 500) /* a packet… */
#define MARGIN_CALM  (MS / 5)   /* …and where less than half of it was needed for the last seconds */
#define CALM_SPANS   8
#define CALM_SPAN_NS QV_NS_PER_SECOND
#define LASTING_MS   4.0       /* of lead too much for a second or so, of which sound is made shorter by no more */
#define SHORTER_NS   (12 * MS) /* of it at a time, beyond which sound is made shorter by what fits best… */
#define SHORTER_HARD (40 * MS)
#define SKIP_NS      (250 * MS) /* …and left out */
#define LONGER_NS    (8 * MS)
#define LONGER_HARD  (25 * MS)
#define SPELL_MAX_NS (500 * MS) /* after so much made up sound there is none any more */
#define LOSS_MEMORY  0.996      /* from one packet to the next */
#define LOSS_MANY    0.03       /* that one packet more is waited for… */
#define LOSS_FEW     0.015      /* …and no longer */
#define JUMP_S       10         /* a place farther ahead is another stream */

struct jitter_buffer {
	int rate;
	bool recording, ended;
	struct unit_buffer packet[JITTER_SLOTS]; /* ring, by rising position */
	size_t first, count, bytes;
	uint64_t frames;  /* samples per channel in the ring */
	bool playing;     /* no dry spell has ended the sound since the last packet */
	bool placed;      /* `next` is known */
	uint64_t next;    /* position to be played next */
	int64_t spell_ns; /* made up since the last packet */
	bool based;       /* `base` is: */
	uint64_t base;    /* the position that transits are reckoned from */
	struct arrival arrival;
	struct drift drift;
	bool copies, wait_for_copy;
	double loss; /* share of the packets */
	bool any;    /* packet was handed out, the last one with this number: */
	uint64_t last_sequence;
	uint32_t last_frames;
	int64_t margin_ns, wait_for_ns, lead_ns;
	int64_t latest[CALM_SPANS]; /* that the thread woke in each of the last spans of time, a ring */
	unsigned span;
	int64_t span_began;
	int64_t low_ns;        /* delay of the device that is not gone below */
	int64_t held_until_ns; /* the time that was waited for since the last step; 0: none */
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
	buffer->margin_ns = buffer->low_ns = MARGIN_MIN;
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

/* Of a position, counted from the base; positions far from it are kept out of the buffer. */
static int64_t place_ns(const struct jitter_buffer *buffer, uint64_t position)
{
	return position >= buffer->base ? duration_ns(buffer, position - buffer->base)
					: -duration_ns(buffer, buffer->base - position);
}

int64_t jitter_buffer_depth_ns(const struct jitter_buffer *buffer)
{
	return duration_ns(buffer, buffer->frames);
}

int64_t jitter_buffer_lead_ns(const struct jitter_buffer *buffer)
{
	return buffer->lead_ns;
}

int64_t jitter_buffer_target_ns(const struct jitter_buffer *buffer)
{
	int64_t late = arrival_quantile(&buffer->arrival, IN_TIME);
	if (buffer->arrival.packets < START_COUNT && late < START_NS)
		late = START_NS;
	int64_t target = buffer->low_ns + SPARE_NS + late;
	if (buffer->wait_for_copy)
		target += duration_ns(buffer, buffer->last_frames);
	if (target < buffer->wait_for_ns)
		target = buffer->wait_for_ns;
	return target < JITTER_TARGET_MAX_NS ? target : JITTER_TARGET_MAX_NS;
}

void jitter_buffer_wait_for(struct jitter_buffer *buffer, int64_t lead_ns)
{
	buffer->wait_for_ns = lead_ns;
}

void jitter_buffer_copies(struct jitter_buffer *buffer, bool copies)
{
	buffer->copies = copies;
}

static struct unit_buffer *slot(struct jitter_buffer *buffer, size_t index)
{
	return &buffer->packet[(buffer->first + index) % JITTER_SLOTS];
}

/* Takes the first packet, whose length was `frames` and `size`, out of the count and gives spare memory back. */
static void forget_first(struct jitter_buffer *buffer, uint64_t frames, size_t size)
{
	buffer->frames -= frames;
	buffer->bytes -= size;
	unit_buffer_trim(slot(buffer, 0), SLOT_ROOM);
	buffer->first = (buffer->first + 1) % JITTER_SLOTS;
	buffer->count--;
}

/* Gives the first packet up, and the time that it had with it. */
static void skip_first(struct jitter_buffer *buffer)
{
	const struct unit_buffer *packet = slot(buffer, 0);
	buffer->next = packet->unit.position + packet->unit.frames;
	buffer->placed = true;
	forget_first(buffer, packet->unit.frames, packet->size);
}

static bool full(const struct jitter_buffer *buffer, const struct unit_buffer *packet)
{
	return buffer->count == JITTER_SLOTS || buffer->bytes + packet->size > JITTER_BYTES_MAX ||
	       (!buffer->recording && duration_ns(buffer, buffer->frames + packet->unit.frames) > JITTER_HOLD_MAX_NS);
}

static uint64_t last_end(struct jitter_buffer *buffer)
{
	if (buffer->count == 0)
		return buffer->next;
	const struct qv_unit *last = &slot(buffer, buffer->count - 1)->unit;
	return last->position + last->frames;
}

/* A place far ahead of the last: what is here will not be joined with it. */
static int begin_anew(struct jitter_buffer *buffer, const struct qv_unit *unit)
{
	int given_up = (int)buffer->count;
	while (buffer->count > 0)
		skip_first(buffer);
	buffer->arrival = (struct arrival){ 0 };
	buffer->drift.begun = false;
	buffer->placed = buffer->playing = false;
	buffer->base = unit->position;
	buffer->based = true;
	return given_up;
}

static bool far_ahead(struct jitter_buffer *buffer, const struct qv_unit *unit)
{
	uint64_t end = last_end(buffer);
	return !buffer->based || (unit->position > end && unit->position - end > (uint64_t)buffer->rate * JUMP_S);
}

static bool far_back(const struct jitter_buffer *buffer, const struct qv_unit *unit)
{
	return unit->position < buffer->base && buffer->base - unit->position > (uint64_t)buffer->rate * JUMP_S;
}

/* Whether the place was played already, or has its packet. */
static bool of_no_use(struct jitter_buffer *buffer, const struct qv_unit *unit)
{
	if (buffer->placed && unit->position < buffer->next)
		return true;
	for (size_t i = buffer->count; i-- > 0;) {
		const struct qv_unit *other = &slot(buffer, i)->unit;
		if (other->position + other->frames <= unit->position)
			return false;
		if (other->position < unit->position + unit->frames)
			return true;
	}
	return false;
}

int jitter_buffer_put(struct jitter_buffer *buffer, struct unit_buffer *packet, int64_t now)
{
	int given_up = 0;
	if (packet->unit.position > UINT64_MAX - packet->unit.frames)
		return 1;
	if (!buffer->recording && far_ahead(buffer, &packet->unit))
		given_up = begin_anew(buffer, &packet->unit);
	if (!buffer->recording && far_back(buffer, &packet->unit))
		return 1;
	if (!buffer->recording)
		arrival_note(&buffer->arrival, now - place_ns(buffer, packet->unit.position), now);
	if (of_no_use(buffer, &packet->unit))
		return given_up + 1;
	while (buffer->count > 0 && full(buffer, packet)) {
		skip_first(buffer);
		given_up++;
	}
	buffer->frames += packet->unit.frames;
	buffer->bytes += packet->size;
	size_t at = buffer->count++;
	unit_buffer_swap(slot(buffer, at), packet);
	for (; at > 0 && slot(buffer, at)->unit.position < slot(buffer, at - 1)->unit.position; at--)
		unit_buffer_swap(slot(buffer, at), slot(buffer, at - 1));
	return given_up;
}

void jitter_buffer_end(struct jitter_buffer *buffer)
{
	buffer->ended = true;
}

static uint64_t frames_of(const struct jitter_buffer *buffer, int64_t ns)
{
	return (uint64_t)(ns / 1000 * buffer->rate / 1000000);
}

/* A place left out with no number left out is one where the sender had nothing to say. */
static void count_loss(struct jitter_buffer *buffer, const struct qv_unit *unit)
{
	bool lost = buffer->any && unit->sequence > buffer->last_sequence + 1;
	buffer->loss = buffer->loss * LOSS_MEMORY + (lost ? 1 - LOSS_MEMORY : 0);
	buffer->any = true;
	buffer->last_sequence = unit->sequence;
	buffer->last_frames = unit->frames;
	if (!buffer->copies || buffer->loss < LOSS_FEW)
		buffer->wait_for_copy = false;
	else if (buffer->loss > LOSS_MANY)
		buffer->wait_for_copy = true;
}

/* What goes before the first packet: what is missing there, or itself. */
static struct jitter_step hand_out(struct jitter_buffer *buffer, struct unit_buffer *into)
{
	struct jitter_step step = { .next = JITTER_PACKET };
	const struct qv_unit *unit = &slot(buffer, 0)->unit;
	if (buffer->placed && unit->position > buffer->next) {
		step.next = JITTER_GAP;
		step.frames = unit->position - buffer->next;
		buffer->next = unit->position;
		return step;
	}
	uint64_t frames = unit->frames;
	count_loss(buffer, unit);
	buffer->next = unit->position + frames;
	buffer->placed = true;
	unit_buffer_swap(slot(buffer, 0), into);
	forget_first(buffer, frames, into->size);
	return step;
}

static struct jitter_step wait_until(int64_t until_ns)
{
	return (struct jitter_step){ .next = JITTER_WAIT, .until_ns = until_ns };
}

/*
 * Whether the device still has more than `enough`, and until when. One that has not started does not get nearer to it
 * by waiting: what was waited for once is not waited for again.
 */
static bool has_enough(struct jitter_buffer *buffer, int64_t now, const struct jitter_device *device, int64_t enough,
		       struct jitter_step *step)
{
	if (device->delay_ns <= enough || (buffer->held_until_ns && now >= buffer->held_until_ns))
		return false;
	*step = wait_until(now + device->delay_ns - enough);
	if (buffer->held_until_ns == 0)
		buffer->held_until_ns = step->until_ns;
	return true;
}

/* The latest that the thread woke in the last seconds. */
static int64_t latest_wake(struct jitter_buffer *buffer, int64_t late, int64_t now)
{
	if (now - buffer->span_began >= CALM_SPAN_NS) {
		buffer->span = (buffer->span + 1) % CALM_SPANS;
		buffer->span_began = now;
		buffer->latest[buffer->span] = 0;
	}
	if (late > buffer->latest[buffer->span])
		buffer->latest[buffer->span] = late;
	int64_t latest = 0;
	for (int i = 0; i < CALM_SPANS; i++)
		latest = buffer->latest[i] > latest ? buffer->latest[i] : latest;
	return latest;
}

/* A thread that wakes late finds the device with less than was meant to be left: it is given more from then on. */
static void learn_margin(struct jitter_buffer *buffer, int64_t now, const struct jitter_device *device)
{
	int64_t late = buffer->margin_ns + device->least_ns - device->delay_ns;
	int64_t latest = latest_wake(buffer, buffer->playing ? late : 0, now);
	if (buffer->playing && late > buffer->margin_ns * 3 / 4)
		buffer->margin_ns += late / 4 + MS;
	else
		buffer->margin_ns -= 2 * latest < buffer->margin_ns ? MARGIN_CALM : MARGIN_DECAY;
	buffer->margin_ns = buffer->margin_ns < MARGIN_MIN ? MARGIN_MIN : buffer->margin_ns;
	buffer->margin_ns = buffer->margin_ns > MARGIN_MAX ? MARGIN_MAX : buffer->margin_ns;
}

/* How much later than wanted the first packet would be heard if it were written now. */
static int64_t excess_now(struct jitter_buffer *buffer, int64_t now, const struct jitter_device *device)
{
	int64_t quickest = place_ns(buffer, slot(buffer, 0)->unit.position) + arrival_least(&buffer->arrival);
	buffer->lead_ns = now + device->delay_ns - quickest;
	return buffer->lead_ns - jitter_buffer_target_ns(buffer);
}

static struct jitter_step run_dry(struct jitter_buffer *buffer, int64_t now, const struct jitter_device *device)
{
	if (!buffer->playing)
		return wait_until(0);
	struct jitter_step step;
	if (has_enough(buffer, now, device, buffer->low_ns, &step))
		return step;
	learn_margin(buffer, now, device);
	int64_t made_up = JITTER_CONCEAL_MS * MS;
	step = (struct jitter_step){ .next = JITTER_DRY, .frames = frames_of(buffer, made_up) };
	buffer->held_until_ns = 0;
	step.underrun = buffer->spell_ns == 0;
	step.ppm = buffer->drift.ppm;
	buffer->spell_ns += made_up;
	buffer->playing = buffer->spell_ns < SPELL_MAX_NS;
	return step;
}

/* The sound begins, or begins again: with the lead that is wanted from the start. */
static bool begin(struct jitter_buffer *buffer, int64_t now, const struct jitter_device *device,
		  struct jitter_step *step)
{
	buffer->playing = true;
	buffer->spell_ns = 0;
	buffer->next = slot(buffer, 0)->unit.position;
	buffer->placed = true;
	int64_t excess = excess_now(buffer, now, device);
	if (excess >= 0)
		return false;
	*step = (struct jitter_step){ .next = JITTER_SILENT, .frames = frames_of(buffer, -excess) };
	return step->frames > 0;
}

static void steer(struct jitter_buffer *buffer, int64_t now, int64_t excess, struct jitter_step *step)
{
	step->ppm = drift_note(&buffer->drift, now, excess);
	double lasting_ms = buffer->drift.error_ms;
	step->most = UINT64_MAX;
	if (excess > SHORTER_NS) {
		step->change = JITTER_SHORTER;
	} else if (lasting_ms > LASTING_MS && (double)excess > LASTING_MS * 1e6) {
		step->change = JITTER_SHORTER;
		step->most = frames_of(buffer, (int64_t)(fmin(lasting_ms, (double)excess / 1e6) * 1e6));
	} else if (excess < -LONGER_NS)
		step->change = JITTER_LONGER;
	step->eager = excess > SHORTER_HARD || excess < -LONGER_HARD;
}

/* What is missing was in part made up while it was waited for. */
static void count_made_up(struct jitter_buffer *buffer, struct jitter_step *step)
{
	uint64_t made_up = frames_of(buffer, buffer->spell_ns);
	step->frames -= made_up < step->frames ? made_up : step->frames;
}

static struct jitter_step play(struct jitter_buffer *buffer, int64_t now, const struct jitter_device *device,
			       struct unit_buffer *into)
{
	struct jitter_step step;
	if (!buffer->playing && begin(buffer, now, device, &step))
		return step;
	bool gap = buffer->placed && slot(buffer, 0)->unit.position > buffer->next;
	/* What is missing may come until it is needed. */
	if (has_enough(buffer, now, device, gap ? buffer->low_ns : buffer->low_ns + AHEAD_NS, &step))
		return step;
	buffer->held_until_ns = 0;
	learn_margin(buffer, now, device);
	int given_up = 0;
	int64_t excess = excess_now(buffer, now, device);
	for (; excess > SKIP_NS && buffer->count > 1; given_up++) {
		skip_first(buffer);
		excess = excess_now(buffer, now, device);
	}
	step = hand_out(buffer, into);
	step.given_up = given_up;
	if (step.next == JITTER_GAP) {
		count_made_up(buffer, &step);
		buffer->spell_ns = 0;
		step.ppm = buffer->drift.ppm;
		return step;
	}
	buffer->spell_ns = 0;
	steer(buffer, now, excess, &step);
	return step;
}

struct jitter_step jitter_buffer_take(struct jitter_buffer *buffer, int64_t now, const struct jitter_device *device,
				      struct unit_buffer *into)
{
	if (buffer->count == 0 && buffer->ended)
		return (struct jitter_step){ .next = JITTER_ENDED };
	buffer->low_ns = device->least_ns + buffer->margin_ns;
	if (buffer->count == 0)
		return buffer->recording ? wait_until(0) : run_dry(buffer, now, device);
	if (buffer->recording)
		return hand_out(buffer, into);
	return play(buffer, now, device, into);
}

void jitter_buffer_changed(struct jitter_buffer *buffer, int64_t frames)
{
	int64_t ns = duration_ns(buffer, (uint64_t)(frames < 0 ? -frames : frames));
	drift_shifted(&buffer->drift, frames < 0 ? -ns : ns);
}
