/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound made up for what is missing, for codecs that do not do that themselves: the last period of the pitch, again and
 * again and ever softer, and a short fade from it to what comes after.
 */
#ifndef QV_AUDIO_CONCEAL_H
#define QV_AUDIO_CONCEAL_H

#include <qvisio/media.h>

struct conceal;

struct conceal *conceal_new(const struct qv_audio_format *format, struct qv_error *err);
void conceal_free(struct conceal *conceal); /* NULL is fine */

/* Fills `samples` with what may have been there. */
void conceal_make(struct conceal *conceal, int16_t *samples, size_t frames);

/* Sound that is there; its start is changed where what was made up comes before it. */
void conceal_pass(struct conceal *conceal, int16_t *samples, size_t frames);

#endif
