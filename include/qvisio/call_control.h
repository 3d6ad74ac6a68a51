/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steering a call while qv_call_run blocks: all functions may be called on any thread, before, during and after it.
 */
#ifndef QVISIO_CALL_CONTROL_H
#define QVISIO_CALL_CONTROL_H

#include <qvisio/call.h>
#include <qvisio/recorder.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* For one call; outlives it. NULL with err. */
struct qv_call_control *qv_call_control_new(struct qv_error *err);
void qv_call_control_free(struct qv_call_control *control); /* NULL is fine */

/* Answerer with plan->ask: takes the call, or refuses it (QV_REFUSE_DENIED). Only the first answer counts. */
void qv_call_control_answer(struct qv_call_control *control, bool take);

/*
 * Says BYE; a call that has not begun is not begun. A caller that looks for a lost peer (qv_call_renewal.reconnect_ms) tries
 * once more to reach it, for three seconds and with its devices closed, to say so there.
 */
void qv_call_control_hang_up(struct qv_call_control *control);

/* Likewise, for a peer that is known not to have the call any more: one that is lost is told nothing. */
void qv_call_control_give_up(struct qv_call_control *control);

/* From the next picture or block on, black or silence is sent in place of what camera or microphone give. */
void qv_call_control_mute(struct qv_call_control *control, enum qv_stream_kind kind, bool muted);
bool qv_call_control_muted(const struct qv_call_control *control, enum qv_stream_kind kind);

/* Replaces the key now. Without a renewal in the plan nothing happens. */
void qv_call_control_renew(struct qv_call_control *control);

/*
 * Sends from another source of the kind; `role` is borrowed until the call is over or another one was set. If it cannot
 * be opened the call tells so (QV_CALL_DEVICE_GONE) and tries on.
 */
void qv_call_control_source(struct qv_call_control *control, enum qv_stream_kind kind, const struct qv_role *role);

/*
 * Plays on another sink, in place of the first of the plan; `role` is borrowed until the call is over or another one
 * was set. If it cannot be opened the call tells so (QV_CALL_DEVICE_GONE) and the one before goes on; else it tells
 * QV_CALL_DEVICE_BACK.
 */
void qv_call_control_audio_sink(struct qv_call_control *control, const struct qv_role *role);

/*
 * Goes over to the devices of a seat (<qvisio/conference.h>), in place of all of the plan but sinks that are files; they are borrowed until the call
 * is over. What captured sound went through is the conference's now. Each device of the call is closed before the shared one
 * is opened, so that the same hardware may be behind both; QV_CALL_DEVICE_BACK tells of each.
 */
struct qv_seat_roles;
void qv_call_control_seat(struct qv_call_control *control, const struct qv_seat_roles *roles);

/*
 * Records an open call, both sides, to the new file `path`; `role` names a module of kind recorder and is borrowed during
 * the call of this function only. Returns when the file is made. The end of the call ends the recording; a failure in
 * between is told as QV_CALL_RECORD_FAILED. QV_E_NOT_FOUND: no call is open; QV_E_BUSY: it is recorded already, or the
 * file exists; QV_E_UNSUPPORTED; QV_E_IO.
 */
int qv_call_control_record(struct qv_call_control *control, const struct qv_role *role, const char *path,
			   struct qv_error *err);
/* Finishes the file. QV_E_NOT_FOUND: nothing is recorded; QV_E_IO: it is not whole. */
int qv_call_control_record_stop(struct qv_call_control *control, struct qv_error *err);
bool qv_call_control_recording(struct qv_call_control *control);

/*
 * One file for several calls: all of a conference, one after another as they open, in one clock. What this side sends is in
 * it once, as it goes to one of the calls; a call that comes later gets streams of its own from then on. `role`, whose
 * instance the first call makes, and `host` are borrowed until the tape is finished.
 */
struct qv_tape;
struct qv_tape *qv_tape_new(const struct qv_role *role, const char *path, const struct qv_host *host,
			    struct qv_error *err);
/* Finishes the file. No call is recorded to it any more. NULL is fine. -1: it is not whole. */
int qv_tape_finish(struct qv_tape *tape, struct qv_error *err);

/*
 * As qv_call_control_record, to that tape until the call is over or qv_call_control_record_stop; `name` (copied) is given to
 * the streams of the peer.
 */
int qv_call_control_record_to(struct qv_call_control *control, struct qv_tape *tape, const char *name,
			      struct qv_error *err);

/*
 * What the window is to show beside the peer's pictures; sinks that cannot show it do not. Overlays are copied; NULL
 * takes one away.
 */
void qv_call_control_overlay(struct qv_call_control *control, enum qv_overlay overlay, const char *text);
void qv_call_control_self_view(struct qv_call_control *control, bool on);
void qv_call_control_fullscreen(struct qv_call_control *control, bool on);

/*
 * Gives the next picture that is shown to one more sink, which is opened and closed for it; owns `role`. The call tells
 * when it is done (QV_CALL_SNAPSHOT); `text` says what failed. False: an earlier one is not done yet; `role` is freed.
 */
bool qv_call_control_snapshot(struct qv_call_control *control, struct qv_role *role);

/*
 * What an answerer's new session is for, by its first record. Waits for that, at most `timeout_ms`. Pass it on to
 * qv_call_run or qv_call_control_attach. NULL with err.
 */
struct qv_greeting *qv_greeting_read(const struct qv_link *link, const struct qv_host *host, int timeout_ms,
				     struct qv_error *err);
void qv_greeting_free(struct qv_greeting *greeting); /* NULL is fine */
/* Whether it continues a running call. Anything else is for qv_call_run, which also judges it. */
bool qv_greeting_attaches(const struct qv_greeting *greeting);

/* The conference that the caller invites to, into `id`. False: none, it wants a call of two. */
bool qv_greeting_conference(const struct qv_greeting *greeting, uint8_t id[QV_CONFERENCE_ID]);

/* Tells the peer, now or when the call opens, whom this side has calls with. A peer before 1.2 is not told. */
void qv_call_control_roster(struct qv_call_control *control, const struct qv_roster *roster);

/*
 * Gives a call that runs the session that `greeting` came in; from then on it is the call's, which frees it by its
 * renewal. QV_E_DENIED: it belongs to no session of this call; QV_E_BUSY: the call has gone over to another one.
 */
int qv_call_control_attach(struct qv_call_control *control, const struct qv_greeting *greeting,
			   const struct qv_link *link, const struct qv_call_security *security, struct qv_error *err);

/*
 * After the call: whether it was ended here, as the answerer, while its peer was lost, who may come back to it. To a session
 * in which it does, farewell says that the call is over; it blocks at most three seconds. QV_E_DENIED: it asks for
 * another call. `link` stays the program's.
 */
bool qv_call_control_untold(struct qv_call_control *control);
int qv_call_control_farewell(struct qv_call_control *control, const struct qv_greeting *greeting,
			     const struct qv_link *link, const struct qv_host *host, struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
