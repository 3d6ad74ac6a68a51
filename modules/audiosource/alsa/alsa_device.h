/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One PCM of libasound, never blocking inside the library, with errors in our words. Used by source and sink; not safe
 * on several threads at once.
 */
#ifndef ALSA_DEVICE_H
#define ALSA_DEVICE_H

#include <alsa/asoundlib.h>

#include <qvisio/media.h>
#include <qvisio/module.h>

#include "alsa_samples.h"

struct alsa_device {
	struct qv_host host;
	struct qv_audio_format format;
	char name[128];
	snd_pcm_t *pcm;
	const struct alsa_samples *samples; /* that it has, converted where they are others than of 16 bits: */
	uint8_t *converted;
	snd_pcm_uframes_t period, buffer; /* samples per channel, as the device took them */
	unsigned xruns;
	unsigned failures; /* restarts since sound last moved */
};

/*
 * Opens `name` for `format`, or the nearest that it has, which is in the device's `format` then; period and buffer are
 * wishes in samples per channel of what is asked for. A playback stream starts
 * when its buffer is full up to its last period. 0, or -1 with nothing left open.
 */
int alsa_device_open(struct alsa_device *device, const struct qv_host *host, const char *name, snd_pcm_stream_t stream,
		     const struct qv_audio_format *format, size_t period, size_t buffer, struct qv_error *err);
void alsa_device_close(struct alsa_device *device);

/*
 * Transfers up to `frames`: their number, 0 when the device is not ready, -1 with QV_E_GONE or QV_E_IO. After an xrun
 * or a suspended machine the stream is prepared anew, `*restarted` is set, and the result is 0.
 */
long alsa_device_read(struct alsa_device *device, int16_t *samples, size_t frames, bool *restarted,
		      struct qv_error *err);
long alsa_device_write(struct alsa_device *device, const int16_t *samples, size_t frames, bool *restarted,
		       struct qv_error *err);

int alsa_device_start(struct alsa_device *device, struct qv_error *err);

/* Waits for it to be ready: 1, 0 after `timeout_ms`, -1 QV_E_CANCELLED, QV_E_IO. */
int alsa_device_wait(struct alsa_device *device, int timeout_ms, struct qv_error *err);

/*
 * Samples per channel between the program and the microphone or loudspeaker, and the time at which that was so.
 * False when the device cannot tell.
 */
bool alsa_device_delay(struct alsa_device *device, long *frames, int64_t *at_ns);

bool alsa_device_running(struct alsa_device *device);

#endif
