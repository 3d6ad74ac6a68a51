/* SPDX-License-Identifier: Apache-2.0 */
#include "pulse_stream.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* For a server that accepts a connection and then says nothing. */
#define CONNECT_MS 5000

#define REPORTED (-2)

static void wake(struct pulse_stream *stream)
{
	eventfd_write(stream->event_fd, 1);
}

static void on_context(pa_context *context, void *user)
{
	(void)context;
	wake(user);
}

static void on_stream(pa_stream *pa, void *user)
{
	(void)pa;
	wake(user);
}

static void on_data(pa_stream *pa, size_t bytes, void *user)
{
	(void)pa, (void)bytes;
	wake(user);
}

static void on_underflow(pa_stream *pa, void *user)
{
	(void)pa;
	struct pulse_stream *stream = user;
	stream->underruns++;
}

static void on_moved(pa_stream *pa, void *user)
{
	const struct pulse_stream *stream = user;
	qv_log_warning(stream->host.log, "PulseAudio moved the stream to \"%s\"", pa_stream_get_device_name(pa));
}

static void on_suspended(pa_stream *pa, void *user)
{
	struct pulse_stream *stream = user;
	qv_log_info(stream->host.log, "PulseAudio device \"%s\" %s", pa_stream_get_device_name(pa),
		    pa_stream_is_suspended(pa) > 0 ? "is suspended" : "runs");
	wake(stream);
}

static enum qv_code code_of(int error)
{
	switch (error) {
	case PA_ERR_ACCESS:
	case PA_ERR_AUTHKEY:
		return QV_E_DENIED;
	case PA_ERR_CONNECTIONREFUSED:
	case PA_ERR_NOENTITY:
	case PA_ERR_INVALIDSERVER:
		return QV_E_NOT_FOUND;
	case PA_ERR_BUSY:
		return QV_E_BUSY;
	case PA_ERR_TIMEOUT:
		return QV_E_TIMEOUT;
	case PA_ERR_CONNECTIONTERMINATED:
	case PA_ERR_KILLED:
		return QV_E_GONE;
	case PA_ERR_NOTSUPPORTED:
		return QV_E_UNSUPPORTED;
	default:
		return QV_E_IO;
	}
}

int pulse_stream_fail(struct pulse_stream *stream, const char *what, struct qv_error *err)
{
	int error = pa_context_errno(stream->context);
	return qv_fail(err, code_of(error), "PulseAudio: %s: %s", what, pa_strerror(error));
}

int pulse_stream_check(struct pulse_stream *stream, struct qv_error *err)
{
	if (!PA_CONTEXT_IS_GOOD(pa_context_get_state(stream->context)))
		return qv_fail(err, QV_E_GONE, "the PulseAudio server went away: %s",
			       pa_strerror(pa_context_errno(stream->context)));
	if (!PA_STREAM_IS_GOOD(pa_stream_get_state(stream->stream)))
		return qv_fail(err, QV_E_GONE, "the PulseAudio device was removed, and there is no other");
	return 0;
}

int pulse_stream_wait(struct pulse_stream *stream, int timeout_ms, struct qv_error *err)
{
	int ready = qv_wait_fd(stream->event_fd, POLLIN, timeout_ms, stream->host.cancel_fd, err);
	eventfd_t count;
	if (ready > 0)
		eventfd_read(stream->event_fd, &count);
	return ready;
}

/*
 * With the loop locked; unlocks it while it waits. 1 once `state` says so, -1 when it says failed, REPORTED with `err`
 * filled when it was cancelled or takes more than CONNECT_MS.
 */
static int await(struct pulse_stream *stream, int (*state)(struct pulse_stream *), const char *what,
		 struct qv_error *err)
{
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + CONNECT_MS * QV_NS_PER_MS;
	for (;;) {
		int now = state(stream);
		if (now != 0)
			return now;
		int64_t left = (deadline - qv_clock_now(&qv_clock_monotonic)) / QV_NS_PER_MS;
		if (left <= 0) {
			qv_fail(err, QV_E_TIMEOUT, "PulseAudio: %s took more than %d s", what, CONNECT_MS / 1000);
			return REPORTED;
		}
		pa_threaded_mainloop_unlock(stream->loop);
		int woken = pulse_stream_wait(stream, (int)left, err);
		pa_threaded_mainloop_lock(stream->loop);
		if (woken < 0)
			return REPORTED;
	}
}

static int context_state(struct pulse_stream *stream)
{
	pa_context_state_t state = pa_context_get_state(stream->context);
	return state == PA_CONTEXT_READY ? 1 : PA_CONTEXT_IS_GOOD(state) ? 0 : -1;
}

/* Ready with its timing known, so that the first block has a time. */
static int stream_state(struct pulse_stream *stream)
{
	pa_stream_state_t state = pa_stream_get_state(stream->stream);
	if (!PA_STREAM_IS_GOOD(state))
		return -1;
	return state == PA_STREAM_READY && pa_stream_get_timing_info(stream->stream);
}

static int connect_context(struct pulse_stream *stream, const struct qv_options *values, struct qv_error *err)
{
	const char *server = qv_options_string(values, "server");
	stream->context =
		pa_context_new(pa_threaded_mainloop_get_api(stream->loop), qv_options_string(values, "application"));
	if (!stream->context)
		return qv_fail(err, QV_E_NOMEM, "no memory for a PulseAudio connection");
	pa_context_set_state_callback(stream->context, on_context, stream);
	int result = pa_context_connect(stream->context, server, PA_CONTEXT_NOAUTOSPAWN, NULL) < 0
			     ? -1
			     : await(stream, context_state, "connecting", err);
	if (result > 0)
		return 0;
	int error = pa_context_errno(stream->context);
	if (result != REPORTED)
		qv_fail(err, code_of(error),
			"no PulseAudio server answers at %s: %s; start one (\"pulseaudio --start\", or "
			"pipewire-pulse), or "
			"say with \"server\" where it is",
			server ? server : "the usual places", pa_strerror(error));
	return -1;
}

static pa_buffer_attr buffer_attributes(const struct pulse_stream *stream, const struct qv_options *values)
{
	int64_t frames = qv_options_int(values, "latency") * stream->format.rate / 1000;
	uint32_t bytes = (uint32_t)((size_t)(frames > 0 ? frames : 1) * stream->frame_bytes);
	/* A request of a quarter lets the server take sound while most of the buffer still plays. */
	uint32_t quarter = (uint32_t)((size_t)(frames > 4 ? frames / 4 : 1) * stream->frame_bytes);
	/* It plays from the first request on: how much is held is up to whoever writes. */
	/* Of recorded sound that does not fit, libpulse says nothing: so as much as the server allows, some 20 s or more. */
	return (pa_buffer_attr){
		.maxlength = (uint32_t)-1, .tlength = bytes, .prebuf = quarter, .minreq = quarter, .fragsize = bytes
	};
}

static int connect_stream(struct pulse_stream *stream, const struct qv_options *values, pa_stream_direction_t direction,
			  struct qv_error *err)
{
	pa_sample_spec spec = { .format = PA_SAMPLE_S16NE,
				.rate = (uint32_t)stream->format.rate,
				.channels = (uint8_t)stream->format.channels };
	pa_channel_map map;
	pa_channel_map_init_extend(&map, spec.channels, PA_CHANNEL_MAP_DEFAULT);
	pa_proplist *properties = pa_proplist_new();
	/* Lets the server pick a headset, duck music and cancel the echo, where it is set up to. */
	pa_proplist_sets(properties, PA_PROP_MEDIA_ROLE, "phone");
	stream->stream = pa_stream_new_with_proplist(stream->context, qv_options_string(values, "stream"), &spec, &map,
						     properties);
	pa_proplist_free(properties);
	if (!stream->stream)
		return pulse_stream_fail(stream, "making a stream", err);
	pa_stream_set_state_callback(stream->stream, on_stream, stream);
	pa_stream_set_latency_update_callback(stream->stream, on_stream, stream);
	pa_stream_set_read_callback(stream->stream, on_data, stream);
	pa_stream_set_write_callback(stream->stream, on_data, stream);
	pa_stream_set_underflow_callback(stream->stream, on_underflow, stream);
	pa_stream_set_moved_callback(stream->stream, on_moved, stream);
	pa_stream_set_suspended_callback(stream->stream, on_suspended, stream);
	const char *device = qv_options_string(values, "device");
	pa_buffer_attr attributes = buffer_attributes(stream, values);
	pa_stream_flags_t flags =
		PA_STREAM_ADJUST_LATENCY | PA_STREAM_INTERPOLATE_TIMING | PA_STREAM_AUTO_TIMING_UPDATE;
	int result = direction == PA_STREAM_RECORD
			     ? pa_stream_connect_record(stream->stream, device, &attributes, flags)
			     : pa_stream_connect_playback(stream->stream, device, &attributes, flags, NULL, NULL);
	if (result == 0)
		result = await(stream, stream_state, "starting the stream", err);
	if (result > 0)
		return 0;
	int error = pa_context_errno(stream->context);
	if (result != REPORTED)
		qv_fail(err, code_of(error),
			"PulseAudio device \"%s\" cannot be opened: %s; \"pactl list short %s\" "
			"lists the devices there are",
			device ? device : "(default)", pa_strerror(error),
			direction == PA_STREAM_RECORD ? "sources" : "sinks");
	return -1;
}

int pulse_stream_open(struct pulse_stream *stream, const struct qv_host *host, const struct qv_options *values,
		      const struct qv_audio_format *format, pa_stream_direction_t direction, struct qv_error *err)
{
	*stream = (struct pulse_stream){ .host = *host,
					 .format = *format,
					 .frame_bytes = (size_t)format->channels * sizeof(int16_t) };
	stream->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	stream->loop = pa_threaded_mainloop_new();
	if (stream->event_fd < 0 || !stream->loop || pa_threaded_mainloop_start(stream->loop) < 0)
		return qv_fail(err, QV_E_NOMEM, "no descriptor or thread for PulseAudio");
	pa_threaded_mainloop_lock(stream->loop);
	int result = connect_context(stream, values, err);
	if (result == 0)
		result = connect_stream(stream, values, direction, err);
	if (result == 0)
		qv_log_debug(host->log, "PulseAudio device \"%s\"", pa_stream_get_device_name(stream->stream));
	pa_threaded_mainloop_unlock(stream->loop);
	return result;
}

static void disconnect(struct pulse_stream *stream)
{
	if (stream->stream) {
		pa_stream_set_state_callback(stream->stream, NULL, NULL);
		pa_stream_set_latency_update_callback(stream->stream, NULL, NULL);
		pa_stream_set_read_callback(stream->stream, NULL, NULL);
		pa_stream_set_write_callback(stream->stream, NULL, NULL);
		pa_stream_set_underflow_callback(stream->stream, NULL, NULL);
		pa_stream_set_moved_callback(stream->stream, NULL, NULL);
		pa_stream_set_suspended_callback(stream->stream, NULL, NULL);
		pa_stream_disconnect(stream->stream);
		pa_stream_unref(stream->stream);
	}
	if (stream->context) {
		pa_context_set_state_callback(stream->context, NULL, NULL);
		pa_context_disconnect(stream->context);
		pa_context_unref(stream->context);
	}
}

void pulse_stream_close(struct pulse_stream *stream)
{
	if (stream->loop) {
		pa_threaded_mainloop_lock(stream->loop);
		disconnect(stream);
		pa_threaded_mainloop_unlock(stream->loop);
		pa_threaded_mainloop_stop(stream->loop);
		pa_threaded_mainloop_free(stream->loop);
	}
	if (stream->event_fd >= 0)
		close(stream->event_fd);
}
