/* SPDX-License-Identifier: Apache-2.0 */
/* HELLO and WELCOME: what is written is read back, and what makes no sense is neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/session.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_greeting_is_written_and_read_back),
		cmocka_unit_test(what_a_caller_takes_is_written_and_read_back),
		cmocka_unit_test(the_bytes_of_a_greeting_are_those_of_the_document),
		cmocka_unit_test(a_conference_is_written_and_read_back),
		cmocka_unit_test(one_time_pads_are_asked_for),
		cmocka_unit_test(how_long_a_lost_peer_is_looked_for_is_told),
		cmocka_unit_test(repair_packets_are_understood_by_code),
		cmocka_unit_test(later_versions_can_add_to_a_greeting),
		cmocka_unit_test(greetings_that_make_no_sense_are_not_sent),
		cmocka_unit_test(greetings_that_make_no_sense_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
