/* SPDX-License-Identifier: Apache-2.0 */
/* Sound as RTP under its one-time pad: what is lost, late, twice, sent again or changed, and what of the pad it uses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include <qvisio/clock.h>

#include "../../core/call/rtp_in.h"
#include "../../core/call/rtp_out.h"

#define MS       QV_NS_PER_MS
#define KEY_SIZE 512
#define PACKETS  200
#define SAMPLES  80 /* of a unit, 2 bytes each */

struct datagram {
	uint8_t bytes[QV_RTP_PACKET_MAX];
	size_t size;
	struct qv_rtp packet; /* its parts */
};

static struct rtp_stream stream;
static struct sound_pads sending, receiving;
static struct rtp_out out;
static struct rtp_in in;
static struct qv_rtp_pacer *pacer;
static struct datagram sent[2 * PACKETS];
static uint8_t used[PACKETS * KEY_SIZE];

static void add_keys(int first, int count)
{
	for (int i = first; i < first + count; i++) {
		struct qv_key one = { .secret = qv_secret_new(KEY_SIZE, NULL) }, other;
		snprintf(one.id, sizeof one.id, "key-%d", i);
		randombytes_buf(qv_secret_edit(one.secret), KEY_SIZE);
		other = one;
		other.secret = qv_secret_copy(qv_secret_bytes(one.secret), KEY_SIZE, NULL);
		assert_int_equal(qv_pad_add(sending.seals, (uint64_t)i * KEY_SIZE, &one, NULL), 0);
		assert_int_equal(qv_pad_add(receiving.opens, (uint64_t)i * KEY_SIZE, &other, NULL), 0);
	}
}

/* A reader that has seen no packet yet, on the same pad. */
static void new_reader(void)
{
	rtp_in_close(&in);
	assert_int_equal(rtp_in_open(&in, &stream, true, NULL), 0);
	in.pads = &receiving;
}

static int setup(void **state)
{
	static const struct qv_stream_offer offer = { .kind = QV_STREAM_AUDIO,
						      .stream = 2,
						      .codec = "pcm-s16le",
						      .audio = { .rate = 8000, .channels = 1 },
						      .block_frames = SAMPLES };
	(void)state;
	memset(used, 0, sizeof used);
	sending = (struct sound_pads){ .seals = qv_pad_new(QV_PAD_CALLER, NULL), .ready = true };
	receiving = (struct sound_pads){ .opens = qv_pad_new(QV_PAD_CALLER, NULL) };
	pacer = qv_rtp_pacer_new(1 << 20, 0, NULL);
	qv_rtp_pacer_set_rate(pacer, INT64_C(1) << 40);
	if (!sending.seals || !receiving.opens || !rtp_stream_of(&offer, &stream) ||
	    rtp_out_open(&out, &stream, QV_RTP_SOUND, NULL) != 0)
		return -1;
	out.pads = &sending;
	new_reader();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	qv_pad_free(sending.seals);
	qv_pad_free(receiving.opens);
	rtp_out_close(&out);
	rtp_in_close(&in);
	qv_rtp_pacer_free(pacer);
	return 0;
}

/* What the sample at a position is. */
static uint8_t byte_of(uint64_t position, size_t i)
{
	return (uint8_t)(position * 31 + i * 7 + 1);
}

static int send_unit(uint64_t number, size_t samples, struct qv_error *err)
{
	uint8_t data[4096];
	struct unit_buffer unit = { .unit = { .sequence = number,
					      .size = (uint32_t)(2 * samples),
					      .position = number * samples,
					      .frames = (uint32_t)samples },
				    .data = data,
				    .size = 2 * samples };
	for (size_t i = 0; i < 2 * samples; i++)
		data[i] = byte_of(number, i);
	return rtp_out_unit(&out, &unit, pacer, 0, err);
}

/* What left, as a reader gets it behind SRTP. */
static size_t take_sent(size_t at)
{
	enum qv_rtp_class class;
	for (; at < 2 * PACKETS && qv_rtp_pacer_next(pacer, INT64_MAX / 2, sent[at].bytes, &sent[at].size, &class);
	     at++)
		assert_int_equal(qv_rtp_read(&sent[at].packet, sent[at].bytes, sent[at].size, &unit_extensions, NULL),
				 0);
	return at;
}

static uint64_t pad_position(const struct qv_rtp *packet)
{
	uint64_t position = 0;
	for (int i = 1; i < QV_PAD_HEADER; i++)
		position = position << 8 | packet->payload[i];
	return position;
}

static void note_use(const struct qv_rtp *packet)
{
	uint64_t position = pad_position(packet);
	for (uint64_t i = position; i < position + packet->size - QV_PAD_HEADER; i++)
		assert_int_equal(used[i]++, 0);
}

/* It came whole, as it was sent. */
static void judge(uint64_t number)
{
	assert_int_equal(in.unit.unit.sequence, number);
	assert_int_equal(in.unit.unit.frames, SAMPLES);
	assert_int_equal(in.unit.unit.position, number * SAMPLES);
	assert_int_equal(in.unit.size, 2 * SAMPLES);
	for (size_t i = 0; i < 2 * SAMPLES; i++)
		assert_int_equal(in.unit.data[i], byte_of(number, i));
}

static void packets_open_in_any_order_and_once(void **state)
{
	(void)state;
	bool opened[PACKETS] = { false };
	add_keys(0, PACKETS / 2);
	for (uint64_t i = 0; i < PACKETS; i++)
		assert_int_equal(send_unit(i, SAMPLES, NULL), 0);
	assert_int_equal(take_sent(0), PACKETS);
	for (size_t i = 0; i < PACKETS; i++)
		note_use(&sent[i].packet);
	/* Every third is lost, neighbours change places, all come twice. */
	int came = 0;
	for (size_t i = 0; i < 2 * PACKETS; i++) {
		size_t at = (i / 2) ^ 1;
		if (at % 3 == 0)
			continue;
		int got = rtp_in_put(&in, &sent[at].packet, false, 0);
		assert_int_equal(got, opened[at] ? 0 : 1);
		if (got)
			judge(at);
		opened[at] = true;
		came += got;
	}
	assert_int_equal(came, PACKETS - (PACKETS + 2) / 3);
	assert_int_equal(receiving.refused, 0);
	/* Those that RTP knows nothing of are refused by the pad; those that were lost may still come. */
	new_reader();
	for (size_t i = 0; i < PACKETS; i++)
		assert_int_equal(rtp_in_put(&in, &sent[i].packet, false, 0), i % 3 == 0 ? 1 : 0);
	assert_int_equal(receiving.refused, came);
}

static void sent_again_is_the_same_ciphertext(void **state)
{
	(void)state;
	uint16_t numbers[10];
	add_keys(0, 12);
	for (uint64_t i = 0; i < 10; i++) {
		numbers[i] = out.sequence;
		assert_int_equal(send_unit(i, SAMPLES, NULL), 0);
	}
	uint64_t spent = qv_pad_used(sending.seals);
	size_t count = take_sent(0);
	assert_int_equal(count, 10);
	rtp_out_again(&out, numbers, 10, pacer, MS, 100, 2);
	rtp_out_again(&out, numbers, 10, pacer, 1000 * MS, 100, 1);
	assert_int_equal(take_sent(count), 40);
	assert_int_equal(qv_pad_used(sending.seals), spent);
	for (size_t i = 0; i < 40; i++) {
		struct qv_rtp original = sent[i].packet;
		if (i >= 10)
			assert_int_equal(qv_rtp_original(&sent[i].packet, &original, NULL), 0);
		size_t first = original.sequence - numbers[0];
		assert_true(first < 10);
		assert_int_equal(original.size, sent[first].packet.size);
		assert_memory_equal(original.payload, sent[first].packet.payload, original.size);
		original.ssrc = stream.ssrc;
		/* Of the first ones some are lost; what is sent again fills in for them, once. */
		bool lost = first % 2 == 0 && first > 0;
		if (i < 10 && lost)
			continue;
		int got = rtp_in_put(&in, &original, i >= 10, (int64_t)i * MS);
		assert_int_equal(got, i < 10 || (i < 30 && i % 2 == 0 && lost) ? 1 : 0);
		if (got)
			judge(first);
	}
	assert_int_equal(receiving.refused, 0);
	rtp_out_forget(&out);
	assert_int_equal(send_unit(10, SAMPLES, NULL), 0);
	uint16_t old = (uint16_t)(out.sequence - 2), fresh = (uint16_t)(out.sequence - 1);
	assert_int_equal(take_sent(0), 1);
	rtp_out_again(&out, &old, 1, pacer, 2000 * MS, 100, 1);
	assert_int_equal(take_sent(0), 0);
	rtp_out_again(&out, &fresh, 1, pacer, 2000 * MS, 100, 1);
	assert_int_equal(take_sent(0), 1);
}

/* By one who has broken SRTP. */
static void changed_packets_do_not_open_and_use_nothing(void **state)
{
	(void)state;
	add_keys(0, 2);
	assert_int_equal(send_unit(70000, SAMPLES, NULL), 0);
	assert_int_equal(take_sent(0), 1);
	size_t left = qv_pad_left(receiving.opens), tries = 0;
	for (size_t bit = 0; bit < 8 * sent[0].packet.size; bit++, tries++) {
		struct datagram changed = sent[0];
		changed.packet.payload = changed.bytes + (sent[0].packet.payload - sent[0].bytes);
		changed.bytes[(size_t)(changed.packet.payload - changed.bytes) + bit / 8] ^= (uint8_t)(1 << bit % 8);
		new_reader();
		assert_int_equal(rtp_in_put(&in, &changed.packet, false, 0), 0);
		assert_int_equal(in.counters.sequence, 0);
	}
	/* Sequence and position of the unit. */
	for (size_t bit = 0; bit < 64; bit++, tries++) {
		struct datagram changed = sent[0];
		changed.packet.unit.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		new_reader();
		assert_int_equal(rtp_in_put(&in, &changed.packet, false, 0), 0);
	}
	assert_int_equal(receiving.refused, tries);
	assert_int_equal(qv_pad_left(receiving.opens), left);
	new_reader();
	assert_int_equal(rtp_in_put(&in, &sent[0].packet, false, 0), 1);
	judge(70000);
}

static void without_key_nothing_leaves(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	sending.ready = false;
	add_keys(0, 1);
	assert_int_equal(send_unit(0, SAMPLES, &err), -1);
	assert_int_equal(err.code, QV_E_NO_KEY);
	assert_false(sending.starved);
	sending.ready = true;
	for (uint64_t i = 0; i < 2; i++)
		assert_int_equal(send_unit(i, SAMPLES, NULL), 0);
	err = (struct qv_error)QV_ERROR_INIT;
	assert_int_equal(send_unit(2, SAMPLES, &err), -1);
	assert_int_equal(err.code, QV_E_NO_KEY);
	assert_true(sending.starved);
	assert_int_equal(take_sent(0), 2);
	for (size_t i = 0; i < sent[1].size - 16; i++)
		for (size_t j = 0; j < 2; j++)
			assert_true(memcmp(sent[j].bytes + i,
					   (uint8_t[]){ byte_of(j, 1), byte_of(j, 0), byte_of(j, 3), byte_of(j, 2) },
					   4) != 0);
}

static void large_blocks_are_sealed_in_pieces(void **state)
{
	(void)state;
	add_keys(0, 10);
	assert_int_equal(send_unit(3, 1024, NULL), 0);
	assert_int_equal(take_sent(0), 2);
	assert_int_equal(rtp_in_put(&in, &sent[0].packet, false, 0), 1);
	assert_int_equal(in.unit.size, rtp_l16_room(1, true));
	assert_int_equal(rtp_in_put(&in, &sent[1].packet, false, 0), 1);
	assert_int_equal(in.unit.unit.position, 3 * 1024 + rtp_l16_room(1, true) / 2);
	assert_int_equal(in.unit.size, 2048 - rtp_l16_room(1, true));
	note_use(&sent[0].packet);
	note_use(&sent[1].packet);
}

/* Both ways share the pad; a packet of one is none of the other. */
static void ways_may_change_at_any_time(void **state)
{
	(void)state;
	uint8_t plain[2 * SAMPLES], packet[sizeof plain + QV_PAD_OVERHEAD], opened[sizeof packet];
	add_keys(0, 20);
	for (uint64_t i = 0; i < 20; i += 2) {
		struct qv_unit unit = { .sequence = i + 1, .position = (i + 1) * SAMPLES, .frames = SAMPLES };
		memset(plain, (int)i, sizeof plain);
		assert_int_equal(send_unit(i, SAMPLES, NULL), 0);
		assert_int_equal(sound_pads_seal(&sending, &unit, plain, sizeof plain, packet, NULL), 0);
		size_t at = take_sent(0);
		struct qv_unit wrong = sound_pads_payload(&unit);
		assert_int_equal(at, 1);
		assert_int_equal(sound_pads_open(&receiving, &wrong, packet, sizeof packet, opened, NULL), -1);
		wrong = (struct qv_unit){ .sequence = i, .position = i * SAMPLES, .frames = SAMPLES };
		assert_int_equal(
			sound_pads_open(&receiving, &wrong, sent[0].packet.payload, sent[0].packet.size, opened, NULL),
			-1);
		/* The later one may be here first. */
		assert_int_equal(sound_pads_open(&receiving, &unit, packet, sizeof packet, opened, NULL), sizeof plain);
		assert_memory_equal(opened, plain, sizeof plain);
		assert_int_equal(rtp_in_put(&in, &sent[0].packet, false, 0), 1);
		judge(i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(packets_open_in_any_order_and_once, setup, teardown),
		cmocka_unit_test_setup_teardown(sent_again_is_the_same_ciphertext, setup, teardown),
		cmocka_unit_test_setup_teardown(changed_packets_do_not_open_and_use_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(without_key_nothing_leaves, setup, teardown),
		cmocka_unit_test_setup_teardown(large_blocks_are_sealed_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(ways_may_change_at_any_time, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
