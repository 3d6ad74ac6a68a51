/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits on a path, by one-way delays above the least seen lately. Pictures come in bursts that queue for a moment
 * whatever the rate; a queue that does not empty between them, a standing one, is of a rate that is too high.
 */
#ifndef QV_RTP_PATH_QUEUE_H
#define QV_RTP_PATH_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#define PATH_QUEUE_SLOTS 16

struct path_queue {
	int64_t base[2], base_since; /* least one-way delay of this window and of the last */
	struct {
		int64_t slot, least;
	} slots[PATH_QUEUE_SLOTS]; /* least delay of each short time */
	int64_t latest, arrived;
	int64_t busy_since; /* arrival since which the queue was never empty; 0: it is */
	int64_t grain;      /* that is of the size of packets, not of a queue */
};

void path_queue_start(struct path_queue *queue);

/* One packet: how long it was on its way by two clocks, and when it arrived. A large one alone takes `grain`. */
void path_queue_add(struct path_queue *queue, int64_t delay, int64_t arrived, int64_t grain);

/* ns that the last packet waited, and that every packet of the last 0.1 s waited, at least. */
int64_t path_queue_now(const struct path_queue *queue);
int64_t path_queue_standing(const struct path_queue *queue);

/* How much more the last 60 ms waited than the time before, at least. */
int64_t path_queue_growth(const struct path_queue *queue);

#endif
