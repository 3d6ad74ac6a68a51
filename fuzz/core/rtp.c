/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses a payload format; then come packets, each behind its length in two bytes. */
#include "../fuzz.h"

#include <qvisio/rtp.h>

#include <stdlib.h>
#include <string.h>

const char *const fuzz_corpus = "fuzz/core/corpus/rtp";

static const struct qv_rtp_extensions ids = { .transport = 1, .capture = 2, .unit = 3, .prediction = 4 };

/* What was read is written, and read again the same. */
static void write_again(const struct qv_rtp *packet)
{
	uint8_t bytes[QV_RTP_PACKET_MAX + QV_RTP_HEADER_MAX];
	struct qv_rtp again;
	int size = qv_rtp_write(packet, &ids, bytes, sizeof bytes, NULL);
	if (size < 0 || qv_rtp_read(&again, bytes, (size_t)size, &ids, NULL) != 0 ||
	    again.sequence != packet->sequence || again.ssrc != packet->ssrc || again.type != packet->type ||
	    again.timestamp != packet->timestamp || again.marker != packet->marker ||
	    again.has_transport != packet->has_transport || again.transport != packet->transport ||
	    memcmp(&again.unit, &packet->unit, sizeof again.unit) != 0 ||
	    memcmp(&again.prediction, &packet->prediction, sizeof again.prediction) != 0 ||
	    again.has_capture != packet->has_capture || again.capture != packet->capture ||
	    again.size != packet->size || memcmp(again.payload, packet->payload, packet->size) != 0)
		abort();
}

/* A unit that was put together can be cut again, unless its bytes are not of the format. */
static void cut_again(const struct qv_rtp_payload_options *options, const struct qv_rtp_unit *unit)
{
	uint8_t payload[QV_RTP_PACKET_MAX];
	bool marker = false;
	struct qv_rtp_packetiser *packetiser = qv_rtp_packetiser_new(options, NULL);
	if (packetiser && qv_rtp_packetiser_begin(packetiser, unit, NULL) == 0)
		for (size_t size; (size = qv_rtp_packetiser_next(packetiser, payload, &marker)) > 0;)
			if (size > options->payload_max)
				abort();
	qv_rtp_packetiser_free(packetiser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct qv_rtp_payload_options options = { .format = (enum qv_rtp_format)(data[0] & 3),
						  .payload_max = 200,
						  .layers = data[0] >> 4 & 3,
						  .flexible = data[0] & 4,
						  .width = 33,
						  .height = 41 };
	struct qv_rtp_depacketiser *depacketiser = qv_rtp_depacketiser_new(&options, NULL);
	if (!depacketiser)
		abort();
	for (size_t at = 1; at + 2 <= size;) {
		size_t length = (size_t)data[at] << 8 | data[at + 1];
		at += 2;
		length = length > size - at ? size - at : length;
		struct qv_rtp packet;
		struct qv_rtp_unit unit;
		struct qv_error err = QV_ERROR_INIT;
		/* A copy of its own size lets a sanitizer see what is read behind it. */
		uint8_t *copy = malloc(length ? length : 1);
		if (!copy)
			break;
		memcpy(copy, data + at, length);
		at += length;
		if (qv_rtp_read(&packet, copy, length, &ids, &err) == 0) {
			if (packet.size <= QV_RTP_PACKET_MAX)
				write_again(&packet);
			int done = qv_rtp_depacketiser_push(depacketiser, &packet, &unit, &err);
			if (done < 0 && !err.message[0])
				abort();
			if (done == 1) {
				if (unit.size == 0 || unit.size > QV_RTP_UNIT_MAX)
					abort();
				cut_again(&options, &unit);
			}
		}
		free(copy);
	}
	qv_rtp_depacketiser_free(depacketiser);
	return 0;
}
