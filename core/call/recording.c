/* SPDX-License-Identifier: Apache-2.0 */
#include "recording.h"

#include "board.h"
#include "control.h"
#include "medium.h"

void recording_init(struct recording *recording)
{
	*recording = (struct recording){ 0 };
	pthread_mutex_init(&recording->asking, NULL);
	pthread_mutex_init(&recording->feeding, NULL);
}

void recording_clear(struct recording *recording)
{
	pthread_mutex_destroy(&recording->feeding);
	pthread_mutex_destroy(&recording->asking);
}

static struct recording *recording_of(struct tape_call *call)
{
	return (struct recording *)(void *)((char *)call - offsetof(struct recording, call));
}

static void want_key(struct tape_call *call, enum tape_slot slot)
{
	const struct media *media = recording_of(call)->media;
	if (slot == TAPE_SENT_VIDEO) {
		atomic_fetch_add(&media->control->switches.refresh, 1);
	} else {
		atomic_store(&media->board->need, QV_NEED_KEY);
		connection_wake(media->connection);
	}
}

static void failed(struct tape_call *call, const char *why)
{
	const struct media *media = recording_of(call)->media;
	board_post(media->board, QV_CALL_RECORD_FAILED, (enum qv_stream_kind)0, 0, why);
	connection_wake(media->connection);
}

void recording_opened(struct recording *recording, const struct media *media,
		      const struct qv_stream_offer *const offers[TAPE_SLOTS])
{
	pthread_mutex_lock(&recording->asking);
	recording->call = (struct tape_call){ .host = media->host, .want_key = want_key, .failed = failed };
	for (int i = 0; i < TAPE_SLOTS; i++) {
		if (!offers[i])
			continue;
		recording->offers[i] = *offers[i];
		recording->call.offer[i] = &recording->offers[i];
	}
	recording->media = media;
	pthread_mutex_unlock(&recording->asking);
}

/* With `asking` held: nothing more of this call. The tape that is to be finished, if it is the call's own. */
static struct qv_tape *leave(struct recording *recording)
{
	pthread_mutex_lock(&recording->feeding);
	struct tape_part *part = recording->part;
	recording->part = NULL;
	atomic_store(&recording->on, false);
	pthread_mutex_unlock(&recording->feeding);
	tape_leave(part);
	struct qv_tape *tape = recording->tape;
	recording->tape = NULL;
	return tape;
}

void recording_closed(struct recording *recording)
{
	struct qv_error why = QV_ERROR_INIT;
	pthread_mutex_lock(&recording->asking);
	if (qv_tape_finish(leave(recording), &why) != 0)
		qv_log_error(recording->media->host->log, "%s", why.message);
	recording->media = NULL;
	pthread_mutex_unlock(&recording->asking);
}

void recording_put(struct recording *recording, enum tape_slot slot, const struct qv_packet *packet, int64_t capture_ns,
		   uint64_t position)
{
	if (!atomic_load(&recording->on))
		return;
	struct qv_packet timed = *packet;
	timed.capture_ns = capture_ns;
	pthread_mutex_lock(&recording->feeding);
	if (recording->part)
		tape_put(recording->part, slot, &timed, position);
	pthread_mutex_unlock(&recording->feeding);
}

/* With `asking` held. */
static int check_free(const struct recording *recording, struct qv_error *err)
{
	if (!recording->media)
		return qv_fail(err, QV_E_NOT_FOUND, "no call is open that could be recorded");
	if (recording->part)
		return qv_fail(err, QV_E_BUSY, "the call is recorded already: stop that first");
	return 0;
}

/* With `asking` held. */
static int join(struct recording *recording, struct qv_tape *tape, const char *name, struct qv_error *err)
{
	struct tape_part *part = tape_join(tape, &recording->call, name, err);
	if (!part)
		return -1;
	pthread_mutex_lock(&recording->feeding);
	recording->part = part;
	atomic_store(&recording->on, true);
	pthread_mutex_unlock(&recording->feeding);
	return 0;
}

int qv_call_control_record_to(struct qv_call_control *control, struct qv_tape *tape, const char *name,
			      struct qv_error *err)
{
	struct recording *recording = &control->recording;
	pthread_mutex_lock(&recording->asking);
	int status = check_free(recording, err) == 0 ? join(recording, tape, name, err) : -1;
	pthread_mutex_unlock(&recording->asking);
	return status;
}

/* With `asking` held. */
static int start(struct recording *recording, const struct qv_role *role, const char *path, struct qv_error *err)
{
	if (check_free(recording, err) != 0)
		return -1;
	struct qv_tape *tape = qv_tape_new(role, path, recording->media->host, err);
	if (!tape)
		return -1;
	if (join(recording, tape, NULL, err) != 0) {
		qv_tape_finish(tape, NULL);
		return -1;
	}
	recording->tape = tape;
	return 0;
}

int qv_call_control_record(struct qv_call_control *control, const struct qv_role *role, const char *path,
			   struct qv_error *err)
{
	struct recording *recording = &control->recording;
	pthread_mutex_lock(&recording->asking);
	int status = start(recording, role, path, err);
	pthread_mutex_unlock(&recording->asking);
	return status;
}

int qv_call_control_record_stop(struct qv_call_control *control, struct qv_error *err)
{
	struct recording *recording = &control->recording;
	pthread_mutex_lock(&recording->asking);
	int status = recording->part ? qv_tape_finish(leave(recording), err)
				     : qv_fail(err, QV_E_NOT_FOUND, "nothing is recorded");
	pthread_mutex_unlock(&recording->asking);
	return status;
}

bool qv_call_control_recording(struct qv_call_control *control)
{
	return atomic_load(&control->recording.on);
}
