/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives out the instants of a frame rate: instant n is start + n / rate, so that nothing drifts. Whoever is late gets the
 * newest instant that has passed; those between are missed.
 */
#ifndef VIDEOSOURCE_PACER_H
#define VIDEOSOURCE_PACER_H

#include <stdbool.h>
#include <stdint.h>

#include <qvisio/module.h>

struct pacer {
	const struct qv_clock *clock;
	int cancel_fd;
	int fps_num, fps_den;
	bool started;
	int64_t start_ns; /* instant 0 */
	uint64_t next;    /* instants given out or missed so far */
};

void pacer_init(struct pacer *pacer, const struct qv_host *host, int fps_num, int fps_den);

/*
 * Waits for the next instant, at most `timeout_ms` (negative: for ever). The first call starts the clock at once.
 * 1: `index` and `instant_ns` are set; 0: not yet; -1: QV_E_CANCELLED, QV_E_IO.
 */
int pacer_wait(struct pacer *pacer, int timeout_ms, uint64_t *index, int64_t *instant_ns, struct qv_error *err);

#endif
