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

/* With `asking` held. */
static struct tape *take_tape(struct recording *recording)
{
	pthread_mutex_lock(&recording->feeding);
	struct tape *tape = recording->tape;
	recording->tape = NULL;
	atomic_store(&recording->on, false);
	pthread_mutex_unlock(&recording->feeding);
	return tape;
}

void recording_closed(struct recording *recording)
{
	struct qv_error why = QV_ERROR_INIT;
	pthread_mutex_lock(&recording->asking);
	if (tape_finish(take_tape(recording), &why) != 0)
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
	if (recording->tape)
		tape_put(recording->tape, slot, &timed, position);
	pthread_mutex_unlock(&recording->feeding);
}

/* With `asking` held. */
static int start(struct recording *recording, const struct qv_role *role, const char *path, struct qv_error *err)
{
	if (!recording->media)
		return qv_fail(err, QV_E_NOT_FOUND, "no call is open that could be recorded");
	if (atomic_load(&recording->on))
		return qv_fail(err, QV_E_BUSY, "the call is recorded already: stop that first");
	struct tape *tape = tape_start(&recording->call, role, path, err);
	if (!tape)
		return -1;
	pthread_mutex_lock(&recording->feeding);
	recording->tape = tape;
	atomic_store(&recording->on, true);
	pthread_mutex_unlock(&recording->feeding);
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
	struct tape *tape = take_tape(recording);
	int status = tape ? tape_finish(tape, err) : qv_fail(err, QV_E_NOT_FOUND, "nothing is recorded");
	pthread_mutex_unlock(&recording->asking);
	return status;
}

bool qv_call_control_recording(struct qv_call_control *control)
{
	return atomic_load(&control->recording.on);
}
