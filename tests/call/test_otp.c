/* SPDX-License-Identifier: Apache-2.0 */
/* Sound under one-time pads, as the wire below TLS has it: read by a tap between two ends whose keys the test knows. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include <qvisio/pad.h>

#include "part_kme.h"
#include "parts.h"

#define TAPE   (4u << 20)
#define BLOCKS 200
/* The source says them while one looks at the KME, too. */
#define BLOCKS_FOR_A_LOOK 600
/* What the source says at a position. */
#define SAMPLE_OF(position) ((int16_t)((position) % 32000 + 1))

/* Passes on what both ends say, and keeps what the caller said. */
struct tap {
	int caller, answerer;
	pthread_t thread;
	uint8_t *tape;
	size_t size;
	size_t judged;   /* records before this were looked at */
	int spoil_after; /* a bit of the AUDIO record after so many is flipped; 0: none */
	int sounds;
};

/* Flips a bit of the ciphertext of the one record that is to be spoilt, on its way. */
static void spoil(struct tap *tap, uint8_t *bytes, size_t size, size_t start)
{
	struct qv_record record;
	while (qv_record_parse(tap->tape + tap->judged, tap->size - tap->judged, &record, NULL) == 1) {
		size_t at = tap->judged + QV_RECORD_HEADER + QV_FRAGMENT_HEADER_MAX + QV_PAD_HEADER + 3;
		bool hit = record.type == QV_RECORD_AUDIO && ++tap->sounds == tap->spoil_after;
		tap->judged += QV_RECORD_HEADER + record.size;
		if (hit && at >= start && at < start + size)
			bytes[at - start] ^= 4;
	}
}

static bool pass(struct tap *tap, int from, int to, bool keep)
{
	static uint8_t bytes[65536];
	ssize_t got = recv(from, bytes, sizeof bytes, 0);
	if (got <= 0) {
		shutdown(to, SHUT_WR);
		return false;
	}
	if (keep && tap->size + (size_t)got <= TAPE) {
		size_t start = tap->size;
		memcpy(tap->tape + tap->size, bytes, (size_t)got);
		tap->size += (size_t)got;
		spoil(tap, bytes, (size_t)got, start);
	}
	for (ssize_t put = 0, sent; put < got; put += sent)
		if ((sent = send(to, bytes + put, (size_t)(got - put), MSG_NOSIGNAL)) < 0)
			return false;
	return true;
}

static void *tap_run(void *argument)
{
	struct tap *tap = argument;
	struct pollfd fds[2] = { { .fd = tap->caller, .events = POLLIN }, { .fd = tap->answerer, .events = POLLIN } };
	while ((fds[0].fd >= 0 || fds[1].fd >= 0) && poll(fds, 2, 30000) > 0) {
		if (fds[0].revents && !pass(tap, tap->caller, tap->answerer, true))
			fds[0].fd = -1;
		if (fds[1].revents && !pass(tap, tap->answerer, tap->caller, false))
			fds[1].fd = -1;
	}
	return NULL;
}

static struct tap tap;
static struct end caller, answerer;
static struct qv_call_otp otp = { .policy = QV_OTP_REQUIRE, .key_source = &kme_role, .peer = "them", .reserve = 0.2 };

static void *run_end(void *argument)
{
	struct end *end = argument;
	struct qv_call_plan plan = {
		.send = end == &caller ? &end->send : NULL,
		.receive = end == &answerer ? &end->receive : NULL,
		.otp = &otp,
	};
	end->outcome = qv_call_run(&end->link, end == &caller ? QV_CALL_CALLER : QV_CALL_ANSWERER, &plan, &end->host,
				   NULL, &end->result, &end->err);
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	int one[2], other[2];
	parts_reset();
	parts.audio_blocks = BLOCKS;
	parts.audio_interval_ms = 10;
	kme_reset();
	otp.minimum = otp.kme_rate = 0;
	otp.shared = false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, one) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other) != 0)
		return -1;
	end_init(&caller, one[0]);
	end_init(&answerer, other[0]);
	caller.send.video_source = NULL;
	answerer.receive.video_sink_count = 0;
	tap = (struct tap){ .caller = one[1], .answerer = other[1], .tape = malloc(TAPE) };
	return 0;
}

static void call(void)
{
	pthread_create(&tap.thread, NULL, tap_run, &tap);
	pthread_create(&caller.thread, NULL, run_end, &caller);
	pthread_create(&answerer.thread, NULL, run_end, &answerer);
	end_join(&caller);
	end_join(&answerer);
	shutdown(caller.link.fd, SHUT_RDWR);
	shutdown(answerer.link.fd, SHUT_RDWR);
	pthread_join(tap.thread, NULL);
}

static int teardown(void **state)
{
	(void)state;
	close(tap.caller);
	close(tap.answerer);
	free(tap.tape);
	end_clear(&caller);
	end_clear(&answerer);
	return 0;
}

/* The pad of the caller as PAD records on the tape name its keys. */
struct known {
	uint8_t pad[KEYS * KEY_SIZE];
	uint8_t used[KEYS * KEY_SIZE];
	uint64_t hash_at; /* of the first key that is held */
	size_t sealed;
};

static void note_keys(struct known *known, const struct qv_record *record)
{
	struct qv_pad_record pad;
	assert_int_equal(qv_pad_record_decode(record->payload, record->size, &pad, NULL), 0);
	assert_int_equal(pad.kind, QV_PAD_KEYS);
	for (size_t i = 0; i < pad.count; i++) {
		assert_int_equal(pad.key[i].size, KEY_SIZE);
		memcpy(known->pad + pad.position + i * KEY_SIZE, kme.bytes[strtol(pad.key[i].id + 4, NULL, 10)],
		       KEY_SIZE);
	}
}

static void put(uint8_t *bytes, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

/* Opens a packet with nothing but the keys and what doc/PROTOCOL.md says. */
static void judge_sound(struct known *known, const struct qv_record *record)
{
	enum { SIZE = AUDIO_BLOCK * 2 };
	struct qv_fragment fragment;
	uint8_t text[20 + QV_PAD_HEADER + SIZE], key[32], tag[16];
	assert_int_equal(qv_fragment_decode(record->type, record->payload, record->size, &fragment, NULL), 0);
	assert_int_equal(fragment.size, SIZE + QV_PAD_OVERHEAD);
	const uint8_t *packet = fragment.data;
	uint64_t position = 0;
	for (int i = 1; i < 8; i++)
		position = position << 8 | packet[i];
	assert_int_equal(packet[0], QV_PAD_CALLER);
	put(text, fragment.unit.sequence, 8);
	put(text + 8, fragment.unit.position, 8);
	put(text + 16, fragment.unit.frames, 4);
	memcpy(text + 20, packet, QV_PAD_HEADER + SIZE);
	memcpy(key, known->pad + known->hash_at, 16);
	memcpy(key + 16, known->pad + position + SIZE, 16);
	crypto_onetimeauth(tag, text, sizeof text, key);
	assert_memory_equal(tag, packet + QV_PAD_HEADER + SIZE, sizeof tag);
	for (uint64_t i = position; i < position + SIZE + 16; i++) {
		assert_int_equal(known->used[i], 0);
		known->used[i] = 1;
	}
	for (size_t i = 0; i < AUDIO_BLOCK; i++) {
		uint8_t low = packet[8 + 2 * i] ^ known->pad[position + 2 * i];
		uint8_t high = packet[9 + 2 * i] ^ known->pad[position + 2 * i + 1];
		assert_int_equal((int16_t)(low | high << 8), SAMPLE_OF(fragment.unit.position + i));
	}
	known->sealed++;
}

static size_t judge_tape(uint64_t hash_at)
{
	struct known *known = calloc(1, sizeof *known);
	struct qv_record record;
	known->hash_at = hash_at;
	for (size_t at = 0; qv_record_parse(tap.tape + at, tap.size - at, &record, NULL) == 1;
	     at += QV_RECORD_HEADER + record.size) {
		if (record.type == QV_RECORD_PAD)
			note_keys(known, &record);
		if (record.type == QV_RECORD_AUDIO)
			judge_sound(known, &record);
	}
	size_t sealed = known->sealed;
	free(known);
	return sealed;
}

static void test_wire(void **state)
{
	(void)state;
	call();
	assert_int_equal(caller.outcome, 0);
	assert_int_equal(answerer.outcome, 0);
	size_t sealed = judge_tape(0);
	assert_true(sealed > 0);
	assert_int_equal(sealed, caller.result.totals.audio.packets_sent);
	assert_int_equal(sealed, answerer.result.totals.audio.packets_received);
	assert_int_equal(answerer.result.otp.refused, 0);
	assert_int_equal(kme.claims_refused, 0);
}

/* Keys that the other end cannot have are never used, and leave gaps. */
static void test_lacking_keys(void **state)
{
	(void)state;
	kme.lacks = 7; /* the first one, too */
	call();
	assert_int_equal(caller.outcome, 0);
	assert_true(kme.claims_refused > 0);
	size_t sealed = judge_tape(KEY_SIZE);
	/* Six keys of 64 bytes in a row, and 336 bytes a packet: one for each row. */
	assert_true(sealed > 0);
	assert_int_equal(sealed, answerer.result.totals.audio.packets_received);
	assert_int_equal(answerer.result.otp.refused, 0);
}

static void test_changed_on_its_way(void **state)
{
	(void)state;
	tap.spoil_after = 5;
	call();
	assert_int_equal(answerer.outcome, -1);
	assert_int_equal(answerer.err.code, QV_E_PROTOCOL);
	assert_non_null(strstr(answerer.err.message, "one-time pad: a packet was changed on its way"));
	assert_int_equal(answerer.result.otp.refused, 1);
	assert_int_equal(caller.result.end, QV_CALL_PEER_BYE);
}

/* What an end needs: 160 samples of 16 bits and a tag, a hundred times a second. */
#define NEED (100 * (AUDIO_BLOCK * 2 + 16))

static void test_minimum(void **state)
{
	(void)state;
	kme.stored = 4 * NEED / KEY_SIZE;
	otp.minimum = 60;
	call();
	assert_int_equal(caller.outcome, -1);
	assert_int_equal(caller.err.code, QV_E_NO_KEY);
	assert_non_null(strstr(caller.err.message, "needs 33600 B/s of key, and the KME gives 0 B/s"));
	assert_non_null(strstr(caller.err.message, "last for 4 s, less than otp.minimum of 60 s"));
	assert_int_equal(kme.taken, 0);
}

/* Its first stock comes in, faster than is needed, while one looks. */
static void test_a_first_stock_is_no_rate(void **state)
{
	(void)state;
	kme.stored = 0;
	kme.burst = 1.5 * NEED / KEY_SIZE;
	kme.burst_s = 1;
	kme.rate = 0.1 * NEED / KEY_SIZE;
	otp.minimum = 60;
	call();
	assert_int_equal(caller.outcome, -1);
	assert_int_equal(caller.err.code, QV_E_NO_KEY);
	double gives = 0;
	const char *at = strstr(caller.err.message, "the KME gives ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "the KME gives %lf B/s", &gives), 1);
	assert_true(gives > 0.05 * NEED && gives < 0.5 * NEED);
	assert_int_equal(kme.taken, 0);
}

static void test_a_rate_that_does(void **state)
{
	(void)state;
	parts.audio_blocks = BLOCKS_FOR_A_LOOK;
	kme.stored = 0;
	kme.rate = 3.0 * NEED / KEY_SIZE;
	otp.minimum = 60;
	call();
	assert_int_equal(caller.outcome, 0);
	assert_true(caller.result.otp.rate_known && caller.result.otp.kme_rate > NEED);
	assert_true(judge_tape(0) > 0);
}

/* A small store that is always full: how fast it fills is seen by drawing from it, and what was drawn is used. */
static void test_a_full_store_that_fills_again(void **state)
{
	(void)state;
	parts.audio_blocks = BLOCKS_FOR_A_LOOK;
	kme.stored = kme.most = 2 * NEED / KEY_SIZE;
	kme.rate = 4.0 * NEED / KEY_SIZE;
	otp.minimum = 60;
	call();
	assert_int_equal(caller.outcome, 0);
	assert_true(caller.result.otp.rate_known && caller.result.otp.kme_rate >= NEED);
	assert_true(judge_tape(0) > 0);
	assert_int_equal(kme.claims_refused, 0);
}

static void test_a_full_store_that_does_not(void **state)
{
	(void)state;
	kme.stored = kme.most = 3 * NEED / KEY_SIZE;
	kme.rate = 0.1 * NEED / KEY_SIZE;
	otp.minimum = 60;
	call();
	assert_int_equal(caller.outcome, -1);
	assert_int_equal(caller.err.code, QV_E_NO_KEY);
	assert_non_null(strstr(caller.err.message, "and the KME gives "));
	/* For as long as one looks, and no more. */
	assert_true(kme.taken > 0 && kme.taken < 3 * NEED / KEY_SIZE);
}

static void test_minimum_is_there(void **state)
{
	(void)state;
	kme.stored = kme.most = 4 * NEED / KEY_SIZE;
	otp.minimum = 3;
	call();
	assert_int_equal(caller.outcome, 0);
	assert_true(judge_tape(0) > 0);
}

/* Who only listens draws nothing from a link that both use. */
static void test_a_shared_link_of_one_way(void **state)
{
	(void)state;
	kme.stored = kme.most = 4 * NEED / KEY_SIZE;
	otp.minimum = 3;
	otp.shared = true;
	call();
	assert_int_equal(caller.outcome, 0);
	assert_true(caller.result.otp.link_needed == caller.result.otp.needed);
	assert_true(judge_tape(0) > 0);
}

/* Whoever says the rate knows better than the store. */
static void test_minimum_is_not_for_a_rate_that_is_configured(void **state)
{
	(void)state;
	kme.stored = kme.most = 4 * NEED / KEY_SIZE;
	otp.minimum = 60;
	otp.kme_rate = NEED;
	call();
	assert_int_equal(caller.outcome, 0);
	assert_true(judge_tape(0) > 0);
}

static void test_rate_that_is_too_low(void **state)
{
	(void)state;
	kme.stored = kme.most = KEYS;
	otp.kme_rate = NEED - 1;
	call();
	assert_int_equal(caller.outcome, -1);
	assert_non_null(strstr(caller.err.message, "needs 33600 B/s of key, and the KME gives 33599 B/s"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wire, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lacking_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed_on_its_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_minimum, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_first_stock_is_no_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_rate_that_does, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_full_store_that_fills_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_full_store_that_does_not, setup, teardown),
		cmocka_unit_test_setup_teardown(test_minimum_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_shared_link_of_one_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_minimum_is_not_for_a_rate_that_is_configured, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rate_that_is_too_low, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
