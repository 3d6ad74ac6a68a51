/* SPDX-License-Identifier: Apache-2.0 */
/* What is captured, on its way through an audio filter: mixed, in the filter's blocks, beside what is played. */
#ifndef QV_CALL_VOICE_FILTER_H
#define QV_CALL_VOICE_FILTER_H

#include "medium.h"

struct voice_filter;

/* For blocks of `block_frames` of the format. The media's far end may be NULL: nothing is played. */
struct voice_filter *voice_filter_open(const struct media *media, const struct qv_role *role,
				       const struct qv_audio_format *format, size_t block_frames, struct qv_error *err);
void voice_filter_close(struct voice_filter *filter); /* NULL is fine */

/*
 * Replaces the samples and the time of a block of at most a second, valid until the next call. Should the filter fail,
 * that is logged, and sound goes on as it is.
 */
void voice_filter_run(struct voice_filter *filter, struct qv_audio_block *block);

#endif
