/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound made shorter or longer by about one period of its pitch, with overlap and similar waveforms (WSOLA), so that it
 * is neither higher nor lower and has no click: what was before and what comes after joins as it did.
 */
#ifndef QV_AUDIO_STRETCH_H
#define QV_AUDIO_STRETCH_H

#include <qvisio/media.h>

/* Lengths of a period that are looked for; whatever sounds lower is joined at several periods or not at all. */
#define STRETCH_LEAST_US 2500
#define STRETCH_MOST_US  15000

/* Samples per channel that a block may become longer by. */
size_t stretch_room(const struct qv_audio_format *format);

/*
 * Takes a period of at most `most` out of `frames` samples per channel, in place; how many are left. Nothing is taken out
 * where no two periods are alike, unless `eager`.
 */
size_t stretch_shorten(const struct qv_audio_format *format, int16_t *samples, size_t frames, size_t most, bool eager);

/* Puts one in; `samples` has stretch_room more. How many there are then. */
size_t stretch_lengthen(const struct qv_audio_format *format, int16_t *samples, size_t frames, bool eager);

/* The length of the period that `frames` samples begin with, at most half of them; 0: they are too few. */
size_t stretch_period(const struct qv_audio_format *format, const int16_t *samples, size_t frames);

#endif
