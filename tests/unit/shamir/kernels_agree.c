/* SPDX-License-Identifier: Apache-2.0 */
/* Each kernel of this processor against the definition, without libraries, so that it can be built for another. */
#include <stdio.h>
#include <string.h>

#include <qvisio/secret.h>

#include "core/shamir/kernel.h"
#include "slow.h"

#define SIZE_TOP 150
#define N        9

void qv_wipe(void *bytes, size_t size)
{
	explicit_bzero(bytes, size);
}

static uint64_t seed = 1;

static bool evaluates(const struct qv_shamir_kernel *kernel, unsigned t, unsigned n, size_t size)
{
	uint8_t x[N], secret[SIZE_TOP], rows[N * SIZE_TOP], store[N][SIZE_TOP + 1], *shares[N], coefficients[N];
	for (unsigned i = 0; i < n; i++) {
		x[i] = (uint8_t)(1 + (slow_random(&seed) % 28) * 9 + i);
		shares[i] = store[i];
		store[i][size] = 0xa5;
	}
	slow_random_bytes(&seed, secret, size);
	slow_random_bytes(&seed, rows, (t - 1) * size);
	kernel->evaluate(secret, 0, size, rows, t, x, n, shares);
	for (unsigned i = 0; i < n; i++) {
		for (size_t j = 0; j < size; j++) {
			coefficients[0] = secret[j];
			for (unsigned k = 1; k < t; k++)
				coefficients[k] = rows[(k - 1) * size + j];
			if (store[i][j] != slow_evaluate(coefficients, t, x[i]))
				return false;
		}
		if (store[i][size] != 0xa5)
			return false;
	}
	return true;
}

static bool folds(const struct qv_shamir_kernel *kernel, unsigned count, size_t size)
{
	uint8_t weights[N], store[N][SIZE_TOP], out[SIZE_TOP + 1];
	const uint8_t *in[N];
	slow_random_bytes(&seed, weights, count);
	slow_random_bytes(&seed, store, sizeof store);
	for (unsigned i = 0; i < count; i++)
		in[i] = store[i];
	out[size] = 0xa5;
	kernel->fold(weights, in, count, 0, size, out);
	for (size_t j = 0; j < size; j++) {
		uint8_t sum = 0;
		for (unsigned i = 0; i < count; i++)
			sum ^= slow_multiply(weights[i], store[i][j]);
		if (out[j] != sum)
			return false;
	}
	return out[size] == 0xa5;
}

static bool right(const struct qv_shamir_kernel *kernel)
{
	for (size_t size = 1; size <= SIZE_TOP; size++) {
		unsigned n = 1 + (unsigned)(size % N), t = 2 + (unsigned)(size % 5);
		if (!evaluates(kernel, t, n, size) || !folds(kernel, n, size))
			return false;
	}
	return true;
}

int main(void)
{
	unsigned number = 0;
	for (const struct qv_shamir_kernel *const *kernel = qv_shamir_kernels(); *kernel; kernel++)
		printf("%sok %u - %s\n", right(*kernel) ? "" : "not ", ++number, (*kernel)->name);
	printf("1..%u\n", number);
	return 0;
}
