/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One audio source for all calls. It is open while a call has its share open. Every share reads on by itself; who is more
 * than half a second late loses sound, and holds up nobody.
 */
#ifndef QV_CONFERENCE_MICROPHONE_H
#define QV_CONFERENCE_MICROPHONE_H

#include <qvisio/audiosource.h>
#include <qvisio/loader.h>

#include "../call/medium.h"

struct microphone;

/* `filter` NULL: sound goes on as it is captured. */
struct microphone *microphone_new(const struct media *media, const struct qv_role *role, const struct qv_role *filter,
				  struct qv_error *err);
/* Goes over to another source. */
void microphone_use(struct microphone *microphone, const struct qv_role *role);
void microphone_free(struct microphone *microphone); /* NULL is fine; no share is open */

/* A class whose instances are shares of the microphone that qv_host.object names. */
extern const struct qv_audiosource_class microphone_share_class;

#endif
