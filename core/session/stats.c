/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/session.h>

#include "bytes.h"

void qv_stats_encode(const struct qv_receiver_report *report, uint8_t bytes[QV_STATS_SIZE])
{
	struct writer out = { .bytes = bytes, .room = QV_STATS_SIZE };
	put_number(&out, report->bytes, 8);
	put_number(&out, report->video_received, 8);
	put_number(&out, report->video_shown, 8);
	put_number(&out, report->video_dropped, 8);
	put_number(&out, report->audio_received, 8);
	put_number(&out, report->audio_played, 8);
	put_number(&out, report->audio_concealed, 8);
	put_number(&out, (uint64_t)report->latency_us, 8);
	put_number(&out, report->jitter_buffer_us, 4);
	put_number(&out, 0, 4);
}

int qv_stats_decode(const uint8_t *bytes, size_t size, struct qv_receiver_report *report, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	report->bytes = get_number(&in, 8);
	report->video_received = get_number(&in, 8);
	report->video_shown = get_number(&in, 8);
	report->video_dropped = get_number(&in, 8);
	report->audio_received = get_number(&in, 8);
	report->audio_played = get_number(&in, 8);
	report->audio_concealed = get_number(&in, 8);
	uint64_t latency = get_number(&in, 8);
	report->latency_us = latency > (uint64_t)TIME_MAX ? -1 : (int64_t)latency;
	report->jitter_buffer_us = (uint32_t)get_number(&in, 4);
	get_number(&in, 4);
	report->reserved = 0;
	return in.underflow ? qv_fail(err, QV_E_PROTOCOL, "the peer sent a malformed STATS") : 0;
}
