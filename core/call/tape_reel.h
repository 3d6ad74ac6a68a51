/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder of one file, and the thread on which it works. */
#ifndef QV_CALL_TAPE_REEL_H
#define QV_CALL_TAPE_REEL_H

#include <qvisio/loader.h>
#include <qvisio/recorder.h>

struct tape_reel;

/* Told on the recorder's thread, once, that it cannot go on. */
struct tape_reel_owner {
	void *object;
	void (*failed)(void *object, const char *why);
};

/* Makes the file with these tracks. */
struct tape_reel *tape_reel_open(const struct qv_host *host, const struct qv_role *role, const char *path,
				 const struct qv_recorder_track *tracks, size_t count,
				 const struct tape_reel_owner *owner, struct qv_error *err);

/* CLOCK_MONOTONIC of second 0. */
int64_t tape_reel_started_ns(const struct tape_reel *reel);

/* One more track (copied), which has the next number. What the recorder makes of it shows later, and is logged. */
int tape_reel_add(struct tape_reel *reel, const struct qv_recorder_track *track, struct qv_error *err);

/* Copies one packet. 1: it will be written; 0: there is no room for it; -1: nor ever will be, as the recorder has failed. */
int tape_reel_put(struct tape_reel *reel, size_t track, const struct qv_packet *packet);

/* Writes what waits, finishes the file and frees the reel. NULL is fine. */
int tape_reel_close(struct tape_reel *reel, struct qv_error *err);

#endif
