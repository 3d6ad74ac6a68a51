/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/rtp.h>

static const struct qv_rtp_extensions ids = { .transport = 3, .capture = 4 };

static void header_and_extensions(void **state)
{
	(void)state;
	static const uint8_t expected[] = { 0x90, 0xe0, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 0x01, 0x02,
					    0x03, 0x04, 0xbe, 0xde, 0x00, 0x03, 0x31, 0xab, 0xcd, 0x47,
					    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 'h',  'i' };
	struct qv_rtp packet = { .type = 96,
				 .marker = true,
				 .sequence = 0x1234,
				 .timestamp = 0xdeadbeef,
				 .ssrc = 0x01020304,
				 .has_transport = true,
				 .transport = 0xabcd,
				 .has_capture = true,
				 .capture = 0x1122334455667788,
				 .payload = (const uint8_t *)"hi",
				 .size = 2 };
	uint8_t bytes[64];
	assert_int_equal(qv_rtp_write(&packet, &ids, bytes, sizeof bytes, NULL), sizeof expected);
	assert_memory_equal(bytes, expected, sizeof expected);
	struct qv_rtp read;
	assert_int_equal(qv_rtp_read(&read, bytes, sizeof expected, &ids, NULL), 0);
	assert_true(read.has_transport && read.has_capture && read.marker);
	assert_int_equal(read.transport, 0xabcd);
	assert_true(read.capture == packet.capture);
	assert_int_equal(read.size, 2);
	/* Identifiers that were not agreed on are passed over. */
	assert_int_equal(qv_rtp_read(&read, bytes, sizeof expected, &(struct qv_rtp_extensions){ 0 }, NULL), 0);
	assert_false(read.has_transport || read.has_capture);
	for (size_t room = 0; room < sizeof expected; room++)
		assert_int_equal(qv_rtp_write(&packet, &ids, bytes, room, NULL), -1);
	for (size_t size = 0; size < 28; size++)
		assert_int_equal(qv_rtp_read(&read, expected, size, &ids, NULL), -1);
}

static void two_byte_form_sources_and_padding(void **state)
{
	(void)state;
	static const uint8_t bytes[] = { 0xb1, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0,    3,    9,   9, 9, 9,
					 0x10, 0x00, 0, 2, 3, 2, 7, 8, 0, 5, 0x01, 0xaa, 'x', 0, 0, 3 };
	struct qv_rtp read;
	assert_int_equal(qv_rtp_read(&read, bytes, sizeof bytes, &ids, NULL), 0);
	assert_true(read.has_transport);
	assert_int_equal(read.transport, 0x0708);
	assert_int_equal(read.size, 1);
	assert_int_equal(read.payload[0], 'x');
	uint8_t over[sizeof bytes];
	memcpy(over, bytes, sizeof bytes);
	over[sizeof bytes - 1] = 5;
	assert_int_equal(qv_rtp_read(&read, over, sizeof over, &ids, NULL), -1);
	over[sizeof bytes - 1] = 0;
	assert_int_equal(qv_rtp_read(&read, over, sizeof over, &ids, NULL), -1);
	over[sizeof bytes - 1] = 3;
	over[26] = 9; /* an extension that overruns */
	assert_int_equal(qv_rtp_read(&read, over, sizeof over, &ids, NULL), -1);
	assert_true(qv_rtp_is_rtcp((const uint8_t *)"\x80\xc8", 2));
	assert_false(qv_rtp_is_rtcp(bytes, sizeof bytes));
}

struct link {
	struct qv_rtp_packetiser *packetiser;
	struct qv_rtp_depacketiser *depacketiser;
	uint16_t sequence;
	uint32_t timestamp;
	int drop;      /* index of the packet of a unit that is lost; -1: none */
	size_t sent;   /* packets of the last unit */
	uint8_t *copy; /* of the last unit that came out */
	struct qv_rtp_unit out;
};

static struct link *open_link(struct qv_rtp_payload_options options)
{
	struct link *link = calloc(1, sizeof *link);
	assert_non_null(link);
	options.payload_max = options.payload_max ? options.payload_max : 1200;
	link->packetiser = qv_rtp_packetiser_new(&options, NULL);
	link->depacketiser = qv_rtp_depacketiser_new(&options, NULL);
	link->sequence = 65530;
	link->drop = -1;
	assert_non_null(link->packetiser);
	assert_non_null(link->depacketiser);
	return link;
}

static void close_link(struct link *link)
{
	qv_rtp_packetiser_free(link->packetiser);
	qv_rtp_depacketiser_free(link->depacketiser);
	free(link->copy);
	free(link);
}

/* Cuts a unit and puts it together again; how many units came out. */
static int carry(struct link *link, const struct qv_rtp_unit *unit)
{
	uint8_t payload[QV_RTP_PACKET_MAX];
	bool marker;
	int count = 0;
	link->timestamp += 3000;
	link->sent = 0;
	assert_int_equal(qv_rtp_packetiser_begin(link->packetiser, unit, NULL), 0);
	for (size_t size; (size = qv_rtp_packetiser_next(link->packetiser, payload, &marker)) > 0;) {
		struct qv_rtp packet = { .sequence = link->sequence++,
					 .timestamp = link->timestamp,
					 .marker = marker,
					 .payload = payload,
					 .size = size };
		if ((int)link->sent++ == link->drop)
			continue;
		struct qv_rtp_unit out;
		int done = qv_rtp_depacketiser_push(link->depacketiser, &packet, &out, NULL);
		assert_true(done >= 0);
		if (done == 0)
			continue;
		count++;
		link->out = out;
		link->copy = realloc(link->copy, out.size);
		assert_non_null(link->copy);
		memcpy(link->copy, out.data, out.size);
	}
	return count;
}

static void assert_carried(struct link *link, const struct qv_rtp_unit *unit)
{
	assert_int_equal(carry(link, unit), 1);
	assert_int_equal(link->out.size, unit->size);
	assert_memory_equal(link->copy, unit->data, unit->size);
	assert_int_equal(link->out.key, unit->key);
	assert_int_equal(link->out.layer, unit->layer);
	assert_int_equal(link->out.sync, unit->sync);
	assert_int_equal(link->out.timestamp, link->timestamp);
}

static void fill(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
}

static uint8_t data[100000];

static struct qv_rtp_unit vp8(bool key, size_t size)
{
	fill(data, size);
	memcpy(data, key ? "\x10\x02\x00\x9d\x01\x2a\x40\x01\xf0\x00" : "\x11\x02\x00", key ? 10 : 3);
	return (struct qv_rtp_unit){ .data = data, .size = size, .key = key };
}

static void vp8_units(void **state)
{
	(void)state;
	for (unsigned layers = 1; layers <= 3; layers++) {
		struct link *link =
			open_link((struct qv_rtp_payload_options){ .format = QV_RTP_VP8, .layers = layers });
		static const size_t sizes[] = { 10, 1190, 1194, 1195, 1196, 1197, 1198, 5000, 100000 };
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			struct qv_rtp_unit unit = vp8(i % 2 == 0, sizes[i]);
			unit.layer = (uint8_t)(unit.key ? 0 : layers - 1);
			unit.sync = unit.layer > 0;
			assert_carried(link, &unit);
			assert_false(link->out.missing);
			assert_int_equal(link->out.picture, i);
			assert_int_equal(link->out.width, unit.key ? 320 : 0);
			assert_int_equal(link->out.height, unit.key ? 240 : 0);
		}
		close_link(link);
	}
}

static void lost_packets_cost_one_unit(void **state)
{
	(void)state;
	for (int drop = 0; drop < 5; drop++) {
		struct link *link = open_link((struct qv_rtp_payload_options){ .format = QV_RTP_VP8 });
		struct qv_rtp_unit unit = vp8(true, 5000);
		assert_carried(link, &unit);
		link->drop = drop;
		assert_int_equal(carry(link, &unit), 0);
		assert_int_equal(link->sent, 5);
		link->drop = -1;
		assert_carried(link, &unit);
		assert_true(link->out.missing);
		assert_carried(link, &unit);
		assert_false(link->out.missing);
		close_link(link);
	}
}

static void vp9_units(void **state)
{
	(void)state;
	for (unsigned layers = 1; layers <= 3; layers++)
		for (int flexible = 0; flexible < 2; flexible++) {
			struct link *link = open_link((struct qv_rtp_payload_options){
				.format = QV_RTP_VP9, .layers = layers, .flexible = flexible, .payload_max = 300 });
			for (size_t size = 280; size < 600; size++) {
				fill(data, size);
				data[0] = 0x82;
				struct qv_rtp_unit unit = {
					.data = data, .size = size, .key = size % 7 == 0, .width = 640, .height = 360
				};
				unit.layer = (uint8_t)(unit.key ? 0 : layers - 1);
				unit.sync = unit.layer > 0 && size % 2;
				if (flexible && !unit.key) {
					unit.reference_count = 2;
					unit.references[0] = 1;
					unit.references[1] = 127;
				}
				assert_carried(link, &unit);
				assert_int_equal(link->out.width, unit.key ? 640 : 0);
				assert_int_equal(link->out.height, unit.key ? 360 : 0);
				assert_int_equal(link->out.reference_count, unit.reference_count);
				if (unit.reference_count)
					assert_int_equal(link->out.references[1], 127);
			}
			close_link(link);
		}
}

/* A JPEG image made by the depacketiser from a payload that was written by hand. */
static size_t make_jpeg(uint8_t *jpeg, unsigned type, unsigned interval, size_t scan_size)
{
	struct qv_rtp_payload_options options = { .format = QV_RTP_JPEG };
	struct qv_rtp_depacketiser *depacketiser = qv_rtp_depacketiser_new(&options, NULL);
	static uint8_t payload[60000];
	size_t at = 0;
	memcpy(payload, (uint8_t[]){ 0, 0, 0, 0, (uint8_t)type, 255, 40, 30 }, 8);
	at = 8;
	if (type & 64) {
		memcpy(payload + at, (uint8_t[]){ 0, (uint8_t)interval, 0xff, 0xff }, 4);
		at += 4;
	}
	memcpy(payload + at, (uint8_t[]){ 0, 0, 0, 128 }, 4);
	at += 4;
	for (int i = 0; i < 128; i++)
		payload[at++] = (uint8_t)(i + 1);
	for (size_t i = 0; i < scan_size; i++)
		payload[at++] = (uint8_t)(i % 251);
	struct qv_rtp packet = { .marker = true, .payload = payload, .size = at };
	struct qv_rtp_unit unit;
	assert_int_equal(qv_rtp_depacketiser_push(depacketiser, &packet, &unit, NULL), 1);
	assert_int_equal(unit.width, 320);
	assert_int_equal(unit.height, 240);
	size_t size = unit.size;
	memcpy(jpeg, unit.data, size);
	qv_rtp_depacketiser_free(depacketiser);
	return size;
}

static void jpeg_units(void **state)
{
	(void)state;
	static uint8_t jpeg[70000];
	static const size_t scans[] = { 1, 50, 1060, 1061, 5000, 50000 };
	for (unsigned type = 0; type < 2; type++)
		for (unsigned interval = 0; interval < 20; interval += 10)
			for (size_t i = 0; i < sizeof scans / sizeof scans[0]; i++) {
				size_t size = make_jpeg(jpeg, type + (interval ? 64 : 0), interval, scans[i]);
				struct link *link = open_link((struct qv_rtp_payload_options){ .format = QV_RTP_JPEG });
				assert_carried(link, &(struct qv_rtp_unit){ .data = jpeg, .size = size, .key = true });
				close_link(link);
			}
}

static void jpeg_that_rtp_cannot_carry(void **state)
{
	(void)state;
	static uint8_t jpeg[10000];
	size_t size = make_jpeg(jpeg, 1, 0, 100);
	struct link *link = open_link((struct qv_rtp_payload_options){ .format = QV_RTP_JPEG });
	struct qv_rtp_unit unit = { .data = jpeg, .size = size };
	struct qv_error err = QV_ERROR_INIT;
	uint8_t *frame = memmem(jpeg, size, "\xff\xc0", 2), *tables = memmem(jpeg, size, "\xff\xc4", 2);
	frame[11] = 0x11; /* 4:4:4 */
	assert_int_equal(qv_rtp_packetiser_begin(link->packetiser, &unit, &err), -1);
	assert_int_equal(err.code, QV_E_UNSUPPORTED);
	frame[11] = 0x22;
	frame[1] = 0xc2; /* progressive */
	assert_int_equal(qv_rtp_packetiser_begin(link->packetiser, &unit, &err), -1);
	assert_int_equal(err.code, QV_E_UNSUPPORTED);
	frame[1] = 0xc0;
	frame[7] = 0x07;
	frame[8] = 0xf9; /* 2041 wide */
	assert_int_equal(qv_rtp_packetiser_begin(link->packetiser, &unit, &err), -1);
	assert_int_equal(err.code, QV_E_UNSUPPORTED);
	frame[8] = 0xf8;
	assert_int_equal(qv_rtp_packetiser_begin(link->packetiser, &unit, &err), 0);
	tables[25] ^= 1; /* another Huffman table */
	assert_int_equal(qv_rtp_packetiser_begin(link->packetiser, &unit, &err), -1);
	assert_int_equal(err.code, QV_E_UNSUPPORTED);
	tables[25] ^= 1;
	for (size_t cut = 0; cut < size; cut++) {
		unit.size = cut;
		assert_int_equal(qv_rtp_packetiser_begin(link->packetiser, &unit, &err), -1);
	}
	close_link(link);
}

static int opus(const char *bytes, size_t size)
{
	return qv_rtp_opus_duration((const uint8_t *)bytes, size, NULL);
}

static void opus_packets(void **state)
{
	(void)state;
	assert_int_equal(opus("\x78", 1), 960); /* hybrid FB 20 ms, one frame of 0 bytes (DTX) */
	assert_int_equal(opus("\xfc"
			      "abc",
			      4),
			 960); /* CELT FB 20 ms */
	assert_int_equal(opus("\xe0"
			      "abc",
			      4),
			 120);
	assert_int_equal(opus("\xfd"
			      "abcd",
			      5),
			 1920);
	assert_int_equal(opus("\xfd"
			      "abc",
			      4),
			 -1); /* two frames of one size, of 3 bytes */
	assert_int_equal(opus("\xfe\x01"
			      "abc",
			      5),
			 1920);
	assert_int_equal(opus("\xfe\x05"
			      "abc",
			      5),
			 -1);
	assert_int_equal(opus("\xff\x03"
			      "abc",
			      5),
			 2880);
	assert_int_equal(opus("\xff\x00"
			      "abc",
			      5),
			 -1); /* no frame */
	assert_int_equal(opus("\xff\x07"
			      "abcdefg",
			      9),
			 -1); /* 140 ms */
	assert_int_equal(opus("\x1b\x02", 2), 5760);
	assert_int_equal(opus("\x1b\x03", 2), -1);
	assert_int_equal(opus("\xff\x43\x02"
			      "abc\0\0",
			      8),
			 2880);
	assert_int_equal(opus("\xff\x43\x09"
			      "abc\0\0",
			      8),
			 -1); /* padding that overruns */
	assert_int_equal(opus("\xff\x82\x01"
			      "abc",
			      6),
			 1920);
	assert_int_equal(opus("", 0), -1);
	static char large[1400];
	large[0] = (char)0xfc;
	assert_int_equal(opus(large, 1276), 960);
	assert_int_equal(opus(large, 1277), -1);
	struct link *link = open_link((struct qv_rtp_payload_options){ .format = QV_RTP_OPUS });
	assert_carried(link, &(struct qv_rtp_unit){ .data = (const uint8_t *)"\xfc"
									     "abc",
						    .size = 4,
						    .key = true });
	assert_int_equal(link->sent, 1);
	close_link(link);
}

static void hostile_payloads(void **state)
{
	(void)state;
	static const struct {
		enum qv_rtp_format format;
		const char *bytes;
		size_t size;
	} bad[] = {
		{ QV_RTP_VP8, "\x90", 1 },
		{ QV_RTP_VP8, "\x90\x80\x80", 3 },
		{ QV_RTP_VP8, "\x10\x10\x02\x00", 4 },
		{ QV_RTP_VP9, "\x88", 1 },
		{ QV_RTP_VP9, "\x58\x00", 2 },
		{ QV_RTP_VP9, "\x58\x03\x03\x03\x02x", 6 },
		{ QV_RTP_VP9, "\x0a\x18\x00\x10", 4 },
		{ QV_RTP_JPEG, "\0\0\0\0\1\xff\x28\x1e\0\0\0\0", 12 },
		{ QV_RTP_JPEG, "\0\0\0\0\1\xff\x28\x1e\0\0\0\x80", 12 },
		{ QV_RTP_JPEG, "\0\0\0\0\1\x40\x28\x1ex", 9 },
		{ QV_RTP_JPEG, "\0\0\0\0\x05\xff\x28\x1ex", 9 },
		{ QV_RTP_JPEG, "\0\0\0\0\1\xff\0\x1ex", 9 },
		{ QV_RTP_OPUS, "\xff", 1 },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct link *link = open_link((struct qv_rtp_payload_options){ .format = bad[i].format });
		struct qv_rtp packet = { .payload = (const uint8_t *)bad[i].bytes, .size = bad[i].size };
		struct qv_error err = QV_ERROR_INIT;
		assert_int_equal(qv_rtp_depacketiser_push(link->depacketiser, &packet, &link->out, &err), -1);
		assert_true(err.message[0]);
		close_link(link);
	}
}

static void units_have_a_largest_size(void **state)
{
	(void)state;
	struct qv_rtp_payload_options options = { .format = QV_RTP_VP9 };
	struct qv_rtp_depacketiser *depacketiser = qv_rtp_depacketiser_new(&options, NULL);
	static uint8_t payload[QV_RTP_PACKET_MAX];
	struct qv_rtp packet = { .payload = payload, .size = sizeof payload };
	struct qv_rtp_unit unit;
	int done = 0;
	payload[0] = 8;
	for (; done == 0 && packet.sequence < 20000; packet.sequence++) {
		done = qv_rtp_depacketiser_push(depacketiser, &packet, &unit, NULL);
		payload[0] = 0;
	}
	assert_int_equal(done, -1);
	assert_int_equal(packet.sequence, QV_RTP_UNIT_MAX / (sizeof payload - 1) + 1);
	qv_rtp_depacketiser_free(depacketiser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_and_extensions),
		cmocka_unit_test(two_byte_form_sources_and_padding),
		cmocka_unit_test(vp8_units),
		cmocka_unit_test(lost_packets_cost_one_unit),
		cmocka_unit_test(vp9_units),
		cmocka_unit_test(jpeg_units),
		cmocka_unit_test(jpeg_that_rtp_cannot_carry),
		cmocka_unit_test(opus_packets),
		cmocka_unit_test(hostile_payloads),
		cmocka_unit_test(units_have_a_largest_size),
	};
	return cmocka_run_group_tests_name("rtp", tests, NULL, NULL);
}
