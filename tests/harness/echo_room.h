/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A room for testing echo cancellers: two voices, a loudspeaker that clips softly, and 100 ms of reverberation from it
 * to the microphone. Everything follows from the seed.
 *
 * One voice is played all the time. The other one speaks into the microphone in the middle third.
 */
#ifndef TESTS_HARNESS_ECHO_ROOM_H
#define TESTS_HARNESS_ECHO_ROOM_H

#include <stdint.h>

#include <qvisio/audiofilter.h>

#define ECHO_ROOM_SECONDS 24

struct echo_room {
	int rate;
	size_t total;      /* samples */
	int16_t *played;   /* as a filter gets it: QV_AUDIOFILTER_AHEAD_MS early */
	int16_t *near;     /* the voice at the microphone */
	int16_t *echo;     /* of what is played, at the microphone */
	int16_t *captured; /* both, and a little noise */
	int16_t *out;      /* what a filter made of it */
};

/* False: no memory. */
bool echo_room_make(struct echo_room *room, int rate, unsigned seed);
void echo_room_clear(struct echo_room *room);

/* Nothing is played: the near voice is alone. */
void echo_room_silence(struct echo_room *room);

/* The echo comes later, by no more than a second. */
void echo_room_delay(struct echo_room *room, int later_ms);

/* Sends it all through a filter; false with err when it fails. */
bool echo_room_run(struct echo_room *room, const struct qv_audiofilter_class *class, struct qv_audiofilter *filter,
		   size_t block_frames, struct qv_error *err);

/* What a filter that lags `lag` samples behind did; dB. */
struct echo_result {
	double before_talk;  /* by how much the echo is weaker, just before the middle third */
	double double_talk;  /* in it: by how much less of the echo is found in what comes out */
	double after_talk;   /* from a second after it on */
	double voice_fit;    /* correlation of the near voice with what comes out, in the middle third */
	double voice_shape;  /* the same of their levels, every 10 ms */
	double voice_change; /* of its level */
};
struct echo_result echo_room_judge(const struct echo_room *room, size_t lag);

#endif
