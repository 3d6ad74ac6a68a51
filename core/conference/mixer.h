/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adds sounds of one format. Each input has a small buffer, which takes up that the senders' clocks and threads are not
 * the player's; one that runs dry fades out within milliseconds. It has no lock and reads no clock.
 */
#ifndef QV_CONFERENCE_MIXER_H
#define QV_CONFERENCE_MIXER_H

#include <stdbool.h>

#include <qvisio/media.h>

#define MIXER_INPUTS   5
#define MIXER_BLOCK_MS 10 /* that mixer_run writes */
#define MIXER_INPUT_MS 40 /* that an input holds */
#define MIXER_AHEAD_MS 10 /* by which the limiter is late */

struct mixer;

struct mixer *mixer_new(const struct qv_audio_format *format, struct qv_error *err);
void mixer_free(struct mixer *mixer); /* NULL is fine */

size_t mixer_block(const struct mixer *mixer); /* samples per channel */

/* Takes as many samples per channel of `frames` as there is room for. */
size_t mixer_put(struct mixer *mixer, size_t input, const int16_t *samples, size_t frames);
size_t mixer_held(const struct mixer *mixer, size_t input);

/* Nothing of what an input holds is heard. */
void mixer_clear(struct mixer *mixer, size_t input);

/* Takes a block out of each input, and writes the sum. */
void mixer_run(struct mixer *mixer, int16_t *out);

/* The peak of late, 0…1. */
double mixer_level(const struct mixer *mixer, size_t input);

#endif
