/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts to test the pipeline with, whose every step the test decides and counts: a TLS backend that encrypts nothing,
 * sources, codecs and sinks. The real ones are tested with it in the integration tests.
 */
#ifndef TESTS_CALL_PARTS_H
#define TESTS_CALL_PARTS_H

#include <pthread.h>

#include <qvisio/call.h>

/* Plain text over a stream socket; half-closing it stands for close_notify. */
extern const struct qv_tls_class plain_tls;
struct qv_tls_session *plain_session(int fd);
/* Sessions of the same number export the same keys. */
void plain_number(struct qv_tls_session *session, int number);
/* The end of a session is told apart from a connection that breaks. Only between two of these. */
void plain_strict(struct qv_tls_session *session);
/* An end of the stream counts as cut off from now on. */
void plain_cut(struct qv_tls_session *session);
/* This end finds the connection cut off, the other one nothing. */
void plain_lose(struct qv_tls_session *session);
/* Breaks the connection: this end finds it cut off. */
void plain_break(struct qv_tls_session *session);

#define NO_LIMIT 1000000

/* What the parts do and have seen. Reset by parts_reset; later only through parts_lock. */
struct parts {
	int video_frames; /* the source ends after these; NO_LIMIT: never */
	int video_interval_ms;
	int video_gone_after;   /* QV_E_GONE after these; 0: never */
	size_t video_packet;    /* bytes of an encoded picture, at least 16 */
	bool video_inter_coded; /* only every tenth packet is a key */
	int damaged_every;      /* the decoder refuses every nth packet; 0: none */
	int audio_blocks;       /* as for video */
	int audio_interval_ms;
	int audio_gone_after;
	bool audio_lockstep;   /* the source runs at most ten blocks ahead of the sink, however slow the machine is */
	int audio_gap_at;      /* the source loses one block there; 0: none */
	int sink_closed_after; /* the window is closed after so many frames; 0: never */
	int sink_fails_after;
	bool sink_fails_open;
	int audio_sink_fails_after;
	bool show_blocks; /* until parts_release */

	int produced_frames, produced_blocks;
	int encoded_frames;
	int shown;
	uint64_t shown_number[4096]; /* the frame number found in each picture shown */
	int64_t shown_capture_ns[4096];
	bool same_sink_thread;
	int sink_opens, sink_closes, source_opens, source_closes;
	uint64_t played; /* samples */
	int16_t samples[1 << 20];
};
extern struct parts parts;
void parts_reset(void);
void parts_lock(void);
void parts_unlock(void); /* all who wait look again */
/* Under the lock: lets others look again; waits for that, at most until `deadline` (CLOCK_REALTIME), false then. */
void parts_changed(void);
bool parts_await(const struct timespec *deadline);
/* Waits until `counter` has reached `value`, at most ten seconds; false then. */
bool parts_wait(const int *counter, int value);
void parts_release(void);

#define AUDIO_RATE  16000
#define AUDIO_BLOCK 160

extern const struct qv_video_format parts_video_format;
extern const struct qv_role video_source_role, video_codec_role, video_sink_role;
extern const struct qv_role audio_source_role, audio_codec_role, audio_sink_role, audio_paced_sink_role,
	audio_absent_sink_role;

/* A sender or receiver on a thread of its own. */
struct end {
	struct qv_link link;
	struct qv_host host;
	struct qv_send_plan send;
	struct qv_receive_plan receive;
	struct qv_call_observer *observer;
	int cancel_fd;
	int outcome;
	struct qv_call_result result;
	struct qv_error err;
	pthread_t thread;
};
void end_init(struct end *end, int fd);
void end_start_sender(struct end *end);
void end_start_receiver(struct end *end);
void end_cancel(struct end *end);
void end_join(struct end *end);
void end_clear(struct end *end);

#endif
