/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound of one rate and number of channels as that of another, by a polyphase windowed-sinc filter whose rate can be
 * moved by parts per million while it runs, which takes up the drift of two clocks. Between equal rates, without drift,
 * samples pass unchanged. It reads no clock and has no lock.
 */
#ifndef QV_AUDIO_RESAMPLER_H
#define QV_AUDIO_RESAMPLER_H

#include <qvisio/media.h>

#define RESAMPLER_DRIFT_MAX_PPM 2000.0

struct resampler;

/* One channel goes to all, all to one by their mean; else a channel goes to that of its number, or is folded in. */
struct resampler *resampler_new(const struct qv_audio_format *from, const struct qv_audio_format *to,
				struct qv_error *err);
void resampler_free(struct resampler *resampler); /* NULL is fine */

/* From the next call on `ppm` more input is used for the same output; bounded by RESAMPLER_DRIFT_MAX_PPM. */
void resampler_drift(struct resampler *resampler, double ppm);

/* Samples per channel that a call with `frames` makes at most. */
size_t resampler_room(const struct resampler *resampler, size_t frames);

/* Takes all of `in` and returns how many samples per channel it wrote to `out`. */
size_t resampler_run(struct resampler *resampler, const int16_t *in, size_t frames, int16_t *out);

/* Samples per channel at the rate of the input that are held back for the filter. */
double resampler_held(const struct resampler *resampler);

/* Samples per channel of the output that come only with input after their own, rounded up. */
size_t resampler_lag(const struct resampler *resampler);

/* What was taken and the input that follows do not belong together. */
void resampler_reset(struct resampler *resampler);

#endif
