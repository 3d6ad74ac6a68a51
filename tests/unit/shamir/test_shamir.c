/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/shamir.h>

#include "core/shamir/field.h"
#include "core/shamir/kernel.h"
#include "slow.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

extern const struct qv_shamir_kernel shamir_portable_words;

/* Runs a check once with each kernel of this processor. */
static void with_each_kernel(void (*check)(void))
{
	for (const struct qv_shamir_kernel *const *kernel = qv_shamir_kernels(); *kernel; kernel++) {
		print_message("# kernel %s\n", (*kernel)->name);
		qv_shamir_kernel_use(*kernel);
		check();
	}
	print_message("# portable kernel, in words\n");
	qv_shamir_kernel_use(&shamir_portable_words);
	check();
	qv_shamir_kernel_use(NULL);
}

static void field_is_that_of_aes(void **state)
{
	(void)state;
	const struct field_tables *field = field_tables();
	/* FIPS 197 section 4.2; codahale/shamir, GF256Test. */
	assert_int_equal(field_multiply(field, 0x57, 0x83), 0xc1);
	assert_int_equal(field_multiply(field, 0x57, 0x13), 0xfe);
	assert_int_equal(field_multiply(field, 90, 21), 254);
	assert_int_equal(field_multiply(field, 133, 5), 167);
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			uint8_t product = slow_multiply((uint8_t)a, (uint8_t)b);
			assert_int_equal(field_multiply(field, (uint8_t)a, (uint8_t)b), product);
			if (b)
				assert_int_equal(field_divide(field, product, (uint8_t)b), a);
		}
	}
}

static void rebuild_and_compare(unsigned t, const uint8_t *x, const uint8_t *shares, size_t size, const void *expected)
{
	const uint8_t *pointers[QV_SHAMIR_SHARES_MAX];
	uint8_t secret[16];
	for (unsigned i = 0; i < t; i++)
		pointers[i] = shares + i * size;
	assert_int_equal(qv_shamir_rebuild(t, x, pointers, size, secret, NULL), 0);
	assert_memory_equal(secret, expected, size);
}

static void check_vectors(void)
{
	/* draft-mcgrew-tss-03 section 9. */
	static const uint8_t tss[] = { 0xb9, 0xfa, 0x07, 0xe1, 0x85, 0xf5, 0x40, 0x9b, 0x45, 0x11 };
	rebuild_and_compare(2, (const uint8_t[]){ 1, 2 }, tss, 5, "test");
	/* codahale/shamir, GF256Test. */
	static const uint8_t x[] = { 1, 2, 3 };
	rebuild_and_compare(3, x, (const uint8_t[]){ 1, 2, 3 }, 1, "\0");
	rebuild_and_compare(3, x, (const uint8_t[]){ 80, 90, 20 }, 1, "\x1e");
	rebuild_and_compare(3, x, (const uint8_t[]){ 43, 22, 86 }, 1, "\x6b");
	static const uint8_t rows[] = { 0, 2, 3 };
	uint8_t share[1], *shares[] = { share };
	qv_shamir_kernel()->evaluate((const uint8_t[]){ 1 }, 0, 1, rows, 4, (const uint8_t[]){ 2 }, 1, shares);
	assert_int_equal(share[0], 17);
}

static void known_vectors(void **state)
{
	(void)state;
	with_each_kernel(check_vectors);
}

struct buffers {
	uint8_t *bytes, *shares[QV_SHAMIR_SHARES_MAX];
	const uint8_t *readable[QV_SHAMIR_SHARES_MAX];
};

static struct buffers new_buffers(unsigned n, size_t size)
{
	struct buffers buffers = { .bytes = malloc(n * size + 1) };
	assert_non_null(buffers.bytes);
	for (unsigned i = 0; i < n; i++)
		buffers.readable[i] = buffers.shares[i] = buffers.bytes + i * size;
	return buffers;
}

static void random_points(uint64_t *seed, uint8_t *x, unsigned n)
{
	uint8_t all[255];
	for (unsigned i = 0; i < 255; i++)
		all[i] = (uint8_t)(i + 1);
	for (unsigned i = 0; i < n; i++) {
		unsigned other = i + (unsigned)(slow_random(seed) % (255 - i));
		uint8_t taken = all[other];
		all[other] = all[i];
		x[i] = all[i] = taken;
	}
}

/* Shares of the kernel against the definition, at an offset, and nothing written beside them. */
static void check_evaluation(uint64_t *seed, unsigned t, unsigned n, size_t size)
{
	uint8_t x[255], secret[512], rows[2048], coefficients[255];
	struct buffers buffers = new_buffers(n, size + 16);
	size_t offset = slow_random(seed) % 8;
	random_points(seed, x, n);
	slow_random_bytes(seed, secret, size + offset);
	slow_random_bytes(seed, rows, (t - 1) * size);
	memset(buffers.bytes, 0xa5, n * (size + 16));
	qv_shamir_kernel()->evaluate(secret, offset, size, rows, t, x, n, buffers.shares);
	for (unsigned i = 0; i < n; i++) {
		for (size_t j = 0; j < size + 16; j++) {
			bool inside = j >= offset && j < offset + size;
			coefficients[0] = secret[inside ? j : 0];
			for (unsigned k = 1; k < t && inside; k++)
				coefficients[k] = rows[(k - 1) * size + j - offset];
			assert_int_equal(buffers.shares[i][j], inside ? slow_evaluate(coefficients, t, x[i]) : 0xa5);
		}
	}
	free(buffers.bytes);
}

static void check_fold(uint64_t *seed, unsigned count, size_t size)
{
	uint8_t weights[255], out[600];
	struct buffers buffers = new_buffers(count, size);
	slow_random_bytes(seed, weights, count);
	weights[0] = count > 1 ? 0 : weights[0];
	slow_random_bytes(seed, buffers.bytes, count * size);
	memset(out, 0xa5, sizeof out);
	qv_shamir_fold(weights, buffers.readable, count, size, out);
	for (size_t j = 0; j < size; j++) {
		uint8_t sum = 0;
		for (unsigned i = 0; i < count; i++)
			sum ^= slow_multiply(weights[i], buffers.shares[i][j]);
		assert_int_equal(out[j], sum);
	}
	assert_int_equal(out[size], 0xa5);
	free(buffers.bytes);
}

static void check_kernel(void)
{
	static const size_t sizes[] = {
		1, 2, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 96, 100, 127, 128, 129, 255, 300
	};
	uint64_t seed = 1;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		check_evaluation(&seed, 2, 1 + (unsigned)i, sizes[i]);
		check_evaluation(&seed, 2 + (unsigned)i % 5, 7, sizes[i]);
		check_fold(&seed, 1 + (unsigned)i, sizes[i]);
	}
	check_evaluation(&seed, 60, 255, 33);
	check_fold(&seed, 255, 577);
	check_fold(&seed, 3, 0);
}

static void kernels_agree_with_the_definition(void **state)
{
	(void)state;
	with_each_kernel(check_kernel);
}

/* Every subset of exactly t shares rebuilds. */
static void check_subsets_of(unsigned t, unsigned n, size_t size)
{
	uint8_t x[8], points[8], secret[100], rebuilt[100];
	const uint8_t *subset[8];
	uint64_t seed = t * 16 + n;
	struct buffers buffers = new_buffers(n, size);
	random_points(&seed, x, n);
	slow_random_bytes(&seed, secret, size);
	assert_int_equal(qv_shamir_split(NULL, secret, size, t, x, n, buffers.shares, NULL), 0);
	for (unsigned chosen = 0; chosen < 1u << n; chosen++) {
		unsigned count = 0;
		if ((unsigned)__builtin_popcount(chosen) != t)
			continue;
		for (unsigned i = 0; i < n; i++) {
			if (chosen >> i & 1) {
				points[count] = x[i];
				subset[count++] = buffers.shares[i];
			}
		}
		assert_int_equal(qv_shamir_rebuild(t, points, subset, size, rebuilt, NULL), 0);
		assert_memory_equal(rebuilt, secret, size);
	}
	free(buffers.bytes);
}

static void check_subsets(void)
{
	for (unsigned n = 1; n <= 8; n++) {
		for (unsigned t = 1; t <= n; t++)
			check_subsets_of(t, n, 1 + 11 * t);
	}
}

static void every_subset_rebuilds(void **state)
{
	(void)state;
	with_each_kernel(check_subsets);
}

static void check_size(unsigned t, unsigned n, size_t size)
{
	uint8_t x[255], *secret = malloc(size + 1), *rebuilt = malloc(size + 1);
	uint64_t seed = size;
	struct buffers buffers = new_buffers(n, size);
	for (unsigned i = 0; i < n; i++)
		x[i] = (uint8_t)(255 - i);
	slow_random_bytes(&seed, secret, size);
	assert_int_equal(qv_shamir_split(NULL, secret, size, t, x, n, buffers.shares, NULL), 0);
	assert_int_equal(qv_shamir_rebuild(t, x + n - t, buffers.readable + n - t, size, rebuilt, NULL), 0);
	assert_memory_equal(rebuilt, secret, size);
	free(buffers.bytes);
	free(secret);
	free(rebuilt);
}

static void any_length_any_threshold(void **state)
{
	(void)state;
	for (unsigned t = 1; t <= 255; t += t < 20 ? 1 : 13)
		check_size(t, 255, 70);
	check_size(255, 255, 1000);
	check_size(2, 3, 0);
	check_size(2, 3, 16384);
	check_size(3, 4, 100001);
	check_size(9, 16, 1 << 20);
}

static void refuses_wrong_arguments(void **state)
{
	(void)state;
	static const uint8_t good[] = { 1, 2, 255 }, zero[] = { 1, 0, 3 }, twice[] = { 200, 7, 200 };
	uint8_t secret[4] = "abc", out[4] = "xyz", store[3][4], *shares[] = { store[0], store[1], store[2] };
	const uint8_t *readable[] = { store[0], store[1], store[2] };
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(qv_shamir_split(NULL, secret, 4, 0, good, 3, shares, &err), -1);
	assert_int_equal(err.code, QV_E_INVALID);
	assert_int_equal(qv_shamir_split(NULL, secret, 4, 4, good, 3, shares, &err), -1);
	assert_int_equal(qv_shamir_split(NULL, secret, 4, 2, good, 256, shares, &err), -1);
	assert_int_equal(qv_shamir_split(NULL, secret, 4, 2, zero, 3, shares, &err), -1);
	assert_string_equal(err.message, "share 1 has point 0: points are distinct and 1 to 255");
	assert_int_equal(qv_shamir_split(NULL, secret, 4, 2, twice, 3, shares, &err), -1);
	assert_string_equal(err.message, "share 2 has point 200: points are distinct and 1 to 255");
	assert_int_equal(qv_shamir_rebuild(3, twice, readable, 4, out, &err), -1);
	assert_memory_equal(out, "\0\0\0", 4);
	assert_int_equal(qv_shamir_weights(zero, 3, 0, out, &err), -1);
	assert_int_equal(qv_shamir_rebuild_robust(4, good, readable, 3, 4, 0, out, NULL, &err), -1);
	assert_int_equal(err.code, QV_E_INVALID);
}

static void weights_at_any_point(void **state)
{
	(void)state;
	uint64_t seed = 5;
	for (unsigned t = 1; t <= 20; t++) {
		uint8_t x[20], y[20], coefficients[20], weights[20];
		random_points(&seed, x, t);
		slow_random_bytes(&seed, coefficients, t);
		for (unsigned i = 0; i < t; i++)
			y[i] = slow_evaluate(coefficients, t, x[i]);
		for (unsigned at = 0; at < 256; at++) {
			uint8_t sum = 0;
			assert_int_equal(qv_shamir_weights(x, t, (uint8_t)at, weights, NULL), 0);
			for (unsigned i = 0; i < t; i++)
				sum ^= slow_multiply(weights[i], y[i]);
			assert_int_equal(sum, slow_evaluate(coefficients, t, (uint8_t)at));
		}
	}
}

/* Three holders of (2, 3) hand their secret on to five of (3, 5), contributed to by any two. */
static void shares_can_be_redistributed(void **state)
{
	(void)state;
	static const uint8_t old[] = { 1, 2, 3 }, new[] = { 10, 20, 30, 40, 50 };
	static const unsigned contributors[] = { 2, 0 };
	uint8_t secret[40], first[3][40], second[2][5][40], folded[5][40], rebuilt[40], points[2], weights[2];
	uint8_t *shares[] = { first[0], first[1], first[2] };
	uint64_t seed = 9;
	slow_random_bytes(&seed, secret, sizeof secret);
	assert_int_equal(qv_shamir_split(NULL, secret, 40, 2, old, 3, shares, NULL), 0);
	for (unsigned c = 0; c < 2; c++) {
		uint8_t *sub[5];
		for (unsigned i = 0; i < 5; i++)
			sub[i] = second[c][i];
		points[c] = old[contributors[c]];
		assert_int_equal(qv_shamir_split(NULL, first[contributors[c]], 40, 3, new, 5, sub, NULL), 0);
	}
	assert_int_equal(qv_shamir_weights(points, 2, 0, weights, NULL), 0);
	for (unsigned i = 0; i < 5; i++) {
		const uint8_t *received[] = { second[0][i], second[1][i] };
		qv_shamir_fold(weights, received, 2, 40, folded[i]);
	}
	const uint8_t *last[] = { folded[1], folded[2], folded[4] };
	assert_int_equal(qv_shamir_rebuild(3, (const uint8_t[]){ 20, 30, 50 }, last, 40, rebuilt, NULL), 0);
	assert_memory_equal(rebuilt, secret, 40);
}

static void secrets_in_secrets(void **state)
{
	(void)state;
	static const uint8_t x[] = { 5, 6, 7, 8, 9 };
	struct qv_error err = QV_ERROR_INIT;
	struct qv_secret *secret = qv_secret_random(100, &err), *shares[5];
	bool wrong[5];
	unsigned count = 9;
	assert_int_equal(qv_shamir_split_secret(NULL, secret, 3, x, 5, shares, &err), 0);
	qv_secret_edit(shares[3])[99] ^= 1;
	struct qv_secret *again = qv_shamir_rebuild_secret(3, x, (const struct qv_secret *const *)shares, 5,
							   QV_SHAMIR_CORRECT_ALL, wrong, &count, &err);
	assert_non_null(again);
	assert_true(qv_secret_equal(secret, again));
	assert_int_equal(count, 1);
	assert_true(wrong[3] && !wrong[0] && !wrong[1] && !wrong[2] && !wrong[4]);
	qv_secret_free(shares[1]);
	shares[1] = qv_secret_random(99, &err);
	assert_null(qv_shamir_rebuild_secret(3, x, (const struct qv_secret *const *)shares, 5, 0, NULL, NULL, &err));
	assert_int_equal(err.code, QV_E_INVALID);
	for (unsigned i = 0; i < 5; i++)
		qv_secret_free(shares[i]);
	assert_int_equal(qv_shamir_split_secret(NULL, secret, 6, x, 5, shares, &err), -1);
	assert_null(shares[0]);
	qv_secret_free(secret);
	qv_secret_free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(field_is_that_of_aes),
		cmocka_unit_test(known_vectors),
		cmocka_unit_test(kernels_agree_with_the_definition),
		cmocka_unit_test(every_subset_rebuilds),
		cmocka_unit_test(any_length_any_threshold),
		cmocka_unit_test(refuses_wrong_arguments),
		cmocka_unit_test(weights_at_any_point),
		cmocka_unit_test(shares_can_be_redistributed),
		cmocka_unit_test(secrets_in_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
