/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/shamir.h>

#include "core/shamir/kernel.h"
#include "slow.h"

#define SIZE 3

struct sharing {
	uint8_t x[QV_SHAMIR_SHARES_MAX], secret[200], bytes[QV_SHAMIR_SHARES_MAX][200];
	const uint8_t *shares[QV_SHAMIR_SHARES_MAX];
};

static void share(struct sharing *sharing, uint64_t *seed, unsigned t, unsigned m, size_t size)
{
	uint8_t *out[QV_SHAMIR_SHARES_MAX];
	unsigned start = (unsigned)(slow_random(seed) % 255);
	for (unsigned i = 0; i < m; i++) {
		sharing->x[i] = (uint8_t)(1 + (start + i * 7) % 255);
		sharing->shares[i] = out[i] = sharing->bytes[i];
	}
	slow_random_bytes(seed, sharing->secret, size);
	assert_int_equal(qv_shamir_split(NULL, sharing->secret, size, t, sharing->x, m, out, NULL), 0);
}

/* Makes a share wrong at some of its bytes, one at least. */
static void spoil(struct sharing *sharing, uint64_t *seed, unsigned i, size_t size)
{
	size_t sure = slow_random(seed) % size;
	for (size_t j = 0; j < size; j++) {
		if (j == sure || slow_random(seed) % 2)
			sharing->bytes[i][j] ^= (uint8_t)(1 + slow_random(seed) % 255);
	}
}

static int rebuild(const struct sharing *sharing, unsigned t, unsigned m, size_t size, unsigned correct,
		   uint8_t *secret, unsigned *wrong)
{
	bool marks[QV_SHAMIR_SHARES_MAX];
	struct qv_error err = QV_ERROR_INIT;
	int found = qv_shamir_rebuild_robust(t, sharing->x, sharing->shares, m, size, correct, secret, marks, &err);
	*wrong = 0;
	for (unsigned i = 0; found >= 0 && i < m && i < 32; i++)
		*wrong |= (unsigned)marks[i] << i;
	if (found < 0) {
		assert_int_equal(err.code, QV_E_PROTOCOL);
		for (size_t j = 0; j < size; j++)
			assert_int_equal(secret[j], 0);
	}
	return found;
}

/* Any set of wrong shares up to the bound and one past it, for every number to correct. */
static void check_pattern(struct sharing *sharing, uint64_t *seed, unsigned t, unsigned m, unsigned correct,
			  unsigned pattern)
{
	unsigned errors = (unsigned)__builtin_popcount(pattern), wrong;
	uint8_t secret[SIZE], expected[SIZE];
	share(sharing, seed, t, m, SIZE);
	for (unsigned i = 0; i < m; i++) {
		if (pattern >> i & 1)
			spoil(sharing, seed, i, SIZE);
	}
	int found = rebuild(sharing, t, m, SIZE, correct, secret, &wrong);
	if (errors <= correct) {
		assert_int_equal(found, errors);
		assert_int_equal(wrong, pattern);
		assert_memory_equal(secret, sharing->secret, SIZE);
	} else if (errors <= m - t - correct) {
		assert_int_equal(found, -1);
	}
	int slow = slow_robust(t, sharing->x, sharing->shares, m, SIZE, correct, expected);
	assert_int_equal(found < 0 ? -1 : (int)wrong, slow);
	if (found >= 0)
		assert_memory_equal(secret, expected, SIZE);
}

static void every_pattern_up_to_the_bound_and_one_past(void **state)
{
	(void)state;
	static struct sharing sharing;
	uint64_t seed = 1;
	for (unsigned m = 1; m <= 7; m++) {
		for (unsigned t = 1; t <= m; t++) {
			unsigned most = (m - t) / 2;
			for (unsigned correct = 0; correct <= most; correct++) {
				for (unsigned pattern = 0; pattern < 1u << m; pattern++) {
					if ((unsigned)__builtin_popcount(pattern) <= correct + 1 && m > t)
						check_pattern(&sharing, &seed, t, m, correct, pattern);
				}
			}
		}
	}
}

static void many_shares_and_long_secrets(void **state)
{
	(void)state;
	static const unsigned shapes[][2] = {
		{ 1, 255 }, { 2, 255 }, { 86, 255 }, { 128, 255 }, { 253, 255 }, { 9, 16 }
	};
	static struct sharing sharing;
	uint64_t seed = 2;
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		unsigned t = shapes[i][0], m = shapes[i][1], most = (m - t) / 2, marked;
		bool wrong[QV_SHAMIR_SHARES_MAX];
		uint8_t secret[200];
		share(&sharing, &seed, t, m, sizeof secret);
		for (unsigned e = 0; e < most; e++)
			spoil(&sharing, &seed, e * 2, sizeof secret);
		assert_int_equal(qv_shamir_rebuild_robust(t, sharing.x, sharing.shares, m, sizeof secret,
							  QV_SHAMIR_CORRECT_ALL, secret, wrong, NULL),
				 most);
		assert_memory_equal(secret, sharing.secret, sizeof secret);
		for (unsigned j = 0; j < m; j++)
			assert_int_equal(wrong[j], j % 2 == 0 && j / 2 < most);
		spoil(&sharing, &seed, 1, sizeof secret);
		assert_int_equal(rebuild(&sharing, t, m, sizeof secret, QV_SHAMIR_CORRECT_ALL, secret, &marked), -1);
	}
}

/* Each wrong share shows at another byte: each byte alone could be corrected, all of them not. */
static void wrong_shares_count_over_all_bytes(void **state)
{
	(void)state;
	static struct sharing sharing;
	uint64_t seed = 3;
	uint8_t secret[200];
	unsigned wrong;
	share(&sharing, &seed, 3, 7, sizeof secret);
	sharing.bytes[1][0] ^= 1;
	sharing.bytes[4][199] ^= 0x80;
	assert_int_equal(rebuild(&sharing, 3, 7, sizeof secret, 2, secret, &wrong), 2);
	assert_int_equal(wrong, 1u << 1 | 1u << 4);
	assert_int_equal(rebuild(&sharing, 3, 7, sizeof secret, 1, secret, &wrong), -1);
	sharing.bytes[6][100] ^= 0x10;
	assert_int_equal(rebuild(&sharing, 3, 7, sizeof secret, 2, secret, &wrong), -1);
}

/*
 * What the header says cannot be helped: m - t - c + 1 shares moved by a polynomial that is 0 at t - 1 of the others
 * give another secret; one fewer is an error.
 */
static void colluders_past_the_distance(void **state)
{
	(void)state;
	static struct sharing sharing;
	uint64_t seed = 4;
	uint8_t secret[1];
	unsigned wrong;
	for (unsigned forged = 4; forged <= 5; forged++) {
		share(&sharing, &seed, 3, 9, 1);
		for (unsigned i = 9 - forged; i < 9; i++)
			sharing.bytes[i][0] ^= slow_multiply(sharing.x[i] ^ sharing.x[0], sharing.x[i] ^ sharing.x[1]);
		int found = rebuild(&sharing, 3, 9, 1, 2, secret, &wrong);
		if (forged == 4)
			assert_int_equal(found, -1);
		else
			assert_true(found == 2 && secret[0] != sharing.secret[0] && wrong == (1u << 2 | 1u << 3));
	}
}

/* Damage without a plan, at the very edge and beyond, in secrets of 32 bytes: never another secret. */
static void chance_forges_nothing(void **state)
{
	(void)state;
	static struct sharing sharing;
	uint64_t seed = 5;
	uint8_t secret[32];
	unsigned wrong;
	for (unsigned round = 0; round < 3000; round++) {
		unsigned m = 4 + (unsigned)(slow_random(&seed) % 12);
		unsigned t = 1 + (unsigned)(slow_random(&seed) % (m - 1));
		unsigned errors = (unsigned)(slow_random(&seed) % (m - t + 1));
		share(&sharing, &seed, t, m, sizeof secret);
		for (unsigned i = 0; i < errors; i++)
			slow_random_bytes(&seed, sharing.bytes[m - 1 - i], sizeof secret);
		int found = rebuild(&sharing, t, m, sizeof secret, QV_SHAMIR_CORRECT_ALL, secret, &wrong);
		assert_int_equal(found, errors <= (m - t) / 2 ? (int)errors : -1);
		if (found >= 0)
			assert_memory_equal(secret, sharing.secret, sizeof secret);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pattern_up_to_the_bound_and_one_past),
		cmocka_unit_test(many_shares_and_long_secrets),
		cmocka_unit_test(wrong_shares_count_over_all_bytes),
		cmocka_unit_test(colluders_past_the_distance),
		cmocka_unit_test(chance_forges_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
