/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sinks of received sound, as one. A sink that fails leaves the others at work, and is looked for until it works
 * again where the call keeps its devices. Another one can take the place of the first.
 */
#ifndef QV_CALL_AUDIO_SINKS_H
#define QV_CALL_AUDIO_SINKS_H

#include <qvisio/audiosink.h>
#include <qvisio/call.h>

#include "medium.h"

struct audio_sinks;

/* Opens all sinks of the plan, or none. NULL with err. */
struct audio_sinks *audio_sinks_open(const struct media *media, const struct qv_receive_plan *plan,
				     const struct qv_audio_format *format, struct qv_error *err);

/* Whether a sink of the plan sets the pace; known before they are open. */
bool audio_sinks_paced(const struct qv_receive_plan *plan);

/* As the callbacks of the same names; `delay` is that of the slowest. write fails when no sink is left. */
int audio_sinks_write(struct audio_sinks *sinks, const struct qv_audio_block *block, struct qv_error *err);
int64_t audio_sinks_delay(struct audio_sinks *sinks);
int64_t audio_sinks_least_delay(struct audio_sinks *sinks); /* likewise */

/* NULL is fine. */
void audio_sinks_close(struct audio_sinks *sinks);

#endif
