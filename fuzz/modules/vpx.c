/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vpx decoder, on packets of a hostile peer: the first byte gives the codec; then come packets, each behind two bytes
 * of its length, one with what it says of itself, and one of how far it refers back.
 */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/config.h>
#include <qvisio/videocodec.h>

#define PIXELS_MAX    65536
#define PACKETS_MAX   32
#define PACKET_HEADER 4

const char *const fuzz_corpus = "fuzz/modules/corpus/vpx";

static const struct qv_host host = { sizeof host, NULL, &qv_clock_monotonic, -1, NULL };
static const struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_FULL, 64, 48, 30, 1 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Reads every row that the frame promises. */
static void touch(const struct qv_frame *frame)
{
	volatile unsigned sum = 0;
	require(qv_frame_check(frame, NULL) == 0);
	require((int64_t)frame->format.width * frame->format.height <= PIXELS_MAX);
	for (int i = 0; i < qv_pixel_planes(frame->format.pixel); i++) {
		int width, height;
		qv_plane_dimensions(&frame->format, i, &width, &height);
		for (int y = 0; y < height; y++)
			for (int x = 0; x < width; x++)
				sum += frame->plane[i][y * frame->stride[i] + x];
	}
}

static void take(const struct qv_videocodec_class *class, struct qv_videodecoder *decoder, const uint8_t *head,
		 struct qv_packet *packet)
{
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	packet->sequence += 1 + (head[2] >> 6);
	packet->told = head[2] & 1;
	packet->key = head[2] & 2;
	packet->sync = head[2] & 4;
	packet->layer = head[2] >> 3 & 3;
	packet->references = head[3] & 3;
	packet->reference[0] = head[3] >> 2 & 7;
	packet->reference[1] = head[3] >> 5;
	int got = class->decode(decoder, packet, &frame, &err);
	require(got >= 0 || err.code == QV_E_PROTOCOL);
	if (got == 1)
		touch(&frame);
	/* A damaged picture that says it is of a higher layer costs no more than itself. */
	require(got != -1 || (packet->told && packet->layer > 0) || class->need(decoder) != QV_NEED_NOTHING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const settings[] = { "max_pixels=65536", NULL };
	const struct qv_videocodec_class *class = qv_videocodec_class(qv_module.classes[0]);
	if (size < 1)
		return 0;
	struct qv_options *options =
		qv_options_from_strings(settings, class->head.options, class->head.option_size, "fuzz", NULL);
	struct qv_videodecoder *decoder =
		class->decoder_open(&host, options, class->wire_names[data[0] & 1], &format, NULL);
	struct qv_packet packet = { .sequence = 0 };
	require(decoder);
	size_t at = 1;
	for (int n = 0; n < PACKETS_MAX && at + PACKET_HEADER <= size; n++) {
		const uint8_t *head = data + at;
		at += PACKET_HEADER;
		packet.size = (size_t)head[0] | (size_t)head[1] << 8;
		packet.size = packet.size < size - at ? packet.size : size - at;
		/* Its own copy, so that a read past the end is seen. */
		uint8_t *bytes = malloc(packet.size ? packet.size : 1);
		require(bytes);
		memcpy(bytes, data + at, packet.size);
		packet.data = bytes;
		take(class, decoder, head, &packet);
		free(bytes);
		at += packet.size;
	}
	class->decoder_close(decoder);
	qv_options_free(options);
	return 0;
}
