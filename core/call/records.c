/* SPDX-License-Identifier: Apache-2.0 */
/* What a side does with the records of its peer. */
#include "side.h"

static int take_report(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	if (!side->out)
		return 0;
	if (qv_stats_decode(record->payload, record->size, &side->result->report, err) != 0)
		return -1;
	side->result->report_valid = true;
	return 0;
}

static int take_state(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	struct qv_stream_state state;
	if (qv_state_decode(record->payload, record->size, &state, err) != 0)
		return -1;
	enum qv_stream_kind kind = side->in ? incoming_state(side->in, &state) : 0;
	struct qv_call_event event = {
		.happening = QV_CALL_PEER_STATE,
		.kind = kind,
		.muted = state.bits & QV_STREAM_MUTED,
		.ended = state.bits & QV_STREAM_ENDED,
	};
	if (kind)
		side_tell(side, &event);
	return 0;
}

static int take_refresh(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	uint16_t stream;
	if (qv_refresh_decode(record->payload, record->size, &stream, err) != 0)
		return -1;
	if (side->out && side->out->sends_video && stream == side->out->video_offer.stream)
		atomic_fetch_add(&side->control->switches.refresh, 1);
	return 0;
}

static int take_roster(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	struct qv_roster roster;
	if (qv_roster_decode(record->payload, record->size, &roster, err) != 0)
		return -1;
	struct qv_call_event event = { .happening = QV_CALL_ROSTER, .roster = &roster };
	side_tell(side, &event);
	return 0;
}

static int wrong_side(const struct side *side, const struct qv_record *record, struct qv_error *err)
{
	if (side->role == QV_CALL_ANSWERER)
		return qv_fail(err, QV_E_PROTOCOL, "the caller sent a record of type %u, which only an answerer sends",
			       record->type);
	return qv_fail(err, QV_E_PROTOCOL, "the peer sent a record of type %u to a caller%s", record->type,
		       side->in ? "" : " who only sends");
}

static int take_media(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	if (!side->in)
		return wrong_side(side, record, err);
	return record->type == QV_RECORD_VIDEO ? incoming_video(side->in, record, err)
					       : incoming_audio(side->in, record, err);
}

int side_take_record(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	bool answers = side->role == QV_CALL_ANSWERER;
	struct qv_call_event ringing = { .happening = QV_CALL_RINGING };
	switch (record->type) {
	case QV_RECORD_HELLO:
		return answers ? negotiation_take_hello(side, record, err) : wrong_side(side, record, err);
	case QV_RECORD_WELCOME:
		return answers ? wrong_side(side, record, err) : negotiation_take_welcome(side, record, err);
	case QV_RECORD_REFUSE:
		return answers ? wrong_side(side, record, err) : negotiation_take_refusal(record, err);
	case QV_RECORD_RINGING:
		if (answers)
			return wrong_side(side, record, err);
		side_tell(side, &ringing);
		return 0;
	case QV_RECORD_VIDEO:
	case QV_RECORD_AUDIO:
		return take_media(side, record, err);
	case QV_RECORD_STATS:
		return take_report(side, record, err);
	case QV_RECORD_STATE:
		return take_state(side, record, err);
	case QV_RECORD_REFRESH:
		return take_refresh(side, record, err);
	case QV_RECORD_TRANSPORT:
		return ways_take(side, record, err);
	case QV_RECORD_PAD:
		return otp_record(side, record, err);
	case QV_RECORD_RENEW:
		side->renewer.peer_asked = true;
		connection_wake(side->media.connection);
		return 0;
	case QV_RECORD_ROSTER:
		return take_roster(side, record, err);
	default:
		return wrong_side(side, record, err);
	}
}
