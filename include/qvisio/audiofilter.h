/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "audiofilter": makes captured sound fit to be sent: takes out the echo of what is played, and noise, and evens the
 * level out.
 *
 * Voice is one channel here. The core mixes the channels of a microphone and of what is played, cuts both into blocks of
 * the filter's length, and puts beside each captured block what was to be heard while it was captured.
 *
 * Threads: playing and capturing are two threads, with clocks that drift. That is the core's affair: the playing thread
 * writes into a line that has a lock of its own, and the capturing thread takes from it what fits the time of a captured
 * block. Only the capturing thread calls an instance, so a filter needs no lock.
 */
#ifndef QVISIO_AUDIOFILTER_H
#define QVISIO_AUDIOFILTER_H

#include <qvisio/media.h>
#include <qvisio/module.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_AUDIOFILTER_ABI_MAJOR 1
#define QV_AUDIOFILTER_ABI_MINOR 0

/*
 * How much later than the times of devices say what is played may reach the microphone, and how much earlier: the core
 * puts the played sound this much ahead of the captured, so that an echo always comes after what it is an echo of. A
 * filter's span has to hold this beside the room.
 */
#define QV_AUDIOFILTER_AHEAD_MS 10

struct qv_audiofilter;

/* For meters, over about the last second. NAN: not known, or not measured by this filter. */
struct qv_audiofilter_meters {
	double level_dbfs;          /* of the sound that came out, RMS; -120 for silence */
	double voice;               /* probability that somebody speaks here, 0…1 */
	double gain_db;             /* by which the level was raised */
	double echo_return_loss_db; /* of what was played until it was captured, before the filter (ITU-T G.168, ERL) */
	double echo_enhancement_db; /* by which the filter weakened that echo (ERLE) */
};

struct qv_audiofilter_class {
	struct qv_class head;

	/*
	 * Required. Sets the samples of a block, which lasts at most 40 ms, for one channel of `rate` samples a second,
	 * 8000…192000. QV_E_UNSUPPORTED, saying which rates there are.
	 */
	int (*plan)(const struct qv_options *options, int rate, size_t *block_frames, struct qv_error *err);

	/* Required. Fails as `plan` does. */
	struct qv_audiofilter *(*open)(const struct qv_host *host, const struct qv_options *options, int rate,
				       struct qv_error *err);
	void (*close)(struct qv_audiofilter *filter); /* required; NULL is fine */

	/*
	 * Required. Works on one block in place; never waits. `played` is as long and begins QV_AUDIOFILTER_AHEAD_MS later,
	 * with zeros where nothing was played; NULL: nothing is played at all, or the options ask for no cancellation.
	 */
	int (*process)(struct qv_audiofilter *filter, int16_t *captured, const int16_t *played, struct qv_error *err);

	/* Required. Samples by which what comes out lags behind what went in. */
	size_t (*lag)(const struct qv_audiofilter *filter);

	/* Required. Fills all of it. */
	void (*meters)(const struct qv_audiofilter *filter, struct qv_audiofilter_meters *meters);

	/*
	 * Optional. What is played or captured has jumped (a device was changed, sound was left out): what was learned of
	 * the echo's way need not hold any more. NULL: it finds out by itself.
	 */
	void (*reset)(struct qv_audiofilter *filter);
};

const struct qv_audiofilter_class *qv_audiofilter_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
