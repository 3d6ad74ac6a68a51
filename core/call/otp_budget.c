/* SPDX-License-Identifier: Apache-2.0 */
/* What one-time pads need of key, and whether the key source gives it. */
#include <stdio.h>
#include <string.h>

#include <qvisio/audiocodec.h>

#include "side.h"

/* Between two looks at a KME that does not say its rate. */
#define MEASURE_MS 1000
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
		packets *= (double)((offer->block_frames * 2u * (size_t)offer->audio.channels + room - 1) / room);
	}
	return qv_pad_rate((double)bitrate, packets);
}

/* Large blocks of samples go in several packets over UDP, where the call may use that. */
static double needed(const struct side *side)
{
	return needed_in(side, side->plan->srtp && side->plan->srtp->class);
}

static int look(const struct otp *otp, struct qv_keysource_status *status, struct qv_error *err)
{
	return otp->source.class->status(otp->source.keys, otp->source.peer, status, err);
}

static double bytes_of(const struct qv_keysource_status *status, int64_t keys)
{
	return (double)keys * (double)(status->key_size > 0 ? status->key_size : QV_KEY_BITS_DEFAULT) / 8;
}

/* A store that is full takes no more, whatever the rate is. */
static bool is_full(const struct qv_keysource_status *status)
{
	return status->stored_key_count < 0 ||
	       (status->max_key_count > 0 && status->stored_key_count >= status->max_key_count);
}

/* Bytes a second by which the store grows; 0 with *known false: that cannot be seen now. */
static double measure(const struct side *side, const struct qv_keysource_status *before, bool *known)
{
	const struct otp *otp = &side->otp;
	struct qv_keysource_status after;
	int64_t began = qv_clock_now(&qv_clock_monotonic);
	*known = false;
	if (is_full(before) ||
	    qv_clock_sleep_until(began + MEASURE_MS * QV_NS_PER_MS, side->media.stop.poll_fd, NULL) != 0 ||
	    look(otp, &after, NULL) != 0 || is_full(&after))
		return 0;
	double seconds = (double)(qv_clock_now(&qv_clock_monotonic) - began) / 1e9;
	*known = after.stored_key_count >= before->stored_key_count;
	return *known ? bytes_of(&after, after.stored_key_count - before->stored_key_count) / seconds : 0;
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

/* A rate that is not configured may be wrong, and a store that is large enough does without. */
static int check_lasts(const struct otp *otp, struct qv_error *err)
{
	double need = otp->state.needed, lack = need - otp->rate, least = otp->plan->minimum;
	if (otp->stored < 0 || lack <= 0 || (double)otp->stored >= lack * least)
		return 0;
	if (otp->rate_known)
		return qv_fail(
			err, QV_E_NO_KEY,
			"a one-time pad for sound needs %.0f B/s of key, and the KME gives %.0f B/s: the %lld B in "
			"its store last for %.0f s, less than otp.minimum of %.0f s: " ADVICE,
			need, otp->rate, (long long)otp->stored, (double)otp->stored / lack, least);
	return qv_fail(
		err, QV_E_NO_KEY,
		"a one-time pad for sound needs %.0f B/s of key; the KME does not say how fast it gives keys, and "
		"the %lld B in its store last for %.0f s, less than otp.minimum of %.0f s: " ADVICE
		", or set otp.kme_rate",
		need, (long long)otp->stored, (double)otp->stored / lack, least);
}

int otp_count_need(struct side *side, struct qv_error *err)
{
	struct otp *otp = &side->otp;
	otp->state.needed = needed(side);
	otp->state.kme_rate = otp->rate;
	if (otp->plan->kme_rate <= 0)
		return check_lasts(otp, err);
	if (otp->rate < otp->state.needed)
		return qv_fail(err, QV_E_NO_KEY,
			       "a one-time pad for sound needs %.0f B/s of key, and the KME gives %.0f B/s: " ADVICE,
			       otp->state.needed, otp->rate);
	return 0;
}

/* Requests follow each other: what one may have and how long it takes is a bound of its own. */
static void judge_requests(struct side *side)
{
	struct otp *otp = &side->otp;
	struct qv_keysource_status status = { 0 };
	int64_t began = qv_clock_now(&qv_clock_monotonic);
	if (look(otp, &status, NULL) != 0)
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

int otp_judge(struct side *side, struct qv_error *err)
{
	struct otp *otp = &side->otp;
	struct qv_keysource_status status = { 0 };
	bool known = otp->plan->kme_rate > 0;
	if (look(otp, &status, err) != 0)
		return -1;
	plan_requests(otp, &status);
	otp->rate = known ? otp->plan->kme_rate : measure(side, &status, &known);
	otp->rate_known = known;
	otp->stored = status.stored_key_count < 0 ? -1 : (int64_t)bytes_of(&status, status.stored_key_count);
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
	struct otp *otp = &side->otp;
	char text[200];
	double fall = 0;
	(void)key_budget_fall(&otp->budget, &fall);
	double gives = otp->state.needed - fall;
	snprintf(text, sizeof text,
		 "key for the one-time pad of sound runs out in %.0f s: it needs %.0f B/s, and the KME gives %.0f B/s",
		 otp->state.budget, otp->state.needed, gives > 0 ? gives : 0);
	otp_say(side, text);
}

/* All batches before this one have been taken from the store, and none behind it: so nothing is counted twice. */
void otp_take_status(struct side *side, const struct pad_batch *batch)
{
	struct otp *otp = &side->otp;
	struct qv_call_otp_state *state = &otp->state;
	if (batch->failure.code != QV_OK || batch->status.stored_key_count < 0)
		return;
	double bytes = bytes_of(&batch->status, batch->status.stored_key_count) + (double)otp->flight_bytes +
		       (double)qv_pad_left(otp->pads.seals);
	key_budget_note(&otp->budget, qv_clock_now(&qv_clock_monotonic), bytes);
	state->budget = key_budget_lasts(&otp->budget, state->needed);
	bool is_short = state->budget >= 0 && state->budget < SHORT_S;
	if (is_short && !otp->told_short)
		tell_short(side);
	if (is_short || state->budget < 0 || state->budget > ENOUGH_S)
		otp->told_short = is_short;
}
