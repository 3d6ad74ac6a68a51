/* SPDX-License-Identifier: Apache-2.0 */
/* The audio sinks of all calls: what each call plays is added up and given to the real sinks, at their pace. */
#ifndef QV_CONFERENCE_SPEAKER_H
#define QV_CONFERENCE_SPEAKER_H

#include <qvisio/audiosink.h>
#include <qvisio/conference.h>
#include <qvisio/loader.h>

#include "../call/medium.h"

struct speaker;

/* One input of it: what a call's role names. */
struct speaker_input {
	struct speaker *speaker;
	size_t number;
};

/* Of `plan` the audio sinks, and `late`, are looked at. */
struct speaker *speaker_open(struct media *media, const struct qv_conference_plan *plan,
			     const struct qv_audio_format *format, struct qv_error *err);
void speaker_close(struct speaker *speaker); /* NULL is fine; no input is open. Raise media->stop before. */

struct speaker_input *speaker_input(struct speaker *speaker, size_t number);
double speaker_level(struct speaker *speaker, size_t number);

/* A class whose instances are inputs: qv_host.object is a struct speaker_input. */
extern const struct qv_audiosink_class speaker_input_class;

#endif
