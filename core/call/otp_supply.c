/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for pads: fetched ahead of need, told to the peer, and used once the peer has them too. */
#include <stdio.h>

#include "side.h"

/* After a request that failed. */
#define RETRY_MS 1000
/* To the key source that wait or are at work: so many batches fit into the queue with those that are done. */
#define REQUESTS_MAX 4
/* The first keys may take so long before their absence is told. */
#define FIRST_MS 5000

static int64_t now_ns(void)
{
	return qv_clock_now(&qv_clock_monotonic);
}

/* Those that were taken before the call come first. */
static struct pad_batch *next_done(struct otp *otp)
{
	if (otp->early_next == otp->early_count)
		return pad_worker_get(&otp->takes);
	struct pad_batch *batch = otp->early[otp->early_next];
	otp->early[otp->early_next++] = NULL;
	return batch;
}

/* The next keys that were taken, as they are to be told to the peer; NULL: none. */
static struct pad_batch *next_taken(struct side *side)
{
	struct otp *otp = &side->otp;
	struct pad_batch *batch = next_done(otp);
	while (batch && batch->asks_status) {
		otp_take_status(side, batch);
		pad_batch_free(batch);
		batch = next_done(otp);
	}
	if (!batch)
		return NULL;
	otp->failure = batch->failure;
	otp->asked_bytes -= batch->asked_bytes;
	if (batch->failure.code != QV_OK)
		otp->retry_ns = now_ns() + RETRY_MS * QV_NS_PER_MS;
	batch->record = (struct qv_pad_record){ .kind = QV_PAD_KEYS, .position = otp->told_end, .count = batch->count };
	for (size_t i = 0; i < batch->count; i++) {
		batch->record.key[i].size = (uint32_t)qv_secret_size(batch->key[i].secret);
		snprintf(batch->record.key[i].id, sizeof batch->record.key[i].id, "%s", batch->key[i].id);
		otp->told_end += batch->record.key[i].size;
		otp->flight_bytes += batch->record.key[i].size;
		otp->drawn += batch->record.key[i].size;
	}
	if (batch->count > 0)
		return batch;
	pad_batch_free(batch);
	return NULL;
}

static bool send_record(struct side *side, const struct qv_pad_record *record, struct qv_error *err)
{
	uint8_t payload[QV_PAD_RECORD_SIZE_MAX];
	int size = qv_pad_record_encode(record, payload, sizeof payload, err);
	return size > 0 && connection_send_new(side->media.connection, QV_RECORD_PAD, payload, (size_t)size);
}

static int tell(struct side *side, struct qv_error *err)
{
	struct otp *otp = &side->otp;
	struct qv_error why = QV_ERROR_INIT;
	while (otp->flight_count < OTP_FLIGHTS && (otp->to_tell || (otp->to_tell = next_taken(side)))) {
		if (!send_record(side, &otp->to_tell->record, &why)) {
			if (why.code == QV_OK)
				return 0; /* no room now */
			*err = why;
			return qv_error_prefix(err, "the key source");
		}
		otp->flight[(otp->flight_first + otp->flight_count++) % OTP_FLIGHTS] = otp->to_tell;
		otp->to_tell = NULL;
	}
	return 0;
}

static bool ask_for(struct otp *otp, size_t missing)
{
	struct pad_batch *batch = pad_batch_new();
	size_t keys = (missing + otp->key_bytes - 1) / otp->key_bytes;
	if (!batch)
		return false;
	batch->count = keys < otp->batch_keys ? keys : otp->batch_keys;
	batch->bits = otp->key_bits;
	size_t bytes = batch->asked_bytes = batch->count * otp->key_bytes;
	if (!pad_worker_put(&otp->takes, batch)) {
		pad_batch_free(batch);
		return false;
	}
	otp->asked_bytes += bytes;
	return true;
}

/* The reserve, or as much as a pad holds beside what its reader keeps for packets that are late. */
static size_t target_of(const struct otp *otp)
{
	double wanted = otp->state.needed * otp->plan->reserve;
	size_t late = QV_PAD_WINDOW / otp->key_bytes, most = QV_PAD_KEYS_MAX - REQUESTS_MAX * QV_PAD_BATCH_MAX;
	size_t keys = late < most / 2 ? most - late : most / 2;
	size_t bytes = keys * otp->key_bytes < QV_PAD_BYTES_MAX / 2 ? keys * otp->key_bytes : QV_PAD_BYTES_MAX / 2;
	return wanted < (double)bytes ? (size_t)wanted : bytes;
}

/* Asks for what is missing. */
static void fetch(struct otp *otp)
{
	size_t target = target_of(otp);
	while (now_ns() >= otp->retry_ns && !otp->to_tell && pad_worker_busy(&otp->takes) < REQUESTS_MAX) {
		size_t have = qv_pad_left(otp->pads.seals) + otp->flight_bytes + otp->asked_bytes;
		if (have >= target || !ask_for(otp, target - have))
			return;
	}
}

static void tell_level(struct side *side)
{
	otp_second(&side->otp);
	rekeying_show(side);
	side_tell_states(side);
}

static void went_dry(struct side *side)
{
	struct otp *otp = &side->otp;
	char text[QV_ERROR_MESSAGE_MAX];
	otp->dry = true;
	otp->pads.ready = false;
	snprintf(text, sizeof text, "SOUND IS MUTED: no key is left for its one-time pad%s%.600s",
		 otp->failure.code != QV_OK ? ": " : "", otp->failure.code != QV_OK ? otp->failure.message : "");
	otp_say(side, text);
	tell_level(side);
}

/* Sound starts, and starts again, with key for a second, so that it does not come in pieces. */
static void look_at_level(struct side *side)
{
	struct otp *otp = &side->otp;
	double seconds = otp->plan->reserve / 2 < 1 ? otp->plan->reserve / 2 : 1;
	bool late = !otp->filled && now_ns() > otp->opened_ns + FIRST_MS * QV_NS_PER_MS;
	if (!otp->dry && (otp->pads.starved || late))
		went_dry(side);
	if ((double)qv_pad_left(otp->pads.seals) < otp->state.needed * seconds)
		return;
	otp->pads.starved = false;
	otp->filled = otp->pads.ready = true;
	if (!otp->dry)
		return;
	otp->dry = false;
	otp_say(side, "sound is sent again: there is key for its one-time pad");
	tell_level(side);
}

/* The next keys that were claimed for the pad in use; NULL: none. */
static struct pad_batch *next_claimed(struct otp *otp)
{
	struct pad_batch *batch = pad_worker_get(&otp->claims);
	while (batch && batch->pad != otp->pad) {
		pad_batch_free(batch);
		batch = pad_worker_get(&otp->claims);
	}
	return batch;
}

static void judge_claimed(struct otp *otp, struct pad_batch *batch)
{
	struct qv_pad_record *record = &batch->record;
	uint64_t position = record->position;
	record->held = 0;
	for (size_t i = 0; i < record->count; i++) {
		if (batch->key[i].secret && qv_pad_add(otp->pads.opens, position, &batch->key[i], &batch->failure) == 0)
			record->held |= 1u << i;
		else
			otp->peer_lost += record->key[i].size;
		position += record->key[i].size;
	}
	record->kind = QV_PAD_HELD;
	if (batch->failure.code != QV_OK)
		qv_log_warning(otp->media->host->log, "keys for the peer's one-time pad: %s", batch->failure.message);
}

static void answer(struct side *side)
{
	struct otp *otp = &side->otp;
	for (;;) {
		if (!otp->to_answer) {
			otp->to_answer = next_claimed(otp);
			if (!otp->to_answer)
				return;
			judge_claimed(otp, otp->to_answer);
		}
		if (!send_record(side, &otp->to_answer->record, NULL))
			return;
		pad_batch_free(otp->to_answer);
		otp->to_answer = NULL;
	}
}

int otp_look(struct side *side, struct qv_error *err)
{
	struct otp *otp = &side->otp;
	enum phase phase = side->media.connection->phase;
	if (!otp->on || !otp->pads.opens)
		return 0;
	/* Over UDP sound may go on meanwhile, with the key that is there. */
	if (phase == PHASE_LOST && otp->sends && !otp->plan->end_when_dry)
		look_at_level(side);
	if (phase != PHASE_OPEN)
		return 0;
	if (otp->receives)
		answer(side);
	if (!otp->sends)
		return 0;
	if (tell(side, err) != 0)
		return -1;
	fetch(otp);
	otp_ask_status(otp);
	look_at_level(side);
	if (otp->dry && otp->plan->end_when_dry)
		return qv_fail(err, QV_E_NO_KEY, "no key is left for the one-time pad of sound%s%.600s",
			       otp->failure.code != QV_OK ? ": " : "",
			       otp->failure.code != QV_OK ? otp->failure.message : "");
	return 0;
}

/* The peer will seal with these keys. */
static int take_keys(struct otp *otp, const struct qv_pad_record *record, struct qv_error *err)
{
	if (record->position < otp->heard_end)
		return qv_fail(err, QV_E_PROTOCOL, "the peer tells of keys for position %llu of its pad twice",
			       (unsigned long long)record->position);
	otp->heard_end = record->position;
	for (size_t i = 0; i < record->count; i++) {
		otp->heard_end += record->key[i].size;
		otp->peer_drawn += record->key[i].size;
	}
	struct pad_batch *batch = pad_batch_new();
	if (!batch)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys of a pad");
	batch->record = *record;
	batch->count = record->count;
	batch->pad = otp->pad;
	if (pad_worker_put(&otp->claims, batch))
		return 0;
	pad_batch_free(batch);
	return qv_fail(err, QV_E_PROTOCOL, "the peer tells of more keys for its pad than can be claimed");
}

/* The peer has these of the keys that were told first. */
static int take_held(struct otp *otp, const struct qv_pad_record *record, struct qv_error *err)
{
	struct pad_batch *batch = otp->flight_count > 0 ? otp->flight[otp->flight_first] : NULL;
	if (!batch || batch->record.position != record->position || batch->count != record->count)
		return qv_fail(err, QV_E_PROTOCOL, "the peer says that it has keys which it was not told of");
	otp->flight_first = (otp->flight_first + 1) % OTP_FLIGHTS;
	otp->flight_count--;
	uint64_t position = record->position;
	int status = 0;
	for (size_t i = 0; i < batch->count; i++) {
		otp->flight_bytes -= batch->record.key[i].size;
		if (status == 0 && record->held >> i & 1)
			status = qv_pad_add(otp->pads.seals, position, &batch->key[i], err);
		position += batch->record.key[i].size;
	}
	if (!record->held) {
		otp->retry_ns = now_ns() + RETRY_MS * QV_NS_PER_MS;
		qv_fail(&otp->failure, QV_E_NO_KEY, "the other end could not claim the keys that were taken");
	}
	pad_batch_free(batch);
	return status;
}

/*
 * No byte of a pad serves twice, for a key belongs to one pad of one direction at most: only the end that took it seals with
 * it; it is told once; and it comes to the pad by the one HELD for the batch that it was told in, of which flights know
 * nothing any more when the session is another. So what was told is given up here, held or not: that the peer has it cannot
 * be known when the answer was lost, and its share of it goes with its old pad, at another time than ours. Keys that were
 * taken and not told yet wait in the worker, and are of use.
 */
void otp_resume(struct otp *otp)
{
	if (!otp->on)
		return;
	otp_drop_flights(otp);
	/* What the old session asked for would hold up what the new one does. */
	if (otp->receives)
		pad_worker_forget(&otp->claims);
	qv_pad_restart(otp->pads.seals);
	qv_pad_restart(otp->pads.opens);
	otp->peer_lost = otp->peer_drawn - (double)qv_pad_used(otp->pads.opens);
	otp->pad++;
	otp->told_end = otp->heard_end = 0;
	otp->budget.count = 0;
	otp->state.budget = otp->state.stock = -1;
	otp->filled = otp->pads.ready = otp->pads.starved = false;
	otp->retry_ns = 0;
	otp->opened_ns = now_ns();
}

int otp_record(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	struct otp *otp = &side->otp;
	struct qv_pad_record pad;
	if (!otp->on)
		return 0;
	if (qv_pad_record_decode(record->payload, record->size, &pad, err) != 0)
		return -1;
	int status = 0;
	if (pad.kind == QV_PAD_KEYS && otp->receives)
		status = take_keys(otp, &pad, err);
	if (pad.kind == QV_PAD_HELD && otp->sends)
		status = take_held(otp, &pad, err);
	return status == 0 ? otp_look(side, err) : -1;
}
