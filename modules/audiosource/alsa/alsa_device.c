/* SPDX-License-Identifier: Apache-2.0 */
#include "alsa_device.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MAX 16

/* Samples per channel that are converted at a time. */
#define CONVERT_FRAMES 1024

/* Restarts in a row that move no sound. */
#define FAILURES_MAX 8

/*
 * What libasound itself says of a failed call. Its only hook without effect on other users of the library in this
 * process is one per thread, and it passes no pointer: so the text of one call lies in the thread that makes it.
 */
static _Thread_local char said[256];

__attribute__((format(printf, 5, 0))) static void keep_first(const char *file, int line, const char *function, int err,
							     const char *format, va_list args)
{
	(void)file, (void)line, (void)function, (void)err;
	if (!said[0])
		vsnprintf(said, sizeof said, format, args);
}

static snd_local_error_handler_t listen_begin(void)
{
	said[0] = 0;
	return snd_lib_error_set_local(keep_first);
}

static void listen_end(snd_local_error_handler_t previous)
{
	snd_lib_error_set_local(previous);
}

/* Calls libasound with its messages kept from stderr. */
#define QUIETLY(result, call)                                                                                          \
	do {                                                                                                           \
		snd_local_error_handler_t previous_ = listen_begin();                                                  \
		(result) = (call);                                                                                     \
		listen_end(previous_);                                                                                 \
	} while (0)

static enum qv_code code_of(int error)
{
	switch (-error) {
	case EBUSY:
	case EAGAIN:
		return QV_E_BUSY;
	case EACCES:
	case EPERM:
		return QV_E_DENIED;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return QV_E_NOT_FOUND;
	case ENOMEM:
		return QV_E_NOMEM;
	default:
		return QV_E_IO;
	}
}

static int fail_open(const char *name, int error, struct qv_error *err)
{
	const char *advice = "";
	if (code_of(error) == QV_E_NOT_FOUND)
		advice = "; \"aplay -L\" and \"arecord -L\" list the devices there are";
	else if (code_of(error) == QV_E_DENIED)
		advice = "; the user may have to be in the group audio";
	else if (code_of(error) == QV_E_BUSY)
		advice = "; another program has it open";
	return qv_fail(err, code_of(error), "ALSA device \"%s\" cannot be opened: %s%s%s%s%s", name,
		       snd_strerror(error), said[0] ? " (" : "", said, said[0] ? ")" : "", advice);
}

static int fail_gone(struct alsa_device *device, int error, struct qv_error *err)
{
	return qv_fail(err, QV_E_GONE, "ALSA device \"%s\" was removed: %s", device->name, snd_strerror(error));
}

static bool is_gone(struct alsa_device *device, int error)
{
	static const int gone[] = { ENODEV, ENXIO, ENOTCONN, ECONNREFUSED, ECONNRESET, ESHUTDOWN, EBADFD };
	for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
		if (-error == gone[i])
			return true;
	if (snd_pcm_state(device->pcm) == SND_PCM_STATE_DISCONNECTED)
		return true;
	/* A stalled device can be prepared anew; one whose sound server went away cannot. */
	int prepared = 0;
	if (error == -EIO)
		QUIETLY(prepared, snd_pcm_prepare(device->pcm));
	return prepared < 0;
}

static int fail_running(struct alsa_device *device, int error, struct qv_error *err)
{
	char text[sizeof said];
	memcpy(text, said, sizeof text);
	if (is_gone(device, error))
		return fail_gone(device, error, err);
	return qv_fail(err, QV_E_IO, "ALSA device \"%s\": %s%s%s", device->name, snd_strerror(error),
		       text[0] ? ": " : "", text);
}

/* What the device can do, for the message that it cannot do what is asked. */
static int fail_format(struct alsa_device *device, const char *what, snd_pcm_hw_params_t *params, struct qv_error *err)
{
	unsigned rate_min = 0, rate_max = 0, channels_min = 0, channels_max = 0;
	snd_pcm_hw_params_any(device->pcm, params);
	snd_pcm_hw_params_get_rate_min(params, &rate_min, NULL);
	snd_pcm_hw_params_get_rate_max(params, &rate_max, NULL);
	snd_pcm_hw_params_get_channels_min(params, &channels_min);
	snd_pcm_hw_params_get_channels_max(params, &channels_max);
	return qv_fail(err, QV_E_UNSUPPORTED,
		       "ALSA device \"%s\" cannot do %s of %d Hz, %d channels: it has %u to %u Hz, %u to %u channels; "
		       "\"plughw:…\" or \"default\" convert",
		       device->name, what, device->format.rate, device->format.channels, rate_min, rate_max,
		       channels_min, channels_max);
}

/* The first that it has of the sample formats that we have. */
static int set_samples(struct alsa_device *device, snd_pcm_hw_params_t *params, struct qv_error *err)
{
	const struct alsa_samples *samples;
	for (size_t rank = 0; (samples = alsa_samples_ranked(rank)); rank++)
		if (snd_pcm_hw_params_set_format(device->pcm, params, samples->format) == 0)
			break;
	if (!samples)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "ALSA device \"%s\" has no samples of 16, 24 or 32 bits, nor floats; \"plughw:…\" or "
			       "\"default\" convert",
			       device->name);
	device->samples = samples;
	return 0;
}

/* The rate and the channels that are asked for, or the nearest that there are: whoever opened it adapts the sound. */
static int set_format(struct alsa_device *device, snd_pcm_hw_params_t *params, struct qv_error *err)
{
	snd_pcm_t *pcm = device->pcm;
	struct qv_audio_format asked = device->format;
	unsigned channels = (unsigned)asked.channels, rate = (unsigned)asked.rate;
	if (snd_pcm_hw_params_set_channels_near(pcm, params, &channels) < 0)
		return fail_format(device, "the channels", params, err);
	if (snd_pcm_hw_params_set_rate_near(pcm, params, &rate, NULL) < 0)
		return fail_format(device, "the rate", params, err);
	device->format = (struct qv_audio_format){ .rate = (int)rate, .channels = (int)channels };
	if (qv_audio_format_check(&device->format, err) != 0)
		return qv_error_prefix(err, "ALSA device \"%s\"", device->name);
	if (device->format.rate != asked.rate || device->format.channels != asked.channels)
		qv_log_info(
			device->host.log,
			"ALSA device \"%s\" has no %d Hz with %d channels: it is used with %u Hz and %u channels, and "
			"sound is converted",
			device->name, asked.rate, asked.channels, rate, channels);
	return 0;
}

/* `period` and `buffer` are of the rate that is asked for. */
static int set_hardware(struct alsa_device *device, size_t period, size_t buffer, struct qv_error *err)
{
	snd_pcm_t *pcm = device->pcm;
	snd_pcm_hw_params_t *params;
	uint64_t asked = (uint64_t)device->format.rate;
	snd_pcm_hw_params_alloca(&params);
	int error = snd_pcm_hw_params_any(pcm, params);
	if (error < 0)
		return fail_open(device->name, error, err);
	if (snd_pcm_hw_params_set_access(pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED) < 0)
		return fail_format(device, "interleaved access", params, err);
	if (set_samples(device, params, err) != 0 || set_format(device, params, err) != 0)
		return -1;
	device->period = (snd_pcm_uframes_t)(period * (uint64_t)device->format.rate / asked);
	device->buffer = (snd_pcm_uframes_t)(buffer * (uint64_t)device->format.rate / asked);
	snd_pcm_hw_params_set_period_size_near(pcm, params, &device->period, NULL);
	snd_pcm_hw_params_set_buffer_size_near(pcm, params, &device->buffer);
	error = snd_pcm_hw_params(pcm, params);
	if (error < 0)
		return fail_open(device->name, error, err);
	snd_pcm_hw_params_get_period_size(params, &device->period, NULL);
	snd_pcm_hw_params_get_buffer_size(params, &device->buffer);
	return 0;
}

static int set_software(struct alsa_device *device, struct qv_error *err)
{
	snd_pcm_t *pcm = device->pcm;
	snd_pcm_sw_params_t *params;
	snd_pcm_sw_params_alloca(&params);
	int error = snd_pcm_sw_params_current(pcm, params);
	if (error < 0)
		return fail_open(device->name, error, err);
	snd_pcm_uframes_t filled = device->buffer > device->period ? device->buffer - device->period : device->buffer;
	snd_pcm_sw_params_set_start_threshold(pcm, params, filled);
	snd_pcm_sw_params_set_avail_min(pcm, params, device->period);
	/* Times on the clock of the host, where the device has times at all. */
	snd_pcm_sw_params_set_tstamp_mode(pcm, params, SND_PCM_TSTAMP_ENABLE);
	snd_pcm_sw_params_set_tstamp_type(pcm, params, SND_PCM_TSTAMP_TYPE_MONOTONIC);
	error = snd_pcm_sw_params(pcm, params);
	return error < 0 ? fail_open(device->name, error, err) : 0;
}

/* With a configuration of its own: the one that snd_pcm_open keeps is global, and outlives a module that is unloaded. */
static int open_pcm(struct alsa_device *device, snd_pcm_stream_t stream)
{
	snd_config_t *top = NULL;
	snd_config_update_t *update = NULL;
	int error = snd_config_update_r(&top, &update, NULL);
	if (error >= 0)
		error = snd_pcm_open_lconf(&device->pcm, device->name, stream, SND_PCM_NONBLOCK, top);
	if (top)
		snd_config_delete(top);
	if (update)
		snd_config_update_free(update);
	return error;
}

/* For samples that have to be converted. */
static int make_room(struct alsa_device *device, struct qv_error *err)
{
	if (!device->samples->pack)
		return 0;
	device->converted = calloc((size_t)CONVERT_FRAMES * (size_t)device->format.channels, device->samples->bytes);
	return device->converted ? 0 : qv_fail(err, QV_E_NOMEM, "no memory to convert sound");
}

int alsa_device_open(struct alsa_device *device, const struct qv_host *host, const char *name, snd_pcm_stream_t stream,
		     const struct qv_audio_format *format, size_t period, size_t buffer, struct qv_error *err)
{
	*device = (struct alsa_device){ .host = *host, .format = *format };
	snprintf(device->name, sizeof device->name, "%s", name);
	snd_local_error_handler_t previous = listen_begin();
	int error = open_pcm(device, stream);
	int result = error < 0 ? fail_open(name, error, err) : set_hardware(device, period, buffer, err);
	if (result == 0)
		result = set_software(device, err);
	if (result == 0)
		result = make_room(device, err);
	if (result != 0 && error >= 0)
		snd_pcm_close(device->pcm);
	listen_end(previous);
	if (result != 0)
		device->pcm = NULL;
	else
		qv_log_debug(host->log,
			     "ALSA device \"%s\": %s, %d Hz, %d channels, periods of %lu in a buffer of %lu samples",
			     name, snd_pcm_format_name(device->samples->format), device->format.rate,
			     device->format.channels, device->period, device->buffer);
	return result;
}

void alsa_device_close(struct alsa_device *device)
{
	if (!device->pcm)
		return;
	int ignored;
	QUIETLY(ignored, snd_pcm_drop(device->pcm));
	QUIETLY(ignored, snd_pcm_close(device->pcm));
	(void)ignored;
	free(device->converted);
	device->converted = NULL;
	device->pcm = NULL;
}

/* A machine that slept: the device comes back by itself, or has to be prepared anew. */
static int resume(struct alsa_device *device, struct qv_error *err)
{
	int error;
	for (;;) {
		QUIETLY(error, snd_pcm_resume(device->pcm));
		if (error != -EAGAIN)
			break;
		int64_t soon = qv_clock_now(&qv_clock_monotonic) + 50 * QV_NS_PER_MS;
		if (qv_clock_sleep_until(soon, device->host.cancel_fd, err) != 0)
			return -1;
	}
	return 0;
}

static int recover(struct alsa_device *device, int error, struct qv_error *err)
{
	if (error == -ESTRPIPE) {
		qv_log_info(device->host.log, "ALSA device \"%s\" was suspended", device->name);
		if (resume(device, err) != 0)
			return -1;
	} else {
		device->xruns++;
		qv_log_debug(device->host.log, "ALSA device \"%s\": xrun %u: %s", device->name, device->xruns,
			     snd_strerror(error));
	}
	int prepared;
	QUIETLY(prepared, snd_pcm_prepare(device->pcm));
	if (prepared < 0)
		return fail_gone(device, error, err);
	return 0;
}

/* What a transfer returned, for the caller of ours. */
static long outcome(struct alsa_device *device, snd_pcm_sframes_t moved, bool *restarted, struct qv_error *err)
{
	*restarted = false;
	if (moved > 0)
		device->failures = 0;
	if (moved >= 0)
		return moved;
	if (moved == -EAGAIN || moved == -EINTR)
		return 0;
	bool broken = moved == -EPIPE || moved == -ESTRPIPE || moved == -EIO;
	bool present = snd_pcm_state(device->pcm) != SND_PCM_STATE_DISCONNECTED;
	if (!broken || !present || device->failures++ == FAILURES_MAX)
		return fail_running(device, (int)moved, err);
	if (recover(device, (int)moved, err) != 0)
		return -1;
	*restarted = true;
	return 0;
}

long alsa_device_read(struct alsa_device *device, int16_t *samples, size_t frames, bool *restarted,
		      struct qv_error *err)
{
	uint8_t *converted = device->converted;
	snd_pcm_sframes_t moved;
	if (converted && frames > CONVERT_FRAMES)
		frames = CONVERT_FRAMES;
	QUIETLY(moved, snd_pcm_readi(device->pcm, converted ? (void *)converted : samples, frames));
	if (converted && moved > 0)
		device->samples->unpack(converted, samples, (size_t)moved * (size_t)device->format.channels);
	return outcome(device, moved, restarted, err);
}

long alsa_device_write(struct alsa_device *device, const int16_t *samples, size_t frames, bool *restarted,
		       struct qv_error *err)
{
	uint8_t *converted = device->converted;
	snd_pcm_sframes_t moved;
	if (converted && frames > CONVERT_FRAMES)
		frames = CONVERT_FRAMES;
	if (converted)
		device->samples->pack(samples, converted, frames * (size_t)device->format.channels);
	QUIETLY(moved, snd_pcm_writei(device->pcm, converted ? (const void *)converted : samples, frames));
	return outcome(device, moved, restarted, err);
}

int alsa_device_start(struct alsa_device *device, struct qv_error *err)
{
	int error;
	QUIETLY(error, snd_pcm_start(device->pcm));
	return error < 0 ? fail_running(device, error, err) : 0;
}

int alsa_device_wait(struct alsa_device *device, int timeout_ms, struct qv_error *err)
{
	struct pollfd fds[POLL_MAX + 1];
	int count;
	QUIETLY(count, snd_pcm_poll_descriptors(device->pcm, fds, POLL_MAX));
	if (count < 0)
		return fail_running(device, count, err);
	fds[count] = (struct pollfd){ .fd = device->host.cancel_fd, .events = POLLIN };
	int ready = poll(fds, (nfds_t)count + 1, timeout_ms);
	if (ready < 0 && errno == EINTR)
		return 1;
	if (ready < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "waiting for ALSA device \"%s\"", device->name);
	if (ready == 0)
		return 0;
	if (fds[count].revents)
		return qv_fail(err, QV_E_CANCELLED, "cancelled");
	/* Some plugins have work of their own on their descriptors: this does it. Errors show at the next transfer. */
	unsigned short events;
	int error;
	QUIETLY(error, snd_pcm_poll_descriptors_revents(device->pcm, fds, (unsigned)count, &events));
	return error < 0 ? fail_running(device, error, err) : 1;
}

bool alsa_device_delay(struct alsa_device *device, long *frames, int64_t *at_ns)
{
	snd_pcm_status_t *status;
	snd_pcm_status_alloca(&status);
	int error;
	QUIETLY(error, snd_pcm_status(device->pcm, status));
	if (error < 0)
		return false;
	snd_htimestamp_t stamp;
	snd_pcm_status_get_htstamp(status, &stamp);
	*frames = snd_pcm_status_get_delay(status);
	*at_ns = (int64_t)stamp.tv_sec * QV_NS_PER_SECOND + stamp.tv_nsec;
	/* Plugins without a time of their own leave it at 0 or use another clock. */
	int64_t now = qv_clock_now(&qv_clock_monotonic), age = now - *at_ns;
	if (age < 0 || age > QV_NS_PER_SECOND)
		*at_ns = now;
	return true;
}

bool alsa_device_running(struct alsa_device *device)
{
	return snd_pcm_state(device->pcm) == SND_PCM_STATE_RUNNING;
}
