/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is played, placed on the time of what is captured, for echo cancellation. The playing thread puts sound in with
 * the time at which it will be heard; the capturing thread tells when its samples were heard, and takes what was to be
 * heard with them. Times of devices jitter, and their clocks drift. An echo has to keep its distance to be cancelled, so
 * sound is resampled by what the clocks are found to differ, and moved only when it is milliseconds off.
 */
#ifndef QV_AUDIO_FAR_END_H
#define QV_AUDIO_FAR_END_H

#include <qvisio/audiofilter.h>

struct far_end;

struct far_end *far_end_new(struct qv_error *err);
void far_end_free(struct far_end *far); /* NULL is fine */

/* Playing thread; NULL is fine, and costs nothing. Until something was captured, there is nothing to place it on. */
void far_end_put(struct far_end *far, const struct qv_audio_block *block, int64_t heard_ns);

/* Capturing thread: its rate, before anything else. */
int far_end_begin(struct far_end *far, int rate, struct qv_error *err);

/* Capturing thread: when the sample of that place was heard. True: time has jumped since the last call. */
bool far_end_captured(struct far_end *far, uint64_t position, int64_t capture_ns);

/*
 * Capturing thread: one channel of what was played with the samples from `position` on, QV_AUDIOFILTER_AHEAD_MS early;
 * zeros where nothing was. False: nothing has been played yet.
 */
bool far_end_take(struct far_end *far, uint64_t position, int16_t *samples, size_t frames);

#endif
