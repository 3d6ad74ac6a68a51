/* SPDX-License-Identifier: Apache-2.0 */
/* One sink of received sound, in whatever format it takes. */
#ifndef QV_CALL_AUDIO_DEVICE_H
#define QV_CALL_AUDIO_DEVICE_H

#include <qvisio/audiosink.h>
#include <qvisio/loader.h>

#include "medium.h"

struct audio_device;

/* Opens a sink for sound of `format`. NULL with err. */
struct audio_device *audio_device_open(const struct media *media, const struct qv_role *role,
				       const struct qv_audio_format *format, struct qv_error *err);

/* Lets it play out what it holds, which may take as long as that. NULL is fine. */
void audio_device_close(struct audio_device *device);

const struct qv_audiosink_class *audio_device_class(const struct audio_device *device);

/* As the callbacks of the same names; 0 where the sink does not pace. */
int audio_device_write(struct audio_device *device, const struct qv_audio_block *block, struct qv_error *err);
int64_t audio_device_delay(struct audio_device *device);
int64_t audio_device_least_delay(struct audio_device *device);

#endif
