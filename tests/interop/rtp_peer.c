/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts units into RTP packets, joins packets to units, and writes RTCP: for the test to carry to and from others.
 *
 *   rtp_peer cut FORMAT TYPE LAYERS flexible|plain    units in, packets out
 *   rtp_peer join FORMAT                              packets in, units out
 *   rtp_peer reports                                  datagrams of RTCP out
 *
 * Everything on stdin and stdout has its length before it in 4 bytes. A unit that goes in begins with 6 bytes more:
 * flags (1 key, 2 sync), temporal layer, width, height.
 */
#include <qvisio/rtcp.h>
#include <qvisio/rtp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 6

static const struct qv_rtp_extensions ids = { .transport = 3, .capture = 4 };
static uint8_t buffer[HEAD + QV_RTP_UNIT_MAX];

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "rtp_peer: %s\n", what);
	exit(1);
}

static bool get(size_t *size)
{
	uint8_t length[4];
	if (fread(length, 1, 4, stdin) != 4)
		return false;
	*size = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
	if (*size > sizeof buffer || fread(buffer, 1, *size, stdin) != *size)
		give_up("stdin ends early");
	return true;
}

static void put(const uint8_t *bytes, size_t size)
{
	uint8_t length[4] = { (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size };
	if (fwrite(length, 1, 4, stdout) != 4 || fwrite(bytes, 1, size, stdout) != size)
		give_up("stdout does not take it");
}

static enum qv_rtp_format format_of(const char *name)
{
	static const char *const names[] = { "jpeg", "vp8", "vp9", "opus" };
	for (int i = 0; i < 4; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum qv_rtp_format)i;
	give_up("jpeg, vp8, vp9 or opus");
}

static void cut(enum qv_rtp_format format, int type, unsigned layers, bool flexible)
{
	struct qv_rtp_payload_options options = {
		.format = format, .payload_max = 1200, .layers = layers, .flexible = flexible
	};
	struct qv_error err = QV_ERROR_INIT;
	struct qv_rtp_packetiser *packetiser = qv_rtp_packetiser_new(&options, &err);
	uint8_t payload[QV_RTP_PACKET_MAX], bytes[QV_RTP_PACKET_MAX];
	struct qv_rtp packet = { .type = (uint8_t)type,
				 .sequence = 65500,
				 .ssrc = 0x51564953,
				 .timestamp = 1000,
				 .has_transport = true,
				 .has_capture = true,
				 .payload = payload };
	for (size_t size; packetiser && get(&size);) {
		struct qv_rtp_unit unit = { .data = buffer + HEAD,
					    .size = size - HEAD,
					    .key = buffer[0] & 1,
					    .sync = buffer[0] & 2,
					    .layer = buffer[1],
					    .width = buffer[2] << 8 | buffer[3],
					    .height = buffer[4] << 8 | buffer[5] };
		if (size < HEAD || qv_rtp_packetiser_begin(packetiser, &unit, &err) != 0)
			give_up(err.message);
		while ((packet.size = qv_rtp_packetiser_next(packetiser, payload, &packet.marker)) > 0) {
			int length = qv_rtp_write(&packet, &ids, bytes, sizeof bytes, &err);
			if (length < 0)
				give_up(err.message);
			put(bytes, (size_t)length);
			packet.sequence++;
			packet.transport++;
		}
		packet.timestamp += format == QV_RTP_OPUS ? 960 : 3000;
	}
	if (err.code != QV_OK)
		give_up(err.message);
	qv_rtp_packetiser_free(packetiser);
}

static void join(enum qv_rtp_format format)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_rtp_depacketiser *depacketiser =
		qv_rtp_depacketiser_new(&(struct qv_rtp_payload_options){ .format = format }, &err);
	struct qv_rtp packet;
	struct qv_rtp_unit unit;
	int done = depacketiser ? 0 : -1;
	for (size_t size; done >= 0 && get(&size);) {
		done = qv_rtp_read(&packet, buffer, size, &ids, &err);
		if (done == 0)
			done = qv_rtp_depacketiser_push(depacketiser, &packet, &unit, &err);
		if (done == 1)
			put(unit.data, unit.size);
	}
	if (done < 0)
		give_up(err.message);
	qv_rtp_depacketiser_free(depacketiser);
}

static void reports(void)
{
	uint8_t bytes[1200];
	struct qv_rtcp_writer writer = { .bytes = bytes, .room = sizeof bytes };
	struct qv_rtcp sr = { .kind = QV_RTCP_SR, .sender = 1, .ntp = UINT64_C(0xe8000000) << 32, .report_count = 1 };
	static struct qv_rtcp_feedback feedback = { .base = 65530, .number = 7, .count = 40 };
	size_t told;
	sr.reports[0] = (struct qv_rtcp_report){ .ssrc = 2, .fraction = 3, .lost = 4, .highest = 70000, .jitter = 5 };
	for (size_t i = 0; i < feedback.count; i++)
		feedback.arrivals[i] =
			(struct qv_rtcp_arrival){ .received = i % 5 != 3,
						  .at_us = 6400000 + (int64_t)i * (i % 9 ? 1000 : 1200) };
	bool fits = qv_rtcp_put_report(&writer, &sr) && qv_rtcp_put_cname(&writer, 1, "a name") &&
		    qv_rtcp_put_bye(&writer, 1);
	put(bytes, writer.used);
	writer.used = 0;
	sr.kind = QV_RTCP_RR;
	fits = fits && qv_rtcp_put_report(&writer, &sr) && qv_rtcp_put_cname(&writer, 1, "another name") &&
	       qv_rtcp_put_nacks(&writer, 1, 2, (const uint16_t[]){ 65535, 0, 1, 40 }, 4) &&
	       qv_rtcp_put_pli(&writer, 1, 2) && qv_rtcp_put_feedback(&writer, 1, 2, &feedback, &told);
	put(bytes, writer.used);
	if (!fits)
		give_up("RTCP does not fit");
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "cut") == 0)
		cut(format_of(argv[2]), (int)strtol(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10),
		    strcmp(argv[5], "flexible") == 0);
	else if (argc == 3 && strcmp(argv[1], "join") == 0)
		join(format_of(argv[2]));
	else if (argc == 2 && strcmp(argv[1], "reports") == 0)
		reports();
	else
		give_up("cut, join or reports");
	return fflush(stdout) == 0 ? 0 : 1;
}
