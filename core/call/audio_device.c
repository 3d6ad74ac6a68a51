/* SPDX-License-Identifier: Apache-2.0 */
#include "audio_device.h"

#include <stdlib.h>

#include "../audio/resampler.h"

struct audio_device {
	struct module_host host;
	const struct qv_audiosink_class *class;
	struct qv_audiosink *sink;
	struct qv_audio_format format;
	struct resampler *resampler; /* NULL: the sink takes the sound as it is */
	int16_t *samples;            /* of the sink's format */
	size_t room;                 /* samples per channel in it */
	uint64_t position;
};

/* Where the sink takes another format than the decoder gives. */
static int adapt(struct audio_device *device, const struct qv_audio_format *format, struct qv_error *err)
{
	device->format = *format;
	if (device->class->format)
		device->class->format(device->sink, &device->format);
	if (device->format.rate == format->rate && device->format.channels == format->channels)
		return 0;
	device->resampler = resampler_new(format, &device->format, err);
	return device->resampler ? 0 : -1;
}

struct audio_device *audio_device_open(const struct media *media, const struct qv_role *role,
				       const struct qv_audio_format *format, struct qv_error *err)
{
	struct audio_device *device = calloc(1, sizeof *device);
	if (!device) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio sink");
		return NULL;
	}
	module_host_init(&device->host, media, "audio.sink");
	module_host_take(&device->host, role);
	device->class = qv_audiosink_class(role->class);
	device->sink = device->class->open(&device->host.host, role->options, format, err);
	if (device->sink && adapt(device, format, err) == 0)
		return device;
	qv_error_prefix(err, "audio sink \"%s\"", device->class->head.name);
	audio_device_close(device);
	return NULL;
}

void audio_device_close(struct audio_device *device)
{
	if (!device)
		return;
	if (device->sink)
		device->class->close(device->sink);
	resampler_free(device->resampler);
	free(device->samples);
	module_host_clear(&device->host);
	free(device);
}

const struct qv_audiosink_class *audio_device_class(const struct audio_device *device)
{
	return device->class;
}

static int write_adapted(struct audio_device *device, const struct qv_audio_block *block, struct qv_error *err)
{
	size_t room = resampler_room(device->resampler, block->frames);
	if (room > device->room) {
		size_t bytes = room * (size_t)device->format.channels * sizeof device->samples[0];
		int16_t *grown = realloc(device->samples, bytes);
		if (!grown)
			return qv_fail(err, QV_E_NOMEM, "no memory for sound of another rate");
		device->samples = grown;
		device->room = room;
	}
	struct qv_audio_block adapted = { .format = device->format,
					  .samples = device->samples,
					  .capture_ns = block->capture_ns,
					  .position = device->position };
	adapted.frames = resampler_run(device->resampler, block->samples, block->frames, device->samples);
	device->position += adapted.frames;
	return adapted.frames > 0 ? device->class->write(device->sink, &adapted, err) : 0;
}

int audio_device_write(struct audio_device *device, const struct qv_audio_block *block, struct qv_error *err)
{
	int status =
		device->resampler ? write_adapted(device, block, err) : device->class->write(device->sink, block, err);
	if (status != 0 && (!err || err->code != QV_E_CANCELLED))
		qv_error_prefix(err, "audio sink \"%s\"", device->class->head.name);
	return status;
}

int64_t audio_device_delay(struct audio_device *device)
{
	return device->class->paced ? device->class->delay(device->sink) : 0;
}

int64_t audio_device_least_delay(struct audio_device *device)
{
	return device->class->paced && device->class->least_delay ? device->class->least_delay(device->sink) : 0;
}
