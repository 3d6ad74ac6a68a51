/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/session.h>

static void a_record_is_read_when_it_is_whole(void **state)
{
	(void)state;
	uint8_t bytes[QV_RECORD_HEADER + 3] = { 0 };
	struct qv_record record;
	qv_record_put_header(bytes, QV_RECORD_VIDEO, QV_RECORD_KEY, 0x1234, 3);
	static const uint8_t expected[] = { 4, 1, 0x12, 0x34, 0, 0, 0, 3 };
	assert_memory_equal(bytes, expected, sizeof expected);
	for (size_t size = 0; size < sizeof bytes; size++)
		assert_int_equal(qv_record_parse(bytes, size, &record, NULL), 0);
	assert_int_equal(qv_record_parse(bytes, sizeof bytes, &record, NULL), 1);
	assert_int_equal(record.type, QV_RECORD_VIDEO);
	assert_int_equal(record.flags, QV_RECORD_KEY);
	assert_int_equal(record.stream, 0x1234);
	assert_int_equal(record.size, 3);
	assert_ptr_equal(record.payload, bytes + QV_RECORD_HEADER);
}

static void a_record_longer_than_a_tls_record_is_refused_by_its_header(void **state)
{
	(void)state;
	uint8_t bytes[QV_RECORD_HEADER];
	struct qv_record record;
	struct qv_error err = QV_ERROR_INIT;
	qv_record_put_header(bytes, QV_RECORD_VIDEO, 0, 1, QV_RECORD_PAYLOAD_MAX);
	assert_int_equal(qv_record_parse(bytes, sizeof bytes, &record, &err), 0);
	qv_record_put_header(bytes, QV_RECORD_VIDEO, 0, 1, QV_RECORD_PAYLOAD_MAX + 1);
	assert_int_equal(qv_record_parse(bytes, sizeof bytes, &record, &err), -1);
	assert_int_equal(err.code, QV_E_PROTOCOL);
	qv_record_put_header(bytes, 0, QV_RECORD_IGNORABLE, 1, 0);
	assert_int_equal(qv_record_parse(bytes, sizeof bytes, &record, &err), -1);
}

static const struct qv_hello greeting = {
	.major = QV_SESSION_MAJOR,
	.minor = 7,
	.program = "caller 1.2",
	.offers = 2,
	.offer = { { .kind = QV_STREAM_VIDEO,
		     .stream = 1,
		     .codec = "mjpeg",
		     .video = { QV_PIXEL_I420, QV_RANGE_FULL, 1280, 720, 30000, 1001 } },
		   { .kind = QV_STREAM_AUDIO,
		     .stream = 2,
		     .codec = "pcm-s16le",
		     .audio = { 16000, 1 },
		     .block_frames = 1024 } },
	.accepts = 2,
	.accept = { 2, 1 },
};

static void a_greeting_is_written_and_read_back(void **state)
{
	(void)state;
	uint8_t bytes[1024];
	struct qv_hello out;
	int size = qv_hello_encode(&greeting, bytes, sizeof bytes, NULL);
	assert_true(size > 0);
	assert_int_equal(qv_hello_decode(bytes, (size_t)size, &out, NULL), 0);
	assert_int_equal(out.minor, 7);
	assert_string_equal(out.program, "caller 1.2");
	assert_int_equal(out.offers, 2);
	assert_memory_equal(&out.offer[0].video, &greeting.offer[0].video, sizeof out.offer[0].video);
	assert_string_equal(out.offer[0].codec, "mjpeg");
	assert_memory_equal(&out.offer[1].audio, &greeting.offer[1].audio, sizeof out.offer[1].audio);
	assert_int_equal(out.offer[1].block_frames, 1024);
	assert_int_equal(out.accepts, 2);
	assert_int_equal(out.accept[0], 2);
	/* Cut anywhere, it is either refused or ends between two fields. */
	for (size_t cut = 0; cut < (size_t)size; cut++)
		if (qv_hello_decode(bytes, cut, &out, NULL) == 0)
			assert_true(out.offers < 2 || out.accepts == 0);
	/* No room is an error, never an overflow. */
	for (size_t room = 0; room < (size_t)size; room++)
		assert_int_equal(qv_hello_encode(&greeting, bytes, room, NULL), -1);
}

static void the_bytes_of_a_greeting_are_those_of_the_document(void **state)
{
	(void)state;
	static const uint8_t expected[] = {
		'Q', 'V', 'I', 'S', 0,   1,   0,   0,                            /* magic, version 1.0 */
		0,   1,   0,   1,   'x',                                         /* program "x" */
		0,   2,   0,   21,  0,   1,   2,   128, 1,   224, 0,   0, 0, 30, /* video, stream 1, 640x480, 30 … */
		0,   0,   0,   1,   1,   5,   'm', 'j', 'p', 'e', 'g',           /* … /1, full range, "mjpeg" */
		0,   3,   0,   15,  0,   2,   0,   0,   62,  128, 1, /* audio, stream 2, 16000 Hz, mono … */
		0,   0,   2,   0,   3,   'p', 'c', 'm',              /* … 512 samples a block, "pcm" */
	};
	struct qv_hello hello = { .major = 1, .program = "x", .offers = 2 };
	hello.offer[0] = (struct qv_stream_offer){ .kind = QV_STREAM_VIDEO,
						   .stream = 1,
						   .codec = "mjpeg",
						   .video = { QV_PIXEL_I420, QV_RANGE_FULL, 640, 480, 30, 1 } };
	hello.offer[1] = (struct qv_stream_offer){
		.kind = QV_STREAM_AUDIO, .stream = 2, .codec = "pcm", .audio = { 16000, 1 }, .block_frames = 512
	};
	uint8_t bytes[256];
	assert_int_equal(qv_hello_encode(&hello, bytes, sizeof bytes, NULL), sizeof expected);
	assert_memory_equal(bytes, expected, sizeof expected);
}

static void later_versions_can_add_to_a_greeting(void **state)
{
	(void)state;
	static const uint8_t newer[] = {
		'Q', 'V', 'I', 'S', 0,    1,    0, 9, 0,  99,  0, 3, 'a', 'b', 'c', /* an unknown field */
		0,   3,   0,   17,  0,    2,    0, 0, 62, 128, 1, 0, 0,   2,   0,
		3,   'p', 'c', 'm', 0xaa, 0xbb, /* an addition to a known field */
	};
	static const uint8_t critical[] = { 'Q', 'V', 'I', 'S', 0, 1, 0, 9, 0x80, 99, 0, 0 };
	static const uint8_t other_major[] = { 'Q', 'V', 'I', 'S', 0, 2, 0, 0, 1, 2, 3 };
	struct qv_hello hello;
	assert_int_equal(qv_hello_decode(newer, sizeof newer, &hello, NULL), 0);
	assert_int_equal(hello.offers, 1);
	assert_string_equal(hello.offer[0].codec, "pcm");
	assert_int_equal(qv_hello_decode(critical, sizeof critical, &hello, NULL), -1);
	assert_int_equal(qv_hello_decode(other_major, sizeof other_major, &hello, NULL), 0);
	assert_int_equal(hello.major, 2);
	assert_int_equal(hello.offers, 0);
}

struct bad_greeting {
	const char *what;
	void (*spoil)(struct qv_hello *hello);
};

static void no_width(struct qv_hello *hello)
{
	hello->offer[0].video.width = 0;
}
static void too_high(struct qv_hello *hello)
{
	hello->offer[0].video.height = QV_VIDEO_SIDE_MAX + 1;
}
static void no_rate_denominator(struct qv_hello *hello)
{
	hello->offer[0].video.fps_den = 0;
}
static void too_fast(struct qv_hello *hello)
{
	hello->offer[0].video.fps_num = 2000000;
}
static void odd_range(struct qv_hello *hello)
{
	hello->offer[0].video.range = 2;
}
static void stream_zero(struct qv_hello *hello)
{
	hello->offer[0].stream = 0;
}
static void stream_twice(struct qv_hello *hello)
{
	hello->offer[0].stream = 2;
}
static void no_codec(struct qv_hello *hello)
{
	hello->offer[1].codec[0] = '\0';
}
static void codec_with_blank(struct qv_hello *hello)
{
	hello->offer[1].codec[1] = ' ';
}
static void slow_sound(struct qv_hello *hello)
{
	hello->offer[1].audio.rate = 4000;
}
static void many_channels(struct qv_hello *hello)
{
	hello->offer[1].audio.channels = 9;
}
static void empty_blocks(struct qv_hello *hello)
{
	hello->offer[1].block_frames = 0;
}
static void long_blocks(struct qv_hello *hello)
{
	hello->offer[1].block_frames = 16001;
}
static void many_offers(struct qv_hello *hello)
{
	hello->offers = QV_SESSION_STREAMS_MAX + 1;
}

static const struct bad_greeting bad_greetings[] = {
	{ "no width", no_width },
	{ "too high", too_high },
	{ "fps denominator", no_rate_denominator },
	{ "too fast", too_fast },
	{ "odd range", odd_range },
	{ "stream zero", stream_zero },
	{ "stream twice", stream_twice },
	{ "no codec", no_codec },
	{ "blank in codec", codec_with_blank },
	{ "slow sound", slow_sound },
	{ "many channels", many_channels },
	{ "empty blocks", empty_blocks },
	{ "long blocks", long_blocks },
	{ "many offers", many_offers },
};

static void greetings_that_make_no_sense_are_not_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_greetings / sizeof bad_greetings[0]; i++) {
		struct qv_hello hello = greeting;
		uint8_t bytes[1024];
		bad_greetings[i].spoil(&hello);
		if (qv_hello_encode(&hello, bytes, sizeof bytes, NULL) >= 0)
			fail_msg("%s was accepted", bad_greetings[i].what);
	}
}

/* Single bytes of a good greeting changed so that the field they belong to makes no sense. */
static void greetings_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		size_t at;
		uint8_t value;
	} changes[] = {
		{ "magic", 0, 'q' },
		{ "program length", 11, 200 },
		{ "stream 0", 23, 0 },
		{ "width high byte", 24, 255 },
		{ "range", 36, 7 },
		{ "codec length", 37, 64 },
		{ "codec of control characters", 38, 1 },
		{ "codec with a zero byte", 39, 0 },
	};
	uint8_t good[1024];
	struct qv_hello hello, one = greeting;
	snprintf(one.program, sizeof one.program, "12345678");
	one.offers = 1;
	one.accepts = 0;
	int size = qv_hello_encode(&one, good, sizeof good, NULL);
	assert_int_equal(qv_hello_decode(good, (size_t)size, &hello, NULL), 0);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		uint8_t bytes[1024];
		struct qv_error err = QV_ERROR_INIT;
		/* Offsets are of a greeting whose first offer begins at 20 with its head. */
		memcpy(bytes, good, (size_t)size);
		size_t at = changes[i].at < 20 ? changes[i].at : changes[i].at + 2;
		bytes[at] = changes[i].value;
		if (qv_hello_decode(bytes, (size_t)size, &hello, &err) == 0)
			fail_msg("%s was accepted", changes[i].what);
		assert_int_equal(err.code, QV_E_PROTOCOL);
	}
}

static void hostile_text_is_made_printable(void **state)
{
	(void)state;
	static const uint8_t bytes[] = "\0\1busy \x1b[2J\xc3\xa9\xff\xe2\x80\xae\xed\xa0\x80\xc0\x80\x7f\n";
	struct qv_reason reason;
	assert_int_equal(qv_reason_decode(bytes, sizeof bytes - 1, &reason, NULL), 0);
	assert_int_equal(reason.code, QV_REFUSE_BUSY);
	assert_string_equal(reason.text, "busy ?[2J\xc3\xa9"
					 "???????????");
	assert_int_equal(qv_reason_decode(bytes, 1, &reason, NULL), -1);
}

static void reasons_are_bounded(void **state)
{
	(void)state;
	uint8_t bytes[2 + QV_REASON_TEXT_MAX + 1];
	struct qv_reason reason;
	memset(bytes, 'a', sizeof bytes);
	assert_int_equal(qv_reason_decode(bytes, sizeof bytes - 1, &reason, NULL), 0);
	assert_int_equal(strlen(reason.text), QV_REASON_TEXT_MAX);
	assert_int_equal(qv_reason_decode(bytes, sizeof bytes, &reason, NULL), -1);
	uint8_t again[sizeof bytes];
	assert_int_equal(qv_reason_encode(&reason, again, sizeof again, NULL), 2 + QV_REASON_TEXT_MAX);
	assert_memory_equal(again, bytes, 2 + QV_REASON_TEXT_MAX);
}

static const struct qv_unit unit = { .sequence = 5,
				     .size = 100,
				     .capture_ns = 1234567890123,
				     .capture_us = 1,
				     .encode_us = 2,
				     .queue_us = 3,
				     .position = 4000,
				     .frames = 160 };

static void a_fragment_is_written_and_read_back(void **state)
{
	(void)state;
	uint8_t bytes[QV_FRAGMENT_HEADER_MAX + 1] = { 0 };
	struct qv_fragment fragment;
	size_t header = qv_fragment_put_header(bytes, &unit, 0);
	assert_int_equal(header, QV_FRAGMENT_HEADER_MAX);
	bytes[header] = 42;
	assert_int_equal(qv_fragment_decode(QV_RECORD_AUDIO, bytes, header + 1, &fragment, NULL), 0);
	assert_memory_equal(&fragment.unit, &unit, sizeof unit);
	assert_int_equal(fragment.size, 1);
	assert_int_equal(fragment.data[0], 42);
	for (size_t cut = 0; cut <= header; cut++)
		assert_int_equal(qv_fragment_decode(QV_RECORD_AUDIO, bytes, cut, &fragment, NULL), -1);

	header = qv_fragment_put_header(bytes, &unit, 7);
	assert_int_equal(header, QV_FRAGMENT_HEADER);
	assert_int_equal(qv_fragment_decode(QV_RECORD_VIDEO, bytes, header + 1, &fragment, NULL), 0);
	assert_int_equal(fragment.unit.sequence, 5);
	assert_int_equal(fragment.offset, 7);
	assert_int_equal(qv_fragment_decode(QV_RECORD_VIDEO, bytes, header, &fragment, NULL), -1);
}

static int decode_unit(uint8_t type, const struct qv_unit *spoilt)
{
	uint8_t bytes[QV_FRAGMENT_HEADER_MAX + 1] = { 0 };
	struct qv_fragment fragment;
	size_t header = qv_fragment_put_header(bytes, spoilt, 0);
	return qv_fragment_decode(type, bytes, header + 1, &fragment, NULL);
}

static void units_outside_the_limits_are_refused(void **state)
{
	(void)state;
	struct qv_unit spoilt = unit;
	spoilt.size = QV_PACKET_MAX;
	assert_int_equal(decode_unit(QV_RECORD_VIDEO, &spoilt), 0);
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), -1);
	spoilt.size = QV_PACKET_MAX + 1;
	assert_int_equal(decode_unit(QV_RECORD_VIDEO, &spoilt), -1);
	spoilt.size = QV_AUDIO_UNIT_MAX;
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), 0);
	spoilt.size = 0;
	assert_int_equal(decode_unit(QV_RECORD_VIDEO, &spoilt), -1);
	spoilt = unit;
	spoilt.frames = 0;
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), -1);
	assert_int_equal(decode_unit(QV_RECORD_VIDEO, &spoilt), 0);
	spoilt = unit;
	spoilt.position = UINT64_C(1) << 44;
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), -1);
	spoilt = unit;
	spoilt.capture_ns = INT64_MIN;
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), -1);
	spoilt.capture_ns = INT64_MAX;
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), -1);
}

static void pings_and_reports_are_written_and_read_back(void **state)
{
	(void)state;
	struct qv_pong pong = { .ping = { 7, 1000 }, .received_ns = 2000, .sent_ns = 3000 }, pong_out;
	uint8_t bytes[QV_STATS_SIZE + 4] = { 0 };
	qv_pong_encode(&pong, bytes);
	assert_int_equal(qv_pong_decode(bytes, QV_PONG_SIZE, &pong_out, NULL), 0);
	assert_int_equal(pong_out.ping.number, 7);
	assert_int_equal(pong_out.ping.sent_ns, 1000);
	assert_int_equal(pong_out.received_ns, 2000);
	assert_int_equal(pong_out.sent_ns, 3000);
	assert_int_equal(qv_pong_decode(bytes, QV_PONG_SIZE - 1, &pong_out, NULL), -1);
	struct qv_ping ping_out;
	qv_ping_encode(&pong.ping, bytes);
	assert_int_equal(qv_ping_decode(bytes, QV_PING_SIZE, &ping_out, NULL), 0);
	assert_int_equal(ping_out.number, 7);
	assert_int_equal(ping_out.sent_ns, 1000);
	assert_int_equal(qv_ping_decode(bytes, QV_PING_SIZE - 1, &ping_out, NULL), -1);

	struct qv_receiver_report report = { 1, 2, 3, 4, 5, 6, 7, -1, 9, 0 }, report_out;
	qv_stats_encode(&report, bytes);
	assert_int_equal(qv_stats_decode(bytes, QV_STATS_SIZE, &report_out, NULL), 0);
	assert_memory_equal(&report_out, &report, sizeof report);
	assert_int_equal(qv_stats_decode(bytes, QV_STATS_SIZE - 1, &report_out, NULL), -1);
	/* A later version may add to it. */
	assert_int_equal(qv_stats_decode(bytes, QV_STATS_SIZE + 4, &report_out, NULL), 0);
}

static void what_a_caller_takes_is_written_and_read_back(void **state)
{
	(void)state;
	struct qv_hello hello = greeting, out;
	uint8_t bytes[1024];
	hello.takes = 2;
	hello.take[0] = (struct qv_stream_take){ QV_STREAM_VIDEO, "vp8", 1280, 720, 30, 0, 0 };
	hello.take[1] =
		(struct qv_stream_take){ .kind = QV_STREAM_AUDIO, .codec = "opus", .rate = 48000, .channels = 2 };
	int size = qv_hello_encode(&hello, bytes, sizeof bytes, NULL);
	assert_true(size > 0);
	assert_int_equal(qv_hello_decode(bytes, (size_t)size, &out, NULL), 0);
	assert_int_equal(out.takes, 2);
	assert_memory_equal(out.take, hello.take, 2 * sizeof out.take[0]);
	/* Cut anywhere, it is refused or means less; never more. */
	for (int cut = 8; cut < size; cut++)
		if (qv_hello_decode(bytes, (size_t)cut, &out, NULL) == 0)
			assert_in_range(out.takes, 0, 1);
	struct qv_stream_offer fits = { .kind = QV_STREAM_VIDEO, .codec = "vp8" };
	fits.video = (struct qv_video_format){ QV_PIXEL_I420, QV_RANGE_FULL, 1280, 720, 30, 1 };
	assert_true(qv_stream_take_fits(&hello.take[0], &fits));
	fits.video.width++;
	assert_false(qv_stream_take_fits(&hello.take[0], &fits));
	fits.video.width--;
	fits.video.fps_num = 31;
	assert_false(qv_stream_take_fits(&hello.take[0], &fits));
	fits.video.fps_num = 30;
	memcpy(fits.codec, "vp9", 4);
	assert_false(qv_stream_take_fits(&hello.take[0], &fits));
}

static void state_refresh_and_attach_are_written_and_read_back(void **state)
{
	(void)state;
	struct qv_stream_state told = { 0x1234, QV_STREAM_MUTED }, read;
	uint8_t bytes[QV_ATTACH_SIZE], token[QV_ATTACH_TOKEN];
	const uint8_t *found;
	uint16_t stream;
	qv_state_encode(&told, bytes);
	assert_int_equal(qv_state_decode(bytes, QV_STATE_SIZE, &read, NULL), 0);
	assert_int_equal(read.stream, 0x1234);
	assert_int_equal(read.bits, QV_STREAM_MUTED);
	assert_int_equal(qv_state_decode(bytes, QV_STATE_SIZE - 1, &read, NULL), -1);
	qv_refresh_encode(0x4321, bytes);
	assert_int_equal(qv_refresh_decode(bytes, QV_REFRESH_SIZE, &stream, NULL), 0);
	assert_int_equal(stream, 0x4321);
	assert_int_equal(qv_refresh_decode(bytes, QV_REFRESH_SIZE - 1, &stream, NULL), -1);
	memset(token, 0x5a, sizeof token);
	qv_attach_encode(token, bytes);
	assert_int_equal(qv_attach_decode(bytes, sizeof bytes, &found, NULL), 0);
	assert_memory_equal(found, token, sizeof token);
	assert_int_equal(qv_attach_decode(bytes, sizeof bytes - 1, &found, NULL), -1);
	bytes[5] = 2; /* another major version */
	assert_int_equal(qv_attach_decode(bytes, sizeof bytes, &found, NULL), -1);
}

static void a_conference_is_written_and_read_back(void **state)
{
	(void)state;
	uint8_t bytes[1024];
	struct qv_hello told = greeting, out;
	told.in_conference = true;
	memset(told.conference, 0xc5, sizeof told.conference);
	int size = qv_hello_encode(&told, bytes, sizeof bytes, NULL);
	assert_true(size > 0);
	assert_int_equal(qv_hello_decode(bytes, (size_t)size, &out, NULL), 0);
	assert_true(out.in_conference);
	assert_memory_equal(out.conference, told.conference, QV_CONFERENCE_ID);
	static const uint8_t field[] = { 0, 7, 0, QV_CONFERENCE_ID };
	assert_memory_equal(bytes + size - QV_CONFERENCE_ID - 4, field, sizeof field);
	/* Told twice. */
	memmove(bytes + size, bytes + size - QV_CONFERENCE_ID - 4, QV_CONFERENCE_ID + 4);
	assert_int_equal(qv_hello_decode(bytes, (size_t)size + QV_CONFERENCE_ID + 4, &out, NULL), -1);
	/* Cut short by itself. */
	bytes[size - QV_CONFERENCE_ID - 1]--;
	assert_int_equal(qv_hello_decode(bytes, (size_t)size - 1, &out, NULL), -1);
}

/* A word of a later version still asks for pads; an empty field is none; whoever says nothing wants none. */
static void one_time_pads_are_asked_for(void **state)
{
	(void)state;
	uint8_t bytes[1024];
	struct qv_hello told = greeting, out;
	static const uint8_t field[] = { 0, 8, 0, 1, QV_HELLO_OTP_REQUIRE };
	int plain = qv_hello_encode(&told, bytes, sizeof bytes, NULL);
	assert_int_equal(qv_hello_decode(bytes, (size_t)plain, &out, NULL), 0);
	assert_int_equal(out.otp, QV_HELLO_OTP_NONE);
	told.otp = QV_HELLO_OTP_REQUIRE;
	int size = qv_hello_encode(&told, bytes, sizeof bytes, NULL);
	assert_int_equal(size, plain + (int)sizeof field);
	assert_memory_equal(bytes + size - sizeof field, field, sizeof field);
	assert_int_equal(qv_hello_decode(bytes, (size_t)size, &out, NULL), 0);
	assert_int_equal(out.otp, QV_HELLO_OTP_REQUIRE);
	bytes[size - 1] = 200;
	assert_int_equal(qv_hello_decode(bytes, (size_t)size, &out, NULL), 0);
	assert_int_equal(out.otp, QV_HELLO_OTP_PREFER);
	bytes[size - 2] = 0;
	assert_int_equal(qv_hello_decode(bytes, (size_t)size - 1, &out, NULL), -1);
}

static void repair_packets_are_understood_by_code(void **state)
{
	(void)state;
	uint8_t bytes[1024];
	struct qv_hello told = greeting, out;
	static const uint8_t field[] = { 0, 10, 0, 1, 1 }, later[] = { 0, 10, 0, 3, 200, 2, 1 };
	int plain = qv_hello_encode(&told, bytes, sizeof bytes, NULL);
	assert_int_equal(qv_hello_decode(bytes, (size_t)plain, &out, NULL), 0);
	assert_false(out.repairs);
	told.repairs = true;
	int size = qv_hello_encode(&told, bytes, sizeof bytes, NULL);
	assert_int_equal(size, plain + (int)sizeof field);
	assert_memory_equal(bytes + plain, field, sizeof field);
	assert_int_equal(qv_hello_decode(bytes, (size_t)size, &out, NULL), 0);
	assert_true(out.repairs);
	memcpy(bytes + size, field, sizeof field); /* told twice */
	assert_int_equal(qv_hello_decode(bytes, (size_t)size + sizeof field, &out, NULL), -1);
	bytes[size - 1] = 2;
	assert_int_equal(qv_hello_decode(bytes, (size_t)size, &out, NULL), 0);
	assert_false(out.repairs);
	memcpy(bytes + plain, later, sizeof later);
	assert_int_equal(qv_hello_decode(bytes, (size_t)plain + sizeof later, &out, NULL), 0);
	assert_true(out.repairs);
	bytes[plain + 3] = 0;
	assert_int_equal(qv_hello_decode(bytes, (size_t)plain + 4, &out, NULL), -1);
}

/* Whoever says nothing does not come back; longer fields are of later versions. */
static void how_long_a_lost_peer_is_looked_for_is_told(void **state)
{
	(void)state;
	uint8_t bytes[1024];
	struct qv_hello told = greeting, out;
	static const uint8_t field[] = { 0, 9, 0, 4, 0x00, 0x00, 0x75, 0x30 };
	int plain = qv_hello_encode(&told, bytes, sizeof bytes, NULL);
	assert_int_equal(qv_hello_decode(bytes, (size_t)plain, &out, NULL), 0);
	assert_int_equal(out.resume_ms, 0);
	told.resume_ms = 30000;
	int size = qv_hello_encode(&told, bytes, sizeof bytes, NULL);
	assert_int_equal(size, plain + (int)sizeof field);
	assert_memory_equal(bytes + plain, field, sizeof field);
	assert_int_equal(qv_hello_decode(bytes, (size_t)size, &out, NULL), 0);
	assert_int_equal(out.resume_ms, 30000);
	bytes[size] = 1;
	bytes[plain + 3] = 5;
	assert_int_equal(qv_hello_decode(bytes, (size_t)size + 1, &out, NULL), 0);
	assert_int_equal(out.resume_ms, 30000);
	bytes[plain + 3] = 3;
	assert_int_equal(qv_hello_decode(bytes, (size_t)size - 1, &out, NULL), -1);
	/* Twice. */
	bytes[plain + 3] = 4;
	memcpy(bytes + size, field, sizeof field);
	assert_int_equal(qv_hello_decode(bytes, (size_t)size + sizeof field, &out, NULL), -1);
}

static void a_roster_is_written_and_read_back(void **state)
{
	(void)state;
	struct qv_roster told = { .count = 2, .sae = { "bob", "carol" } }, out;
	static const uint8_t expected[] = { 2, 3, 'b', 'o', 'b', 5, 'c', 'a', 'r', 'o', 'l' };
	uint8_t bytes[QV_ROSTER_SIZE_MAX];
	assert_int_equal(qv_roster_encode(&told, bytes, sizeof bytes, NULL), sizeof expected);
	assert_memory_equal(bytes, expected, sizeof expected);
	assert_int_equal(qv_roster_decode(bytes, sizeof expected, &out, NULL), 0);
	assert_memory_equal(&out, &told, sizeof out);
	for (size_t cut = 0; cut < sizeof expected; cut++)
		assert_int_equal(qv_roster_decode(bytes, cut, &out, NULL), -1);
	for (size_t room = 0; room < sizeof expected; room++)
		assert_int_equal(qv_roster_encode(&told, bytes, room, NULL), -1);
	told.count = QV_ROSTER_MAX;
	for (size_t i = 0; i < told.count; i++)
		memset(told.sae[i], 'x', QV_SAE_ID_MAX);
	told.named = true;
	memset(told.conference, 'i', sizeof told.conference);
	assert_int_equal(qv_roster_encode(&told, bytes, sizeof bytes, NULL), QV_ROSTER_SIZE_MAX);
	assert_int_equal(qv_roster_decode(bytes, sizeof bytes, &out, NULL), 0);
	assert_memory_equal(&out, &told, sizeof out);
	/* Without the whole of an ID there is none. */
	assert_int_equal(qv_roster_decode(bytes, sizeof bytes - 1, &out, NULL), 0);
	assert_false(out.named);
}

static void rosters_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	static const uint8_t many[] = { 6, 1, 'a', 1, 'b', 1, 'c', 1, 'd', 1, 'e', 1, 'f' };
	static const uint8_t nobody[] = { 1, 0 }, blank[] = { 1, 1, ' ' }, zero[] = { 1, 1, 0 },
			     high[] = { 1, 1, 0xff };
	struct qv_roster out, told = { .count = 1, .sae = { "a b" } };
	uint8_t bytes[QV_ROSTER_SIZE_MAX];
	assert_int_equal(qv_roster_decode(many, sizeof many, &out, NULL), -1);
	assert_int_equal(qv_roster_decode(nobody, sizeof nobody, &out, NULL), -1);
	assert_int_equal(qv_roster_decode(blank, sizeof blank, &out, NULL), -1);
	assert_int_equal(qv_roster_decode(zero, sizeof zero, &out, NULL), -1);
	assert_int_equal(qv_roster_decode(high, sizeof high, &out, NULL), -1);
	assert_int_equal(qv_roster_encode(&told, bytes, sizeof bytes, NULL), -1);
	told.sae[0][0] = '\0';
	assert_int_equal(qv_roster_encode(&told, bytes, sizeof bytes, NULL), -1);
	told.count = QV_ROSTER_MAX + 1;
	assert_int_equal(qv_roster_encode(&told, bytes, sizeof bytes, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read_when_it_is_whole),
		cmocka_unit_test(a_record_longer_than_a_tls_record_is_refused_by_its_header),
		cmocka_unit_test(a_greeting_is_written_and_read_back),
		cmocka_unit_test(what_a_caller_takes_is_written_and_read_back),
		cmocka_unit_test(state_refresh_and_attach_are_written_and_read_back),
		cmocka_unit_test(the_bytes_of_a_greeting_are_those_of_the_document),
		cmocka_unit_test(a_conference_is_written_and_read_back),
		cmocka_unit_test(one_time_pads_are_asked_for),
		cmocka_unit_test(how_long_a_lost_peer_is_looked_for_is_told),
		cmocka_unit_test(repair_packets_are_understood_by_code),
		cmocka_unit_test(a_roster_is_written_and_read_back),
		cmocka_unit_test(rosters_that_make_no_sense_are_refused),
		cmocka_unit_test(later_versions_can_add_to_a_greeting),
		cmocka_unit_test(greetings_that_make_no_sense_are_not_sent),
		cmocka_unit_test(greetings_that_make_no_sense_are_refused),
		cmocka_unit_test(hostile_text_is_made_printable),
		cmocka_unit_test(reasons_are_bounded),
		cmocka_unit_test(a_fragment_is_written_and_read_back),
		cmocka_unit_test(units_outside_the_limits_are_refused),
		cmocka_unit_test(pings_and_reports_are_written_and_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
