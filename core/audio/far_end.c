/* SPDX-License-Identifier: Apache-2.0 */
#include "far_end.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "resampler.h"

#define HELD_S       4     /* of sound */
#define FOLLOW       0.02  /* of a block's difference in time */
#define SETTLED      10    /* blocks after which the mean difference can be believed */
#define JUMP_MS      5.0   /* mean difference that is made good at once */
#define JUMP_AT_ONCE 100.0 /* difference of a single block, ms, that is */
#define STILL_MS     0.3   /* mean difference that is left */
#define PPM_PER_MS   200.0
#define PPM_MAX      1000.0
#define NS           1e9

struct far_end {
	pthread_mutex_t lock;
	int rate; /* 0: not begun */
	int16_t *ring;
	int64_t size;
	bool timed; /* the sample of place `position` was heard at `heard_ns`: */
	int64_t position;
	double heard_ns; /* since `epoch_ns`, so that a double is exact enough */
	int64_t epoch_ns;
	bool any;       /* was put */
	int64_t next;   /* place of the next sample put */
	double late_ms; /* mean of how much later it should be */
	unsigned noted;
	/* Of the playing thread. */
	struct qv_audio_format from;
	struct resampler *resampler;
	int16_t *samples;
	size_t room;
};

struct far_end *far_end_new(struct qv_error *err)
{
	struct far_end *far = calloc(1, sizeof *far);
	if (far)
		pthread_mutex_init(&far->lock, NULL);
	else
		qv_fail(err, QV_E_NOMEM, "no memory for echo cancellation");
	return far;
}

void far_end_free(struct far_end *far)
{
	if (!far)
		return;
	resampler_free(far->resampler);
	free(far->samples);
	free(far->ring);
	pthread_mutex_destroy(&far->lock);
	free(far);
}

int far_end_begin(struct far_end *far, int rate, struct qv_error *err)
{
	int64_t size = (int64_t)rate * HELD_S;
	int16_t *ring = calloc((size_t)size, sizeof *ring);
	if (!ring)
		return qv_fail(err, QV_E_NOMEM, "no memory for echo cancellation");
	pthread_mutex_lock(&far->lock);
	free(far->ring);
	far->ring = ring;
	far->size = size;
	far->rate = rate;
	far->timed = far->any = false;
	pthread_mutex_unlock(&far->lock);
	return 0;
}

static int16_t *place(struct far_end *far, int64_t position)
{
	int64_t at = position % far->size;
	return &far->ring[at < 0 ? at + far->size : at];
}

bool far_end_captured(struct far_end *far, uint64_t position, int64_t capture_ns)
{
	bool jumped = false;
	pthread_mutex_lock(&far->lock);
	if (!far->timed)
		far->epoch_ns = capture_ns;
	double now = (double)(capture_ns - far->epoch_ns);
	double expected = far->heard_ns + (double)((int64_t)position - far->position) * NS / far->rate;
	if (far->timed && fabs(now - expected) < JUMP_AT_ONCE * 1e6)
		now = expected + FOLLOW * (now - expected);
	else
		jumped = far->timed;
	far->timed = true;
	far->position = (int64_t)position;
	far->heard_ns = now;
	pthread_mutex_unlock(&far->lock);
	return jumped;
}

bool far_end_take(struct far_end *far, uint64_t position, int16_t *samples, size_t frames)
{
	pthread_mutex_lock(&far->lock);
	int64_t first = (int64_t)position + (int64_t)far->rate * QV_AUDIOFILTER_AHEAD_MS / 1000;
	bool any = far->any;
	for (size_t i = 0; i < frames; i++) {
		int64_t at = first + (int64_t)i;
		samples[i] = any && at < far->next && at >= far->next - far->size ? *place(far, at) : 0;
	}
	pthread_mutex_unlock(&far->lock);
	return any;
}

/* To one channel of the captured rate; false: it cannot be used. */
static bool convert(struct far_end *far, const struct qv_audio_block *block, int rate)
{
	const struct qv_audio_format to = { rate, 1 };
	if (!far->resampler || far->from.rate != block->format.rate || far->from.channels != block->format.channels) {
		resampler_free(far->resampler);
		far->from = block->format;
		far->resampler = resampler_new(&block->format, &to, NULL);
	}
	if (!far->resampler)
		return false;
	size_t room = resampler_room(far->resampler, block->frames);
	if (room > far->room) {
		int16_t *grown = realloc(far->samples, room * sizeof *grown);
		if (!grown)
			return false;
		far->samples = grown;
		far->room = room;
	}
	return true;
}

/* Moves on to where the next sample belongs; what is left out is silence. */
static void jump(struct far_end *far, int64_t to)
{
	int64_t from = far->any && to - far->next < far->size ? far->next : to - far->size;
	for (int64_t at = from; at < to; at++)
		*place(far, at) = 0;
	far->next = to;
	far->late_ms = 0;
	far->noted = 0;
}

/* Where a block belongs that is `late_ms` later than where it would come; returns by how many ppm to correct it. */
static double follow(struct far_end *far, int64_t target)
{
	double late_ms = (double)(target - far->next) * 1000 / far->rate;
	if (!far->any || fabs(late_ms) > JUMP_AT_ONCE) {
		jump(far, target);
		far->any = true;
		return 0;
	}
	far->noted++;
	double share = 1.0 / far->noted;
	far->late_ms += (share > FOLLOW ? share : FOLLOW) * (late_ms - far->late_ms);
	if (far->noted >= SETTLED && fabs(far->late_ms) > JUMP_MS)
		jump(far, far->next + llrint(far->late_ms * far->rate / 1000));
	if (fabs(far->late_ms) < STILL_MS)
		return 0;
	return fmax(-PPM_MAX, fmin(PPM_MAX, -PPM_PER_MS * far->late_ms));
}

void far_end_put(struct far_end *far, const struct qv_audio_block *block, int64_t heard_ns)
{
	if (!far)
		return;
	pthread_mutex_lock(&far->lock);
	int rate = far->timed ? far->rate : 0;
	pthread_mutex_unlock(&far->lock);
	if (rate == 0 || !convert(far, block, rate))
		return;
	double held = resampler_held(far->resampler) / far->from.rate;
	size_t frames = resampler_run(far->resampler, block->samples, block->frames, far->samples);
	pthread_mutex_lock(&far->lock);
	double after_s = ((double)(heard_ns - far->epoch_ns) - far->heard_ns) / NS - held;
	double ppm = 0;
	/* Further off than what is held, no echo is found again. */
	if (fabs(after_s) < HELD_S / 2.0) {
		ppm = follow(far, far->position + llrint(after_s * rate));
		for (size_t i = 0; i < frames; i++)
			*place(far, far->next++) = far->samples[i];
	}
	pthread_mutex_unlock(&far->lock);
	resampler_drift(far->resampler, ppm);
}
