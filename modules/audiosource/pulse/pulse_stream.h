/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream of a PulseAudio server (or of PipeWire's in its place). libpulse runs its own thread, which stays in
 * here: its callbacks only count and wake the caller's thread through `event_fd`, so every wait ends on cancel too.
 * Used by source and sink, each from one thread.
 */
#ifndef PULSE_STREAM_H
#define PULSE_STREAM_H

#include <pulse/pulseaudio.h>

#include <qvisio/media.h>
#include <qvisio/module.h>

struct pulse_stream {
	struct qv_host host;
	struct qv_audio_format format;
	size_t frame_bytes; /* of one sample of all channels */
	int event_fd;
	pa_threaded_mainloop *loop;
	/* The rest is used with the loop locked. */
	pa_context *context;
	pa_stream *stream;
	unsigned underruns;
};

/* The options that source and sink have in common. */
#define PULSE_OPTIONS(device_help, latency_default, latency_help)                                                      \
	{ .name = "server",                                                                                            \
	  .type = QV_OPTION_STRING,                                                                                    \
	  .help = "The PulseAudio server (\"unix:PATH\", \"tcp:HOST:PORT\"); without it the one of the session." },    \
		{ .name = "device", .type = QV_OPTION_STRING, .help = device_help },                                   \
		{ .name = "latency",                                                                                   \
		  .type = QV_OPTION_INT,                                                                               \
		  .fallback = latency_default,                                                                         \
		  .min = 1,                                                                                            \
		  .max = 2000,                                                                                         \
		  .unit = "ms",                                                                                        \
		  .help = latency_help },                                                                              \
		{ .name = "application",                                                                               \
		  .type = QV_OPTION_STRING,                                                                            \
		  .fallback = "Qvisio",                                                                                \
		  .help = "The name that volume controls show." },                                                     \
	{                                                                                                              \
		.name = "stream", .type = QV_OPTION_STRING, .fallback = "Call",                                        \
		.help = "The name of the stream that volume controls show."                                            \
	}

/*
 * Connects and starts; `direction` is PA_STREAM_RECORD or PA_STREAM_PLAYBACK. QV_E_NOT_FOUND, QV_E_DENIED,
 * QV_E_TIMEOUT, QV_E_CANCELLED, QV_E_IO; then close it all the same.
 */
int pulse_stream_open(struct pulse_stream *stream, const struct qv_host *host, const struct qv_options *values,
		      const struct qv_audio_format *format, pa_stream_direction_t direction, struct qv_error *err);
void pulse_stream_close(struct pulse_stream *stream);

/* With the loop locked: 0, or -1 QV_E_GONE once server or device went away. */
int pulse_stream_check(struct pulse_stream *stream, struct qv_error *err);

/* With the loop locked: records what libpulse says failed. Returns -1. */
int pulse_stream_fail(struct pulse_stream *stream, const char *what, struct qv_error *err);

/* With the loop not locked: waits for an event: 1, 0 after `timeout_ms`, -1 QV_E_CANCELLED, QV_E_IO. */
int pulse_stream_wait(struct pulse_stream *stream, int timeout_ms, struct qv_error *err);

#endif
