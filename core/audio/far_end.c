/* SPDX-License-Identifier: Apache-2.0 */
#include "far_end.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "resampler.h"

#define HELD_S       4    /* of sound */
#define FOLLOW       0.02 /* of a block's difference in time */
#define FIRST_S      1.0  /* of sound, whose mean difference is made good at once */
#define SECOND_S     2.0  /* and again */
#define SETTLED      2
#define SMOOTH_S     2.0   /* time constant of the mean after that */
#define JUMP_MS      6.0   /* mean difference that is made good later */
#define DRIFT_S      10.0  /* in which clocks can make such a difference; in less it is a device */
#define JUMP_AT_ONCE 100.0 /* ms, of a single block */
#define PPM_MAX      500.0
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
	bool any;         /* was put */
	int64_t next;     /* place of the next sample put */
	double late_ms;   /* mean of how much later it should be */
	double mean_s;    /* of sound that went into the mean */
	int settled;      /* times */
	double settled_s; /* of sound since the last jump */
	double drift_ppm; /* of the clocks */
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
}

static void begin_mean(struct far_end *far)
{
	far->late_ms = 0;
	far->mean_s = 0;
}

static void make_good(struct far_end *far)
{
	jump(far, far->next + llrint(far->late_ms * far->rate / 1000));
	begin_mean(far);
	far->settled_s = 0;
}

/* At first the devices' times are known badly: their mean is made good, and once more. */
static void settle(struct far_end *far)
{
	if (far->mean_s < (far->settled == 0 ? FIRST_S : SECOND_S))
		return;
	make_good(far);
	far->settled++;
}

/*
 * From then on an echo must not move: a filter that has learned high tones loses them when they move by a tenth of a
 * millisecond. Devices tell their times less well than that, so they are believed only once they say that much has
 * come together, over a time that tells how fast the clocks drift.
 */
static void correct(struct far_end *far, double seconds)
{
	far->settled_s += seconds;
	if (fabs(far->late_ms) < JUMP_MS)
		return;
	if (far->settled_s > DRIFT_S)
		far->drift_ppm -= far->late_ms * 1000 / far->settled_s;
	else
		far->settled = 0;
	far->drift_ppm = fmax(-PPM_MAX, fmin(PPM_MAX, far->drift_ppm));
	make_good(far);
}

/* Sees where a block of that length belongs; returns by how many ppm faster sound is to be taken in. */
static double follow(struct far_end *far, int64_t target, double seconds)
{
	double late_ms = (double)(target - far->next) * 1000 / far->rate;
	if (!far->any || fabs(late_ms) > JUMP_AT_ONCE) {
		jump(far, target);
		begin_mean(far);
		far->any = true;
		far->settled = 0;
		late_ms = 0;
	}
	bool settled = far->settled >= SETTLED;
	far->mean_s += seconds;
	double share = settled ? seconds / SMOOTH_S : seconds / far->mean_s;
	far->late_ms += fmin(share, 1) * (late_ms - far->late_ms);
	if (settled)
		correct(far, seconds);
	else
		settle(far);
	return far->drift_ppm;
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
		ppm = follow(far, far->position + llrint(after_s * rate), (double)block->frames / block->format.rate);
		for (size_t i = 0; i < frames; i++)
			*place(far, far->next++) = far->samples[i];
	}
	pthread_mutex_unlock(&far->lock);
	resampler_drift(far->resampler, ppm);
}
