/* SPDX-License-Identifier: Apache-2.0 */
#include "loss_bound.h"

#include <math.h>

#include <qvisio/clock.h>

#define WINDOW       20 /* packets, and */
#define WINDOW_NS    (200 * QV_NS_PER_MS)
#define MEMORY       0.8 /* of what is known counts on, from window to window */
#define KNOWN        60  /* packets that a share tells something of */
#define HIGH         0.1
#define LOW          0.02
#define DOUBT        1.5  /* standard deviations of a share by chance, above HIGH */
#define HEAVY        0.25 /* so much is not worth repairing, whatever it comes from; at less it may rise again: */
#define BEARABLE     0.22
#define HEAVY_FREE   0.15
#define TRIAL_LESS   0.4                   /* of the rate is not sent in a trial, at least */
#define SETTLE_NS    (1000 * QV_NS_PER_MS) /* in which a bucket that was empty fills again */
#define TRIAL_NS     (1000 * QV_NS_PER_MS)
#define TRIAL_LEAST  60 /* packets, but not for longer than */
#define TRIAL_MOST   (4 * QV_NS_PER_SECOND)
#define TRIAL_FELL   0.5 /* to so much of what it was, the loss was of the rate */
#define FAST_RISE    1.08
#define SLOW_RISE    1.02
#define FULL_PASSED  1.3 /* times what was taken for full, without loss in so many windows: it was not */
#define FULL_WINDOWS 50

void loss_bound_start(struct loss_bound *bound, const struct loss_limits *limits)
{
	*bound = (struct loss_bound){ .rate = limits->max };
}

static void begin_trial(struct loss_bound *bound, const struct loss_view *view)
{
	double less = bound->share > TRIAL_LESS ? bound->share : TRIAL_LESS;
	double rate = view->rate < bound->rate ? view->rate : bound->rate;
	bound->trial = LOSS_SETTLING;
	bound->trial_since = view->now;
	bound->trial_rate = bound->rate;
	bound->trial_share = bound->share;
	bound->trial_told = bound->trial_lost = 0;
	bound->rate = rate * (1 - less);
}

static void end_trial(struct loss_bound *bound)
{
	double share = (double)bound->trial_lost / bound->trial_told;
	bound->trial = LOSS_NO_TRIAL;
	bound->random = share < HEAVY ? share : 0;
	bound->told = bound->trial_told;
	bound->lost = bound->trial_lost;
	if (share >= HEAVY)
		return;
	if (share > TRIAL_FELL * bound->trial_share)
		bound->rate = bound->trial_rate;
	else
		bound->full = bound->rate / (1 - TRIAL_LESS) * (1 - bound->trial_share);
}

/* What was sent before the trial is spoken of for a round trip more. */
static void go_on_trying(struct loss_bound *bound, unsigned told, unsigned lost, const struct loss_view *view)
{
	int64_t settled = bound->trial_since + view->rtt + SETTLE_NS;
	if (view->delayed) {
		bound->trial = LOSS_NO_TRIAL;
	} else if (bound->trial == LOSS_SETTLING) {
		if (view->now >= settled)
			bound->trial = LOSS_COUNTING;
	} else {
		bound->trial_told += told;
		bound->trial_lost += lost;
		if ((view->now >= settled + TRIAL_NS && bound->trial_told >= TRIAL_LEAST) ||
		    view->now >= settled + TRIAL_MOST)
			end_trial(bound);
	}
}

static void cut(struct loss_bound *bound, double share, const struct loss_view *view)
{
	if (bound->rate > view->rate)
		bound->rate = view->rate;
	bound->rate *= 1 - 0.5 * share;
}

/* A share that differs from what is lost anyway by more than chance. */
static bool is_new(const struct loss_bound *bound)
{
	double doubt = DOUBT * sqrt(HIGH * (1 - HIGH) / bound->told);
	return bound->told >= KNOWN && bound->share > HIGH + doubt && bound->share > 1.5 * bound->random + 0.03;
}

static void judge(struct loss_bound *bound, double window_share, const struct loss_view *view)
{
	if (view->delayed && window_share - bound->random > HIGH)
		cut(bound, window_share - bound->random, view);
	else if (bound->told >= KNOWN && bound->share > HEAVY)
		cut(bound, bound->share - HEAVY_FREE, view);
	else if (!view->delayed && is_new(bound))
		begin_trial(bound, view);
	else if (bound->share < LOW || (bound->share < BEARABLE && bound->share < 1.25 * bound->random))
		bound->rate *= bound->full > 0 && bound->rate > bound->full ? SLOW_RISE : FAST_RISE;
	else if (bound->share < HIGH)
		bound->rate *= SLOW_RISE;
	double sent = view->rate < bound->rate ? view->rate : bound->rate;
	bound->passed = bound->share < LOW && sent > FULL_PASSED * bound->full ? bound->passed + 1 : 0;
	if (bound->passed > FULL_WINDOWS)
		bound->full = 0;
	if (bound->share < bound->random / 2)
		bound->random = bound->share; /* it was not what it was taken for, or is over */
	else if (bound->share < bound->random)
		bound->random += (bound->share - bound->random) / 20;
}

void loss_bound_count(struct loss_bound *bound, const struct loss_limits *limits, bool lost,
		      const struct loss_view *view)
{
	bound->window_told++;
	bound->window_lost += lost;
	if (bound->window_told < WINDOW || view->now - bound->window_since < WINDOW_NS)
		return;
	unsigned told = bound->window_told, gone = bound->window_lost;
	bound->window_told = bound->window_lost = 0;
	bound->window_since = view->now;
	bound->told = MEMORY * bound->told + told;
	bound->lost = MEMORY * bound->lost + gone;
	bound->share = bound->lost / bound->told;
	if (bound->trial != LOSS_NO_TRIAL)
		go_on_trying(bound, told, gone, view);
	else
		judge(bound, (double)gone / told, view);
	bound->rate = bound->rate < limits->min ? limits->min : bound->rate > limits->max ? limits->max : bound->rate;
}
