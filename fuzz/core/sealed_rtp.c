/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound as RTP under a one-time pad, from one who has broken SRTP or is the peer: the first byte chooses the stream, then
 * come packets, each behind its length in two bytes. The keys are zeros here, so that a tag can be right.
 */
#include "../fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/call/rtp_in.h"

const char *const fuzz_corpus = "fuzz/core/corpus/sealed_rtp";

#define KEYS     16
#define KEY_SIZE 128

static const struct qv_stream_offer offers[] = {
	{ .kind = QV_STREAM_AUDIO, .stream = 2, .codec = "opus", .audio = { 8000, 1 }, .block_frames = 160 },
	{ .kind = QV_STREAM_AUDIO, .stream = 2, .codec = "pcm-s16le", .audio = { 8000, 2 }, .block_frames = 64 },
};

static void fill_pad(struct qv_pad *pad)
{
	for (unsigned i = 0; i < KEYS; i++) {
		struct qv_key key = { .secret = qv_secret_new(KEY_SIZE, NULL) };
		snprintf(key.id, sizeof key.id, "%u", i);
		/* A gap in the middle. */
		if (!key.secret || qv_pad_add(pad, i * KEY_SIZE + (i > KEYS / 2 ? 100 : 0), &key, NULL) != 0)
			abort();
	}
}

static void judge(const struct rtp_in *in, const struct qv_rtp *packet, size_t spent)
{
	const struct unit_buffer *unit = &in->unit;
	if (unit->size < 1 || unit->size != unit->unit.size || unit->size > QV_AUDIO_UNIT_MAX ||
	    unit->unit.frames < 1 || unit->unit.frames > 192000 || unit->unit.position >= UINT64_C(1) << 44)
		abort();
	if (unit->size + QV_PAD_OVERHEAD != packet->size || spent != QV_PAD_COST(unit->size))
		abort();
}

/* By a reader that has seen no packet of the stream yet. True: there is a unit. */
static bool put(const struct rtp_stream *stream, struct sound_pads *pads, const struct qv_rtp *packet)
{
	struct rtp_in in;
	size_t left = qv_pad_left(pads->opens);
	if (rtp_in_open(&in, stream, true, NULL) != 0)
		abort();
	in.pads = pads;
	int came = rtp_in_put(&in, packet, packet->type == RTP_TYPE_AGAIN, 0);
	if (came)
		judge(&in, packet, left - qv_pad_left(pads->opens));
	else if (in.counters.sequence && qv_pad_left(pads->opens) == left)
		abort(); /* nothing opened, and yet it was believed */
	rtp_in_close(&in);
	return came;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sound_pads pads = { .opens = qv_pad_new(QV_PAD_CALLER, NULL) };
	struct rtp_stream stream;
	struct rtp_in in;
	struct qv_rtp packet;
	if (!pads.opens || !rtp_stream_of(&offers[size > 0 ? data[0] % 2 : 0], &stream) ||
	    rtp_in_open(&in, &stream, true, NULL) != 0)
		abort();
	fill_pad(pads.opens);
	in.pads = &pads;
	for (size_t at = 1; at + 2 <= size;) {
		size_t length = (size_t)data[at] << 8 | data[at + 1];
		at += 2;
		length = length > size - at ? size - at : length;
		if (length <= QV_RTP_PACKET_MAX &&
		    qv_rtp_read(&packet, data + at, length, &unit_extensions, NULL) == 0) {
			size_t left = qv_pad_left(pads.opens);
			if (data[0] & 2) {
				/* No packet opens twice, whatever RTP makes of it. */
				if (put(&stream, &pads, &packet) && put(&stream, &pads, &packet))
					abort();
			} else if (rtp_in_put(&in, &packet, packet.type == RTP_TYPE_AGAIN, 0)) {
				judge(&in, &packet, left - qv_pad_left(pads.opens));
			}
		}
		at += length;
	}
	rtp_in_close(&in);
	qv_pad_free(pads.opens);
	return 0;
}
