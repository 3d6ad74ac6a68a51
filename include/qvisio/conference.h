/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices of one end of a conference, which is a full mesh of calls: one camera and one microphone for all calls, and
 * from all calls tiles in one window and one mixed sound. Each call gets a seat, whose roles are devices like any other:
 * the call opens, uses and closes them, and knows nothing of the rest.
 *
 * All functions may be called on any thread. Threads of the conference's own read the real sources (while a call has
 * them open), and own the real sinks (from open to close).
 */
#ifndef QVISIO_CONFERENCE_H
#define QVISIO_CONFERENCE_H

#include <qvisio/loader.h>
#include <qvisio/media.h>
#include <qvisio/session.h>
#include <qvisio/videosink.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_CONFERENCE_SEATS 5 /* the others, of six in all */

struct qv_conference;
struct qv_seat;

/* Each program defines its observer around this. Callbacks come on a thread of the conference, and are short. */
struct qv_conference_observer {
	/* The window was closed (QV_E_END), or no video sink is left. Calls see the same in their own sink. */
	void (*closed)(struct qv_conference_observer *observer, const struct qv_error *why);
	/* A snapshot is done; `why` not, NULL: it was taken. */
	void (*snapshot)(struct qv_conference_observer *observer, const struct qv_error *why);
};

/* All borrowed, and to outlive the conference. */
struct qv_conference_plan {
	const struct qv_role *video_source, *audio_source; /* NULL, or without a class: calls get none */
	const struct qv_role
		*audio_filter; /* of what is captured, beside all that is played; NULL, or without a class: none */
	const struct qv_role *video_sinks, *audio_sinks; /* that all get the tiles, and the mixed sound */
	size_t video_sink_count, audio_sink_count;       /* 0: calls get none */
	int width, height, fps;                          /* of the tiles together; 0: 1280, 720, 30 */
	struct qv_audio_format mix;                      /* rate 0: 48000 Hz, one channel */
	const char *title;                               /* of the window */
	/*
	 * Real sinks are opened only when a call opens those of its seat: a call that runs has them until then, see
	 * qv_call_control_seat. What fails then is told as `closed`, or (sound) to the log and to the calls.
	 */
	bool late;
	struct qv_conference_observer *observer; /* NULL: nobody is told */
};

/* Opens the real sinks, unless `late`. NULL with err. */
struct qv_conference *qv_conference_open(const struct qv_conference_plan *plan, const struct qv_host *host,
					 struct qv_error *err);
/* Closes everything; no call may have a seat any more. NULL is fine. */
void qv_conference_close(struct qv_conference *conference);

/* Another source of that kind takes the place of the one that all calls share. There must have been one. */
void qv_conference_source(struct qv_conference *conference, enum qv_stream_kind kind, const struct qv_role *role);

/* Plays on another sink, in place of the first of the plan; as qv_call_control_audio_sink. */
void qv_conference_audio_sink(struct qv_conference *conference, const struct qv_role *role);

/* Gives all tiles as they are to one more sink, as qv_call_control_snapshot does; false also where none are shown. */
bool qv_conference_snapshot(struct qv_conference *conference, struct qv_role *role);

/* A tile of that name (copied), and a place in the mix. NULL with QV_E_BUSY: all are taken. */
struct qv_seat *qv_conference_seat(struct qv_conference *conference, const char *name, struct qv_error *err);
/* The tile goes away. The call that had the seat must be over. NULL is fine. */
void qv_seat_leave(struct qv_seat *seat);

/* What the call of this seat is given; a role without a class is absent. They live as long as the seat. */
struct qv_seat_roles {
	struct qv_role video_source, video_sink, audio_source, audio_sink;
};
const struct qv_seat_roles *qv_seat_roles(const struct qv_seat *seat);

/* What the tile says while no pictures come: "calling", "is busy", "does not answer". Copied, cut to a line or two. */
void qv_seat_note(struct qv_seat *seat, const char *text);

/* How loud the seat was in the last moments, 0…1, where 1 is the largest sample. */
double qv_seat_level(const struct qv_seat *seat);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
