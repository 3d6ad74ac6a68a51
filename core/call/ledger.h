/* SPDX-License-Identifier: Apache-2.0 */
/* What the threads of a call count and measure, under one lock. */
#ifndef QV_CALL_LEDGER_H
#define QV_CALL_LEDGER_H

#include <pthread.h>

#include <qvisio/call.h>

#include "histogram.h"

/* How a medium of a call stands. */
struct medium_state {
	bool present;          /* agreed on */
	bool finished;         /* its thread is done */
	bool closed;           /* because somebody closed the window */
	struct qv_error error; /* not QV_OK: because it failed */
};

/* Sums over the sound of an interval. */
struct loudness {
	double squares;
	uint64_t count;
	int peak;
};

struct ledger {
	pthread_mutex_t lock;
	struct qv_call_totals totals;
	struct medium_state video, audio;
	int64_t first_frame_ns, last_frame_ns;
	int sent_width, sent_height; /* of the last picture that was encoded */
	int64_t jitter_buffer_ns;    /* -1: none */
	struct histogram stage[QV_STAGE_COUNT];
	struct loudness loudness; /* of what was captured or played since it was read */
	bool filtered;
	struct qv_audiofilter_meters meters;
	struct histogram interval; /* of QV_STAGE_TOTAL since the last report */
};

struct ledger *ledger_new(struct qv_error *err);
void ledger_free(struct ledger *ledger);

/* Adds to one of the ledger's counters. */
void ledger_add(struct ledger *ledger, uint64_t *counter, uint64_t amount);

/* Notes a time of a stage, in ns. */
void ledger_stage(struct ledger *ledger, enum qv_call_stage stage, int64_t duration_ns);

/* Notes that a frame was sent or shown. */
void ledger_frame(struct ledger *ledger, int64_t now);

/* Notes the size in which a picture was encoded. */
void ledger_picture(struct ledger *ledger, const struct qv_video_format *format);

/* Notes sound that was captured or played. */
void ledger_sound(struct ledger *ledger, const struct qv_audio_block *block);

/* Notes what an audio filter says of it. */
void ledger_filtered(struct ledger *ledger, const struct qv_audiofilter_meters *meters);

/* The loudness since the last call. */
struct qv_sound_level ledger_take_level(struct ledger *ledger);

/* Notes how the thread of a medium ended; `err` may be NULL. */
void ledger_finish(struct ledger *ledger, struct medium_state *state, bool closed, const struct qv_error *err);

/* Copies under the lock. */
struct qv_call_totals ledger_totals(struct ledger *ledger);
struct medium_state ledger_state(struct ledger *ledger, const struct medium_state *state);

/* Median of the interval in ns, -1 without any, and begins the next interval. */
int64_t ledger_interval(struct ledger *ledger);

/* Adds what another half of the call counted. */
void ledger_merge(struct qv_call_totals *into, const struct qv_call_totals *from);

/* Fills what the ledger knows of a result. Only when no other thread is left. */
void ledger_result(struct ledger *ledger, struct qv_call_result *result);

#endif
