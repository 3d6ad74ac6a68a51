/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include <qvisio/pad.h>

#define PAD_BYTES 4096
#define CONTEXT   "context of 20 bytes!"

/* Two ends with the same keys, and the whole pad as the test knows it. */
struct ends {
	struct qv_pad *seals, *opens;
	uint8_t pad[PAD_BYTES];
	size_t filled;
	unsigned keys;
};

static struct qv_key make_key(const uint8_t *bytes, size_t size, unsigned number)
{
	struct qv_key key = { .secret = qv_secret_copy(bytes, size, NULL) };
	assert_non_null(key.secret);
	snprintf(key.id, sizeof key.id, "key-%u", number);
	return key;
}

/* Puts a key of `size` at the end of both pads, behind `gap` positions that stay empty. */
static void fill(struct ends *ends, size_t size, size_t gap)
{
	uint8_t *bytes = ends->pad + ends->filled + gap;
	assert_true(ends->filled + gap + size <= PAD_BYTES);
	randombytes_buf(bytes, size);
	struct qv_key one = make_key(bytes, size, ends->keys), other = make_key(bytes, size, ends->keys);
	ends->keys++;
	assert_int_equal(qv_pad_add(ends->seals, ends->filled + gap, &one, NULL), 0);
	assert_int_equal(qv_pad_add(ends->opens, ends->filled + gap, &other, NULL), 0);
	assert_null(one.secret);
	ends->filled += gap + size;
	assert_int_equal(qv_pad_end(ends->seals), ends->filled);
}

static struct ends open_ends(size_t key_size, unsigned keys)
{
	struct ends ends = { .seals = qv_pad_new(QV_PAD_CALLER, NULL), .opens = qv_pad_new(QV_PAD_CALLER, NULL) };
	for (unsigned i = 0; i < keys; i++)
		fill(&ends, key_size, 0);
	return ends;
}

static void close_ends(struct ends *ends)
{
	qv_pad_free(ends->seals);
	qv_pad_free(ends->opens);
}

static size_t position_of(const uint8_t *packet)
{
	uint64_t position = 0;
	for (int i = 1; i < QV_PAD_HEADER; i++)
		position = position << 8 | packet[i];
	return (size_t)position;
}

static enum qv_code open_code(struct qv_pad *pad, const char *context, const uint8_t *packet, size_t size)
{
	uint8_t plain[PAD_BYTES];
	struct qv_error err = QV_ERROR_INIT;
	return qv_pad_open(pad, context, 20, packet, size, plain, &err) >= 0 ? QV_OK : err.code;
}

/* Every byte is what XOR with the next byte of the keys and RFC 8439's Poly1305 under (start of the keys, next 16) give. */
static void test_sealed_by_hand(void **state)
{
	(void)state;
	struct ends ends = open_ends(40, 4);
	uint8_t plain[50], packet[50 + QV_PAD_OVERHEAD], key[32], tag[16], text[20 + QV_PAD_HEADER + 50], back[50];
	randombytes_buf(plain, sizeof plain);
	assert_int_equal(qv_pad_seal(ends.seals, CONTEXT, 20, plain, sizeof plain, packet, NULL), 0);
	assert_int_equal(packet[0], QV_PAD_CALLER);
	assert_int_equal(position_of(packet), QV_PAD_HASH_KEY);
	for (size_t i = 0; i < sizeof plain; i++)
		assert_int_equal(packet[QV_PAD_HEADER + i], plain[i] ^ ends.pad[16 + i]);
	memcpy(key, ends.pad, 16);
	memcpy(key + 16, ends.pad + 16 + sizeof plain, 16);
	memcpy(text, CONTEXT, 20);
	memcpy(text + 20, packet, QV_PAD_HEADER + sizeof plain);
	crypto_onetimeauth(tag, text, sizeof text, key);
	assert_memory_equal(tag, packet + QV_PAD_HEADER + sizeof plain, sizeof tag);
	assert_int_equal(qv_pad_used(ends.seals), 16 + 50 + 16);
	assert_int_equal(qv_pad_left(ends.seals), 160 - 82);
	assert_int_equal(qv_pad_open(ends.opens, CONTEXT, 20, packet, sizeof packet, back, NULL), sizeof plain);
	assert_memory_equal(back, plain, sizeof plain);
	close_ends(&ends);
}

/* Over keys and packets of many sizes, gaps, and an empty pad between: no byte of the pad is in two packets. */
static void test_no_byte_twice(void **state)
{
	(void)state;
	unsigned seed = 7;
	for (int round = 0; round < 200; round++) {
		struct ends ends = open_ends(16 + (size_t)rand_r(&seed) % 40, 1);
		uint8_t used[PAD_BYTES] = { 0 };
		unsigned sealed = 0, refused = 0;
		memset(used, 1, QV_PAD_HASH_KEY);
		while (ends.filled < PAD_BYTES - 200) {
			uint8_t plain[64], packet[64 + QV_PAD_OVERHEAD], back[64];
			size_t size = 1 + (size_t)rand_r(&seed) % sizeof plain;
			struct qv_error err = QV_ERROR_INIT;
			randombytes_buf(plain, size);
			size_t left = qv_pad_left(ends.seals);
			if (qv_pad_seal(ends.seals, CONTEXT, 20, plain, size, packet, &err) != 0) {
				assert_int_equal(err.code, QV_E_NO_KEY);
				assert_int_equal(qv_pad_left(ends.seals), left);
				refused++;
				fill(&ends, 1 + (size_t)rand_r(&seed) % 100,
				     rand_r(&seed) % 4 ? 0 : (size_t)rand_r(&seed) % 50);
				continue;
			}
			size_t position = position_of(packet);
			for (size_t i = position; i < position + QV_PAD_COST(size); i++) {
				assert_int_equal(used[i], 0);
				used[i] = 1;
			}
			sealed++;
			assert_int_equal(
				qv_pad_open(ends.opens, CONTEXT, 20, packet, size + QV_PAD_OVERHEAD, back, &err), size);
			assert_memory_equal(back, plain, size);
			assert_int_equal(open_code(ends.opens, CONTEXT, packet, size + QV_PAD_OVERHEAD), QV_E_GONE);
		}
		assert_true(sealed > 10 && refused > 3);
		close_ends(&ends);
	}
}

static void test_each_bit_counts(void **state)
{
	(void)state;
	struct ends ends = open_ends(64, 4);
	uint8_t plain[33] = "what nobody else is to understand", packet[33 + QV_PAD_OVERHEAD], back[33];
	char context[21] = CONTEXT;
	assert_int_equal(qv_pad_seal(ends.seals, CONTEXT, 20, plain, sizeof plain, packet, NULL), 0);
	size_t left = qv_pad_left(ends.opens);
	for (size_t bit = 0; bit < 8 * sizeof packet; bit++) {
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		enum qv_code code = open_code(ends.opens, CONTEXT, packet, sizeof packet);
		assert_true(code == QV_E_PROTOCOL || code == QV_E_GONE);
		packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * 20; bit++) {
		context[bit / 8] ^= (char)(1u << bit % 8);
		assert_int_equal(open_code(ends.opens, context, packet, sizeof packet), QV_E_PROTOCOL);
		context[bit / 8] ^= (char)(1u << bit % 8);
	}
	for (size_t size = 0; size < sizeof packet; size++)
		assert_int_equal(open_code(ends.opens, CONTEXT, packet, size), QV_E_PROTOCOL);
	/* None of these used anything up: the true one still opens. */
	assert_int_equal(qv_pad_left(ends.opens), left);
	assert_int_equal(qv_pad_open(ends.opens, CONTEXT, 20, packet, sizeof packet, back, NULL), sizeof plain);
	assert_memory_equal(back, plain, sizeof plain);
	close_ends(&ends);
}

/* In any order, with any of them missing, each opens once. */
static void test_order_and_loss(void **state)
{
	(void)state;
	unsigned seed = 3;
	for (int round = 0; round < 100; round++) {
		enum { COUNT = 40 };
		struct ends ends = open_ends(32, 60);
		uint8_t packets[COUNT][24 + QV_PAD_OVERHEAD], back[24];
		int order[COUNT];
		for (int i = 0; i < COUNT; i++) {
			uint8_t plain[24];
			memset(plain, i, sizeof plain);
			assert_int_equal(qv_pad_seal(ends.seals, CONTEXT, 20, plain, sizeof plain, packets[i], NULL),
					 0);
			order[i] = i;
		}
		for (int i = COUNT - 1; i > 0; i--) {
			int other = rand_r(&seed) % (i + 1), kept = order[i];
			order[i] = order[other];
			order[other] = kept;
		}
		for (int i = 0; i < COUNT; i++) {
			if (rand_r(&seed) % 5 == 0)
				continue;
			int got =
				qv_pad_open(ends.opens, CONTEXT, 20, packets[order[i]], sizeof packets[0], back, NULL);
			assert_int_equal(got, sizeof back);
			assert_int_equal(back[0], order[i]);
			assert_int_equal(open_code(ends.opens, CONTEXT, packets[order[i]], sizeof packets[0]),
					 QV_E_GONE);
		}
		close_ends(&ends);
	}
}

/* A packet that is later than the window is refused, and its pad is wiped, not kept for ever. */
static void test_too_late(void **state)
{
	(void)state;
	enum { SIZE = 30000 };
	struct qv_pad *seals = qv_pad_new(QV_PAD_ANSWERER, NULL), *opens = qv_pad_new(QV_PAD_ANSWERER, NULL);
	uint8_t *bytes = malloc(SIZE), *plain = calloc(1, SIZE), *early = malloc(10 + QV_PAD_OVERHEAD),
		*packet = malloc(SIZE);
	for (unsigned i = 0; i < 4; i++) {
		randombytes_buf(bytes, SIZE);
		struct qv_key one = make_key(bytes, SIZE, i), other = make_key(bytes, SIZE, i);
		assert_int_equal(qv_pad_add(seals, (uint64_t)i * SIZE, &one, NULL), 0);
		assert_int_equal(qv_pad_add(opens, (uint64_t)i * SIZE, &other, NULL), 0);
	}
	assert_int_equal(qv_pad_seal(seals, CONTEXT, 20, plain, 10, early, NULL), 0);
	for (int i = 0; i < 4; i++) {
		size_t size = SIZE - QV_PAD_OVERHEAD - 50;
		assert_int_equal(qv_pad_seal(seals, CONTEXT, 20, plain, size, packet, NULL), 0);
		assert_int_equal(qv_pad_open(opens, CONTEXT, 20, packet, size + QV_PAD_OVERHEAD, plain, NULL), size);
	}
	assert_true(qv_pad_left(opens) < 2000);
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(qv_pad_open(opens, CONTEXT, 20, early, 10 + QV_PAD_OVERHEAD, plain, &err), -1);
	assert_int_equal(err.code, QV_E_GONE);
	qv_pad_free(seals);
	qv_pad_free(opens);
	free(bytes);
	free(plain);
	free(early);
	free(packet);
}

static void test_other_direction(void **state)
{
	(void)state;
	struct ends ends = open_ends(64, 2);
	struct qv_pad *mine = qv_pad_new(QV_PAD_ANSWERER, NULL);
	struct qv_key key = make_key(ends.pad, 64, 0);
	uint8_t packet[10 + QV_PAD_OVERHEAD];
	assert_int_equal(qv_pad_add(mine, 0, &key, NULL), 0);
	assert_int_equal(qv_pad_seal(ends.seals, CONTEXT, 20, (const uint8_t *)"0123456789", 10, packet, NULL), 0);
	assert_int_equal(open_code(mine, CONTEXT, packet, sizeof packet), QV_E_PROTOCOL);
	qv_pad_free(mine);
	close_ends(&ends);
}

static enum qv_code add_code(struct qv_pad *pad, uint64_t position, size_t size, unsigned number)
{
	uint8_t *bytes = calloc(1, size + 1);
	struct qv_key key = make_key(bytes, size, number);
	struct qv_error err = QV_ERROR_INIT;
	free(bytes);
	int status = qv_pad_add(pad, position, &key, &err);
	assert_int_equal(status == 0, key.secret == NULL);
	qv_key_clear(&key);
	return status == 0 ? QV_OK : err.code;
}

/* At the end of all positions there is no wrapping round. */
static void test_keys_refused(void **state)
{
	(void)state;
	struct qv_pad *pad = qv_pad_new(QV_PAD_CALLER, NULL);
	uint8_t packet[100 + QV_PAD_OVERHEAD];
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(add_code(pad, 0, 15, 0), QV_E_INVALID);
	assert_int_equal(add_code(pad, 0, 0, 0), QV_E_INVALID);
	assert_int_equal(add_code(pad, 0, QV_PAD_KEY_MAX + 1, 0), QV_E_INVALID);
	assert_int_equal(qv_pad_seal(pad, "", 0, packet, 1, packet, &err), -1);
	assert_int_equal(err.code, QV_E_NO_KEY);
	assert_int_equal(add_code(pad, 5, 100, 0), QV_OK);
	assert_int_equal(add_code(pad, 104, 10, 1), QV_E_INVALID);
	assert_int_equal(add_code(pad, 105, 10, 0), QV_E_INVALID); /* the same key_ID */
	assert_int_equal(add_code(pad, QV_PAD_POSITION_MAX - 50, 50, 2), QV_OK);
	assert_int_equal(add_code(pad, QV_PAD_POSITION_MAX, 1, 3), QV_E_INVALID);
	assert_int_equal(add_code(pad, UINT64_MAX, 1, 3), QV_E_INVALID);
	assert_int_equal(qv_pad_left(pad), 84 + 50);
	assert_int_equal(qv_pad_seal(pad, "", 0, (const uint8_t *)"x", 1, packet, NULL), 0);
	assert_int_equal(position_of(packet), 5 + 16);
	qv_pad_free(pad);
	qv_pad_free(NULL);
}

/* What was sealed before is of no use behind it, nor is a byte of the old keys. */
static void test_restart(void **state)
{
	(void)state;
	struct ends ends = open_ends(64, 4);
	uint8_t old[64 + QV_PAD_OVERHEAD], packet[64 + QV_PAD_OVERHEAD], plain[64] = "as it was said before",
									 opened[64];
	assert_int_equal(qv_pad_seal(ends.seals, CONTEXT, 20, plain, sizeof plain, old, NULL), 0);
	assert_int_equal(qv_pad_seal(ends.seals, CONTEXT, 20, plain, sizeof plain, old, NULL), 0);
	uint64_t counted = qv_pad_used(ends.seals) + qv_pad_left(ends.seals);
	qv_pad_restart(ends.seals);
	qv_pad_restart(ends.opens);
	assert_int_equal(qv_pad_used(ends.seals), counted);
	assert_int_equal(qv_pad_left(ends.seals), 0);
	assert_int_equal(qv_pad_end(ends.seals), 0);
	assert_int_equal(qv_pad_seal(ends.seals, CONTEXT, 20, plain, 1, packet, NULL), -1);
	assert_int_equal(qv_pad_open(ends.opens, CONTEXT, 20, old, sizeof old, opened, NULL), -1);
	ends.filled = 0;
	for (unsigned i = 0; i < 4; i++)
		fill(&ends, 64, 0);
	assert_int_equal(qv_pad_open(ends.opens, CONTEXT, 20, old, sizeof old, opened, NULL), -1);
	assert_int_equal(qv_pad_seal(ends.seals, CONTEXT, 20, plain, sizeof plain, packet, NULL), 0);
	assert_int_equal(position_of(packet), QV_PAD_HASH_KEY);
	assert_int_equal(qv_pad_open(ends.opens, CONTEXT, 20, packet, sizeof packet, opened, NULL), sizeof plain);
	assert_memory_equal(opened, plain, sizeof plain);
	qv_pad_free(ends.seals);
	qv_pad_free(ends.opens);
}

static void test_full(void **state)
{
	(void)state;
	struct qv_pad *pad = qv_pad_new(QV_PAD_CALLER, NULL);
	unsigned number = 0;
	/* The first one becomes the hash key and leaves its place to another. */
	for (; number < QV_PAD_KEYS_MAX + 1; number++)
		assert_int_equal(add_code(pad, number * 16, 16, number), QV_OK);
	assert_int_equal(add_code(pad, number * 16, 16, number), QV_E_BUSY);
	qv_pad_free(pad);
}

static void test_records(void **state)
{
	(void)state;
	struct qv_pad_record record = { .kind = QV_PAD_KEYS, .position = 0x123456, .count = 2 }, back;
	uint8_t bytes[QV_PAD_RECORD_SIZE_MAX];
	static const uint8_t expected[] = {
		1, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56, 2, 4, 0, 3, 'a', '-', '1', 0, 32, 1, 'b'
	};
	record.key[0].size = 1024;
	record.key[1].size = 32;
	snprintf(record.key[0].id, sizeof record.key[0].id, "a-1");
	snprintf(record.key[1].id, sizeof record.key[1].id, "b");
	assert_int_equal(qv_pad_record_encode(&record, bytes, sizeof bytes, NULL), sizeof expected);
	assert_memory_equal(bytes, expected, sizeof expected);
	assert_int_equal(qv_pad_record_decode(bytes, sizeof expected, &back, NULL), 0);
	assert_int_equal(back.count, 2);
	assert_string_equal(back.key[1].id, "b");
	assert_int_equal(back.key[0].size, 1024);
	for (size_t size = 0; size < sizeof expected; size++)
		assert_int_equal(qv_pad_record_decode(bytes, size, &back, NULL), -1);
	assert_int_equal(qv_pad_record_encode(&record, bytes, 10, NULL), -1);
	struct qv_pad_record held = { .kind = QV_PAD_HELD, .position = 7, .count = 3, .held = 5 };
	int size = qv_pad_record_encode(&held, bytes, sizeof bytes, NULL);
	assert_int_equal(size, 14);
	assert_int_equal(qv_pad_record_decode(bytes, (size_t)size, &back, NULL), 0);
	assert_int_equal(back.held, 5);
	bytes[13] = 8;
	assert_int_equal(qv_pad_record_decode(bytes, (size_t)size, &back, NULL), -1);
}

static void test_rate(void **state)
{
	(void)state;
	assert_int_equal((int)qv_pad_rate(16000, 50), 2800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sealed_by_hand),
		cmocka_unit_test(test_no_byte_twice),
		cmocka_unit_test(test_each_bit_counts),
		cmocka_unit_test(test_order_and_loss),
		cmocka_unit_test(test_too_late),
		cmocka_unit_test(test_other_direction),
		cmocka_unit_test(test_keys_refused),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
