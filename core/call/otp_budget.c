/* SPDX-License-Identifier: Apache-2.0 */
/* What one-time pads need of key, and whether the key source gives it. */
#include <stdio.h>
#include <string.h>

#include <qvisio/audiocodec.h>

#include "side.h"

/* A key this large saves requests, where the KME gives such. */
#define KEY_BITS_WANTED 8192

/* Bytes of key a second for the sound that this end sends, in the codec that it will be sent in as far as is known. */
static double needed_in(const struct side *side, bool datagrams)
{
	const struct qv_stream_offer *offer = &side->out->audio_offer;
	const struct qv_send_plan *plan = side->plan->send;
	const struct qv_role *role = &plan->audio_codecs[0];
	for (size_t i = 0; i < plan->audio_codec_count; i++)
		if (strcmp(qv_audiocodec_class(plan->audio_codecs[i].class)->wire_name, offer->codec) == 0)
			role = &plan->audio_codecs[i];
	const struct qv_audiocodec_class *codec = qv_audiocodec_class(role->class);
	int64_t bitrate = codec->bitrate ? codec->bitrate(role->options, &offer->audio)
					 : (int64_t)offer->audio.rate * offer->audio.channels * 16;
	double packets = (double)offer->audio.rate / offer->block_frames;
	struct rtp_stream stream;
	if (datagrams && rtp_stream_of(offer, &stream) && stream.l16) {
		size_t room = rtp_l16_room(offer->audio.channels, true);
		size_t parts = (offer->block_frames * 2u * (size_t)offer->audio.channels + room - 1) / room;
		packets *= (double)parts;
	}
	return qv_pad_rate((double)bitrate, packets);
}

/* Large blocks of samples go in several packets over UDP, where the call may use that. */
static double needed(const struct side *side)
{
	return needed_in(side, side->plan->srtp && side->plan->srtp->class);
}

static void plan_requests(struct otp *otp, const struct qv_keysource_status *status)
{
	int64_t bits = status->max_key_size < KEY_BITS_WANTED ? status->max_key_size : KEY_BITS_WANTED;
	otp->key_bits = bits > status->key_size && bits > 0 ? (unsigned)(bits / 8 * 8) : 0;
	otp->key_bytes = (otp->key_bits ? otp->key_bits
					: (size_t)(status->key_size > 0 ? status->key_size : QV_KEY_BITS_DEFAULT)) /
			 8;
	otp->batch_keys = status->max_key_per_request > 0 && status->max_key_per_request < QV_PAD_BATCH_MAX
				  ? (size_t)status->max_key_per_request
				  : QV_PAD_BATCH_MAX;
}

#define ADVICE "lower the bitrate of the audio codec, send longer packets, or get a faster KME"

/* What the peer draws for the sound that it sends is not known before it does: as much as here. */
static double needed_of_link(const struct otp *otp, double need)
{
	return otp->plan->shared && otp->receives ? 2 * need : need;
}

/* Text about both needs, and what there is to be done about them. */
struct account {
	char needs[160], advice[200];
};

static struct account account_of(const struct otp *otp)
{
	struct account account;
	bool both = otp->state.link_needed > otp->state.needed;
	int at = snprintf(account.needs, sizeof account.needs, "a one-time pad for sound needs %.0f B/s of key",
			  otp->state.needed);
	if (both)
		snprintf(account.needs + at, sizeof account.needs - (size_t)at,
			 ", %.0f B/s with the peer's from the same link", otp->state.link_needed);
	snprintf(account.advice, sizeof account.advice, "%s%s", ADVICE,
		 both ? ", or set otp.shared = false where each direction has a store of its own" : "");
	return account;
}

/* A rate that is not configured may be wrong, and a store that is large enough does without. */
static int check_lasts(const struct otp *otp, struct qv_error *err)
{
	double lack = otp->state.link_needed - otp->rate, least = otp->plan->minimum;
	double lasts = (double)otp->stored / lack;
	if (otp->stored < 0 || lack <= 0 || (double)otp->stored >= lack * least)
		return 0;
	struct account account = account_of(otp);
	if (otp->rate_known)
		return qv_fail(err, QV_E_NO_KEY,
			       "%s, and the KME gives %.0f B/s: the %lld B in its store last for %.0f s, less than "
			       "otp.minimum of %.0f s: %s",
			       account.needs, otp->state.kme_rate, (long long)otp->stored, lasts, least,
			       account.advice);
	return qv_fail(err, QV_E_NO_KEY,
		       "%s; the KME does not say how fast it gives keys, and the %lld B in its store last for %.0f s, "
		       "less than otp.minimum of %.0f s: %s, or set otp.kme_rate",
		       account.needs, (long long)otp->stored, lasts, least, account.advice);
}

int otp_count_need(struct side *side, struct qv_error *err)
{
	struct otp *otp = &side->otp;
	otp->state.needed = needed(side);
	otp->state.link_needed = needed_of_link(otp, otp->state.needed);
	otp->state.kme_rate = otp->rate > 0 ? otp->rate : 0;
	otp->state.rate_known = otp->rate_known;
	if (otp->plan->kme_rate <= 0)
		return check_lasts(otp, err);
	if (otp->rate >= otp->state.link_needed)
		return 0;
	struct account account = account_of(otp);
	return qv_fail(err, QV_E_NO_KEY, "%s, and the KME gives %.0f B/s: %s", account.needs, otp->rate,
		       account.advice);
}

/* Requests follow each other: what one may have and how long it takes is a bound of its own. */
static void judge_requests(struct side *side)
{
	struct otp *otp = &side->otp;
	struct qv_keysource_status status = { 0 };
	int64_t began = qv_clock_now(&qv_clock_monotonic);
	if (otp_status(otp, &status, NULL) != 0)
		return;
	double seconds = (double)(qv_clock_now(&qv_clock_monotonic) - began) / 1e9;
	double bytes = (double)(otp->batch_keys * otp->key_bytes);
	if (bytes >= otp->state.needed * seconds)
		return;
	qv_log_warning(
		side->media.host->log,
		"the KME gives at most %zu keys of %zu bytes a request and takes %.0f ms for one: that is %.0f B/s, "
		"and a one-time pad for sound needs %.0f B/s",
		otp->batch_keys, otp->key_bytes, seconds * 1000, bytes / seconds, otp->state.needed);
}

/* What is stored is good for the call by itself, or the rate is looked for. */
static void look_for_rate(struct side *side, struct qv_keysource_status *status)
{
	struct otp *otp = &side->otp;
	double need = needed_of_link(otp, needed(side)), enough = need * otp->plan->minimum;
	otp->rate = 0;
	otp->rate_known = otp->stored >= 0 && (double)otp->stored < enough && otp_measure(side, status, need, enough);
}

int otp_judge(struct side *side, struct qv_error *err)
{
	struct otp *otp = &side->otp;
	struct qv_keysource_status status = { 0 };
	if (otp_status(otp, &status, err) != 0)
		return -1;
	plan_requests(otp, &status);
	otp->stored = status.stored_key_count < 0 ? -1 : (int64_t)otp_bytes_of(&status, status.stored_key_count);
	if (otp->plan->kme_rate > 0) {
		otp->rate = otp->plan->kme_rate;
		otp->rate_known = true;
	} else {
		look_for_rate(side, &status);
	}
	if (otp_count_need(side, err) != 0)
		return -1;
	judge_requests(side);
	return 0;
}

/* Between two looks at what the KME has. */
#define STATUS_MS 5000
/* Key that lasts for less is told of; and again only when it has lasted for longer in between. */
#define SHORT_S  60
#define ENOUGH_S 90

void otp_ask_status(struct otp *otp)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	if (now < otp->status_ns)
		return;
	otp->status_ns = now + STATUS_MS * QV_NS_PER_MS;
	struct pad_batch *batch = pad_batch_new();
	if (!batch)
		return;
	batch->asks_status = true;
	if (!pad_worker_put(&otp->takes, batch))
		pad_batch_free(batch);
}

static void tell_short(struct side *side)
{
	const struct qv_call_otp_state *state = &side->otp.state;
	char text[200];
	snprintf(text, sizeof text,
		 "key for the one-time pad of sound runs out in %.0f s: %s %.0f B/s, and the KME gives %.0f B/s",
		 state->budget, state->link_needed > state->needed ? "both ends need" : "it needs", state->link_needed,
		 state->kme_rate);
	otp_say(side, text);
}

/* What the peer has of key that it drew from the same link. */
static double hand_of_peer(const struct otp *otp)
{
	return otp->peer_drawn - otp->peer_lost - (double)qv_pad_used(otp->pads.opens);
}

/* All batches before this one have been taken from the store, and none behind it: so nothing is counted twice. */
void otp_take_status(struct side *side, const struct pad_batch *batch)
{
	struct otp *otp = &side->otp;
	struct qv_call_otp_state *state = &otp->state;
	struct key_level level = { .at_ns = qv_clock_now(&qv_clock_monotonic), .drawn = otp->drawn };
	double rate;
	if (batch->failure.code != QV_OK || batch->status.stored_key_count < 0)
		return;
	level.stored = otp_bytes_of(&batch->status, batch->status.stored_key_count);
	level.hand = (double)otp->flight_bytes + (double)qv_pad_left(otp->pads.seals);
	if (otp->plan->shared) {
		level.drawn += otp->peer_drawn;
		level.hand += hand_of_peer(otp);
	}
	key_budget_note(&otp->budget, &level);
	state->stock = state->link_needed > 0 ? (level.stored + level.hand) / state->link_needed : -1;
	if (key_budget_rate(&otp->budget, &rate)) {
		state->rate_known = true;
		state->kme_rate = rate > 0 ? rate : 0;
	}
	state->budget = key_budget_lasts(&otp->budget, state->needed);
	bool is_short = state->budget >= 0 && state->budget < SHORT_S;
	if (is_short && !otp->told_short)
		tell_short(side);
	if (is_short || state->budget < 0 || state->budget > ENOUGH_S)
		otp->told_short = is_short;
}
