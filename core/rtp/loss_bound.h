/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The most that is worth sending by what is lost. Loss together with delay is of a path that is full. Loss without it
 * may be of a policer or a tiny queue, which ends when less is sent, or of a bad link, which does not: so for a while
 * less is sent, and by what is lost then the one is told from the other.
 */
#ifndef RTP_LOSS_BOUND_H
#define RTP_LOSS_BOUND_H

#include <stdbool.h>
#include <stdint.h>

enum loss_trial { LOSS_NO_TRIAL, LOSS_SETTLING, LOSS_COUNTING };

struct loss_bound {
	double rate;       /* the bound, bit/s */
	double share;      /* lost of about the last second, 0 to 1 */
	double full;       /* rate from which on packets were lost by it, bit/s; 0: not known */
	unsigned passed;   /* windows for which much more went through */
	double random;     /* share that was lost whatever the rate */
	double told, lost; /* of about the last second: older ones count less and less */
	unsigned window_told, window_lost;
	int64_t window_since;
	enum loss_trial trial;
	int64_t trial_since;
	double trial_rate, trial_share; /* before it */
	unsigned trial_told, trial_lost;
};

struct loss_limits {
	double min, max;
};

/* What stands beside the loss when a packet's fate becomes known. */
struct loss_view {
	int64_t now, rtt; /* ns */
	double rate;      /* bit/s that is sent but for this bound */
	bool delayed;     /* a queue stands on the path, or grew lately */
};

void loss_bound_start(struct loss_bound *bound, const struct loss_limits *limits);
void loss_bound_count(struct loss_bound *bound, const struct loss_limits *limits, bool lost,
		      const struct loss_view *view);

#endif
