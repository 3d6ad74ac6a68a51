/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp_stream.h"

#include <string.h>

#include <qvisio/pad.h>

static const struct {
	const char *codec;
	enum qv_stream_kind kind;
	uint8_t type;
	bool l16;
	enum qv_rtp_format format;
	uint32_t clock; /* 0: the stream's rate */
} formats[] = {
	{ "mjpeg", QV_STREAM_VIDEO, 26, false, QV_RTP_JPEG, QV_RTP_VIDEO_CLOCK },
	{ "vp8", QV_STREAM_VIDEO, 96, false, QV_RTP_VP8, QV_RTP_VIDEO_CLOCK },
	{ "vp9", QV_STREAM_VIDEO, 97, false, QV_RTP_VP9, QV_RTP_VIDEO_CLOCK },
	{ "opus", QV_STREAM_AUDIO, 98, false, QV_RTP_OPUS, QV_RTP_OPUS_CLOCK },
	{ "pcm-s16le", QV_STREAM_AUDIO, 99, true, QV_RTP_OPUS, 0 },
};

size_t rtp_l16_room(int channels, bool sealed)
{
	size_t frame = 2 * (size_t)channels;
	return (RTP_L16_BYTES_MAX - (sealed ? QV_PAD_OVERHEAD : 0)) / frame * frame;
}

bool rtp_stream_of(const struct qv_stream_offer *offer, struct rtp_stream *stream)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		if (formats[i].kind != offer->kind || strcmp(formats[i].codec, offer->codec) != 0)
			continue;
		*stream = (struct rtp_stream){
			.type = formats[i].type,
			.clock = formats[i].clock ? formats[i].clock : (uint32_t)offer->audio.rate,
			.ssrc = (uint32_t)offer->stream << 8,
			.again_ssrc = (uint32_t)offer->stream << 8 | 1,
			.repair_ssrc = (uint32_t)offer->stream << 8 | 2,
			.l16 = formats[i].l16,
			.payload = { .format = formats[i].format,
				     .payload_max = RTP_PAYLOAD_MAX,
				     .layers = 3,
				     .flexible = true,
				     .width = offer->video.width,
				     .height = offer->video.height },
			.rate = offer->audio.rate,
			.channels = offer->audio.channels,
		};
		return true;
	}
	return false;
}
