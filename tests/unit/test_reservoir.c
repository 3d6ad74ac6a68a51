/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a pad in memory: what was used is wiped there, at once, and nothing beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../core/pad/reservoir.h"

#define SIZE 40

/* Byte i of a key is i + 1, so that none is 0. */
static void add(struct reservoir *reservoir, uint64_t position, int number)
{
	uint8_t bytes[SIZE];
	struct qv_key key = { 0 };
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i + 1);
	key.secret = qv_secret_copy(bytes, SIZE, NULL);
	snprintf(key.id, sizeof key.id, "key-%d", number);
	assert_non_null(key.secret);
	assert_int_equal(reservoir_add(reservoir, position, &key, NULL), 0);
}

/* Bytes `from` to `to` of a key are wiped, and no others. */
static void assert_wiped(const struct reservoir *reservoir, size_t index, size_t from, size_t to)
{
	const uint8_t *bytes =
		qv_secret_bytes(reservoir->keys[(reservoir->first + index) % QV_PAD_KEYS_MAX].key.secret);
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(bytes[i], i >= from && i < to ? 0 : i + 1);
}

static void used_bytes_are_wiped(void **state)
{
	(void)state;
	struct reservoir reservoir;
	assert_int_equal(reservoir_init(&reservoir, NULL), 0);
	add(&reservoir, 0, 0);
	add(&reservoir, SIZE, 1);
	reservoir_spend(&reservoir, 10, 5);
	assert_wiped(&reservoir, 0, 10, 15);
	assert_wiped(&reservoir, 1, 0, 0);
	/* They never come back, and no range that has one of them is to be had. */
	assert_false(reservoir_has(&reservoir, 14, 1));
	assert_false(reservoir_has(&reservoir, 0, 11));
	assert_true(reservoir_has(&reservoir, 0, 10));
	assert_true(reservoir_has(&reservoir, 15, 2 * SIZE - 15));
	assert_int_equal(reservoir.unused, 2 * SIZE - 5);
	/* Again, and over the edge of a key. */
	reservoir_spend(&reservoir, 12, SIZE - 2);
	assert_wiped(&reservoir, 0, 10, SIZE);
	assert_wiped(&reservoir, 1, 0, 10);
	assert_int_equal(reservoir.unused, 10 + SIZE - 10);
	assert_int_equal(reservoir.spent, SIZE);
	reservoir_clear(&reservoir);
}

/* A key of which all is used is gone; one in front of it that still has something stays. */
static void used_keys_are_dropped_in_order(void **state)
{
	(void)state;
	struct reservoir reservoir;
	assert_int_equal(reservoir_init(&reservoir, NULL), 0);
	for (int i = 0; i < 3; i++)
		add(&reservoir, (uint64_t)i * SIZE, i);
	reservoir_spend(&reservoir, SIZE, SIZE);
	assert_int_equal(reservoir.count, 3);
	assert_wiped(&reservoir, 1, 0, SIZE);
	reservoir_spend(&reservoir, 0, SIZE);
	assert_int_equal(reservoir.count, 1);
	assert_false(reservoir_has(&reservoir, 0, 1));
	assert_true(reservoir_has(&reservoir, 2 * SIZE, SIZE));
	reservoir_clear(&reservoir);
}

static void what_is_too_late_is_wiped(void **state)
{
	(void)state;
	struct reservoir reservoir;
	assert_int_equal(reservoir_init(&reservoir, NULL), 0);
	add(&reservoir, 0, 0);
	add(&reservoir, 100, 1); /* behind a gap */
	reservoir_drop_before(&reservoir, 50);
	assert_int_equal(reservoir.count, 1);
	assert_wiped(&reservoir, 0, 0, 0);
	reservoir_drop_before(&reservoir, 117);
	assert_wiped(&reservoir, 0, 0, 17);
	uint64_t position = 0;
	assert_true(reservoir_find(&reservoir, SIZE - 17, &position));
	assert_int_equal(position, 117);
	assert_false(reservoir_find(&reservoir, SIZE - 16, &position));
	assert_int_equal(reservoir.spent, SIZE + 17);
	reservoir_drop_all(&reservoir);
	assert_int_equal(reservoir.spent, 2 * SIZE);
	assert_int_equal(reservoir.unused, 0);
	assert_false(reservoir_find(&reservoir, 1, &position));
	reservoir_clear(&reservoir);
}

/* What does not follow without a gap is not joined. */
static void no_range_has_a_gap(void **state)
{
	(void)state;
	struct reservoir reservoir;
	uint64_t position = 0;
	assert_int_equal(reservoir_init(&reservoir, NULL), 0);
	add(&reservoir, 0, 0);
	add(&reservoir, SIZE + 1, 1);
	add(&reservoir, 2 * SIZE + 1, 2);
	assert_false(reservoir_has(&reservoir, 0, SIZE + 1));
	assert_false(reservoir_has(&reservoir, SIZE - 1, 3));
	assert_true(reservoir_find(&reservoir, SIZE + 1, &position));
	assert_int_equal(position, SIZE + 1);
	assert_false(reservoir_find(&reservoir, 2 * SIZE + 1, &position));
	reservoir_clear(&reservoir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_bytes_are_wiped),
		cmocka_unit_test(used_keys_are_dropped_in_order),
		cmocka_unit_test(what_is_too_late_is_wiped),
		cmocka_unit_test(no_range_has_a_gap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
