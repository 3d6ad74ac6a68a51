/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a KME that does not say it gives keys, seen before a call begins. */
#include "side.h"

/*
 * The least that comes in any of the windows is the rate, so that stock which comes in while the KME starts is taken for
 * one only if it takes longer than all of them.
 */
#define WINDOWS   4
#define WINDOW_MS 500
/* Times what is needed in a window: the machine may be late in looking. */
#define DRAW 1.5

double otp_bytes_of(const struct qv_keysource_status *status, int64_t keys)
{
	return (double)keys * (double)(status->key_size > 0 ? status->key_size : QV_KEY_BITS_DEFAULT) / 8;
}

int otp_status(const struct otp *otp, struct qv_keysource_status *status, struct qv_error *err)
{
	return otp->source.class->status(otp->source.keys, otp->source.peer, status, err);
}

static bool is_full(const struct qv_keysource_status *status)
{
	return status->max_key_count > 0 && status->stored_key_count >= status->max_key_count;
}

/*
 * A store that is full grows only by what is taken from it. What is taken to see that is kept: these are the first keys of
 * the pad.
 */
static bool draw(struct otp *otp, double bytes, double *drawn)
{
	for (double end = *drawn + bytes; *drawn < end && otp->early_count < OTP_EARLY;) {
		size_t keys = (size_t)((end - *drawn) / (double)otp->key_bytes) + 1;
		struct pad_batch *batch = pad_batch_new();
		if (!batch)
			return false;
		batch->count = keys < otp->batch_keys ? keys : otp->batch_keys;
		batch->bits = otp->key_bits;
		pad_source_take(&otp->source, batch);
		if (batch->count == 0) {
			pad_batch_free(batch);
			return false;
		}
		*drawn += (double)pad_batch_bytes(batch);
		otp->early[otp->early_count++] = batch;
	}
	return true;
}

static void note(struct key_budget *seen, const struct qv_keysource_status *status, double drawn)
{
	struct key_level level = { .at_ns = qv_clock_now(&qv_clock_monotonic),
				   .stored = otp_bytes_of(status, status->stored_key_count),
				   .drawn = drawn };
	key_budget_note(seen, &level);
}

/* `enough`: bytes of stock with which no rate is needed. */
bool otp_measure(struct side *side, struct qv_keysource_status *status, double need, double enough)
{
	struct otp *otp = &side->otp;
	struct key_budget seen = { 0 };
	double drawn = 0;
	note(&seen, status, drawn);
	for (int i = 0; i < WINDOWS; i++) {
		int64_t until = qv_clock_now(&qv_clock_monotonic) + WINDOW_MS * QV_NS_PER_MS;
		if (is_full(status) && !draw(otp, need * DRAW * WINDOW_MS / 1000, &drawn))
			return false;
		if (qv_clock_sleep_until(until, side->media.stop.poll_fd, NULL) != 0 ||
		    otp_status(otp, status, NULL) != 0 || status->stored_key_count < 0)
			return false;
		note(&seen, status, drawn);
		otp->stored = (int64_t)(seen.level[seen.count - 1].stored + drawn);
		if ((double)otp->stored >= enough)
			return false;
	}
	return key_budget_least_rate(&seen, &otp->rate);
}
