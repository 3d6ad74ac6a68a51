/* SPDX-License-Identifier: Apache-2.0 */
/* Fewer than t shares tell nothing of the secret: counted over all polynomials, and by statistics of the real thing. */
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

/* Threshold 2: over all 256 polynomials with a given secret, each share has each value once. */
static void one_share_of_two_is_uniform(void **state)
{
	(void)state;
	static const uint8_t x[] = { 1, 2, 255 };
	uint8_t secret[256], row[256], store[3][256], *shares[] = { store[0], store[1], store[2] };
	for (unsigned i = 0; i < 256; i++)
		row[i] = (uint8_t)i;
	for (unsigned value = 0; value < 256; value++) {
		memset(secret, (int)value, sizeof secret);
		qv_shamir_kernel()->evaluate(secret, 0, 256, row, 2, x, 3, shares);
		for (unsigned i = 0; i < 3; i++) {
			unsigned seen[256] = { 0 };
			for (unsigned j = 0; j < 256; j++)
				assert_int_equal(seen[store[i][j]]++, 0);
		}
	}
}

/* Threshold 3: over all 65536 polynomials with a given secret, each pair of shares has each pair of values once. */
static void two_shares_of_three_are_uniform(void **state)
{
	(void)state;
	enum { ALL = 65536 };
	static const uint8_t x[] = { 1, 2, 77 };
	static uint8_t secret[ALL], rows[2 * ALL], store[3][ALL], seen[ALL];
	uint8_t *shares[] = { store[0], store[1], store[2] };
	for (unsigned i = 0; i < ALL; i++) {
		rows[i] = (uint8_t)i;
		rows[ALL + i] = (uint8_t)(i >> 8);
	}
	for (unsigned value = 0; value < 256; value += 15) {
		memset(secret, (int)value, sizeof secret);
		qv_shamir_kernel()->evaluate(secret, 0, ALL, rows, 3, x, 3, shares);
		for (unsigned i = 0; i < 3; i++) {
			memset(seen, 0, sizeof seen);
			for (unsigned j = 0; j < ALL; j++)
				assert_int_equal(seen[store[i][j] << 8 | store[(i + 1) % 3][j]]++, 0);
		}
	}
}

struct qv_generator_device {
	uint64_t state;
};

static int repeatable(struct qv_generator_device *device, uint8_t *bytes, size_t size, struct qv_error *err)
{
	(void)err;
	slow_random_bytes(&device->state, bytes, size);
	return 0;
}

static const struct qv_generator_class repeatable_class = { .name = "a fixed sequence", .read = repeatable };

#define SAMPLES (1u << 20)

/* Chi-square of the counts against a uniform distribution over 256 values. */
static double chi_square(const unsigned *counts)
{
	double expected = SAMPLES / 256.0, sum = 0;
	for (unsigned i = 0; i < 256; i++)
		sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
	return sum;
}

/* 255 degrees of freedom: above 380, or below 160, once in a million. */
static void assert_uniform(const unsigned *counts)
{
	double value = chi_square(counts);
	assert_true(value > 160 && value < 380);
}

/*
 * With the coefficients of a fixed sequence, t - 1 shares of secrets as far from random as can be: uniform each, and
 * so are their differences from each other and from the secret.
 */
static void shares_look_random(void **state)
{
	(void)state;
	static const uint8_t x[] = { 1, 2, 3 };
	static uint8_t secret[SAMPLES], store[3][SAMPLES];
	uint8_t *shares[] = { store[0], store[1], store[2] };
	struct qv_generator_device device = { 42 };
	struct qv_generator *generator = qv_generator_from_device(&repeatable_class, &device, NULL);
	assert_non_null(generator);
	for (unsigned kind = 0; kind < 3; kind++) {
		for (unsigned i = 0; i < SAMPLES; i++)
			secret[i] = kind == 2 ? (uint8_t)(i & 1) : (uint8_t)(kind ? 0xff : 0);
		assert_int_equal(qv_shamir_split(generator, secret, SAMPLES, 3, x, 3, shares, NULL), 0);
		for (unsigned i = 0; i < 3; i++) {
			unsigned alone[256] = { 0 }, pair[256] = { 0 }, even[256] = { 0 };
			for (unsigned j = 0; j < SAMPLES; j++) {
				alone[store[i][j]]++;
				pair[store[i][j] ^ store[(i + 1) % 3][j]]++;
				even[store[i][j] ^ secret[j]]++;
			}
			assert_uniform(alone);
			assert_uniform(pair);
			assert_uniform(even);
		}
	}
	qv_generator_close(generator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_share_of_two_is_uniform),
		cmocka_unit_test(two_shares_of_three_are_uniform),
		cmocka_unit_test(shares_look_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
