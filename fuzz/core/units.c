/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an authentic but hostile peer sends beside the session: the first byte chooses the stream, then come packets, each
 * behind its length in two bytes, that are put together to units; of RTCP, what it says of our pictures.
 */
#include "../fuzz.h"

#include <stdlib.h>

#include "../../core/call/fates.h"
#include "../../core/call/rtp_in.h"

const char *const fuzz_corpus = "fuzz/core/corpus/units";

static const struct qv_stream_offer offers[] = {
	{ .kind = QV_STREAM_VIDEO, .stream = 1, .codec = "vp8", .video = { .width = 64, .height = 64 } },
	{ .kind = QV_STREAM_VIDEO, .stream = 1, .codec = "vp9", .video = { .width = 64, .height = 64 } },
	{ .kind = QV_STREAM_VIDEO, .stream = 1, .codec = "mjpeg", .video = { .width = 33, .height = 41 } },
	{ .kind = QV_STREAM_AUDIO, .stream = 2, .codec = "opus", .audio = { 8000, 1 }, .block_frames = 160 },
	{ .kind = QV_STREAM_AUDIO, .stream = 2, .codec = "pcm-s16le", .audio = { 192000, 8 }, .block_frames = 64 },
};

static void judge(const struct rtp_in *in)
{
	const struct unit_buffer *unit = &in->unit;
	if (unit->size < 1 || unit->size != unit->unit.size || unit->size > QV_PACKET_MAX ||
	    unit->unit.position >= UINT64_C(1) << 44 || unit->unit.capture_ns < 0 ||
	    unit->prediction.references > QV_PACKET_REFERENCES_MAX || (in->sound && unit->unit.frames < 1) ||
	    unit->unit.frames > 192000)
		abort();
}

static void tell(struct fates_told *told, const uint8_t *bytes, size_t size)
{
	struct fate fates[FATES_PICTURES];
	uint64_t before = told->next;
	size_t count = size >= FATES_SIZE ? fates_take(told, bytes, 1000, fates) : 0;
	for (size_t i = 0; i < count; i++)
		if (fates[i].sequence > 1000 || fates[i].sequence < before)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fates_told told = { 0 };
	struct rtp_stream stream;
	struct rtp_in in;
	if (size < 1)
		return 0;
	const struct qv_stream_offer *offer = &offers[data[0] % (sizeof offers / sizeof offers[0])];
	if (!rtp_stream_of(offer, &stream) || rtp_in_open(&in, &stream, offer->kind == QV_STREAM_AUDIO, NULL) != 0)
		abort();
	int64_t now = 0;
	for (size_t at = 1; at + 2 <= size; now += 20000000) {
		size_t length = (size_t)data[at] << 8 | data[at + 1];
		struct qv_rtp packet;
		at += 2;
		length = length > size - at ? size - at : length;
		tell(&told, data + at, length);
		if (length <= QV_RTP_PACKET_MAX &&
		    qv_rtp_read(&packet, data + at, length, &unit_extensions, NULL) == 0) {
			if (packet.type == RTP_TYPE_REPAIR)
				rtp_in_repair(&in, &packet, now);
			else if (rtp_in_put(&in, &packet, packet.type == RTP_TYPE_AGAIN, now))
				judge(&in);
			while (rtp_in_next(&in, now))
				judge(&in);
		}
		at += length;
	}
	rtp_in_close(&in);
	return 0;
}
