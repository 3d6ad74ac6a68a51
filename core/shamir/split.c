/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/shamir.h>

#include <string.h>

#include "check.h"
#include "generator.h"
#include "kernel.h"

static int split_part(struct qv_generator *generator, const uint8_t *secret, size_t offset, size_t size, unsigned t,
		      const uint8_t *x, unsigned n, uint8_t *const *shares, struct qv_error *err)
{
	const uint8_t *rows = generator_take(generator, (t - 1) * size, err);
	if (!rows)
		return -1;
	qv_shamir_kernel()->evaluate(secret, offset, size, rows, t, x, n, shares);
	generator_drop(generator);
	return 0;
}

/* In parts whose coefficients fit into the generator's buffer, of whole vectors as far as that goes. */
static int split(struct qv_generator *generator, const uint8_t *secret, size_t size, unsigned t, const uint8_t *x,
		 unsigned n, uint8_t *const *shares, struct qv_error *err)
{
	if (size && size <= GENERATOR_BUFFER / QV_SHAMIR_SHARES_MAX)
		return split_part(generator, secret, 0, size, t, x, n, shares, err);
	size_t most = GENERATOR_BUFFER / (t - 1) & ~(size_t)63;
	for (size_t offset = 0; offset < size; offset += most) {
		size_t part = size - offset < most ? size - offset : most;
		if (split_part(generator, secret, offset, part, t, x, n, shares, err) != 0)
			return -1;
	}
	return 0;
}

int qv_shamir_split(struct qv_generator *generator, const uint8_t *secret, size_t size, unsigned t, const uint8_t *x,
		    unsigned n, uint8_t *const *shares, struct qv_error *err)
{
	if (shamir_check(t, x, n, err) != 0)
		return -1;
	if (t == 1) {
		for (unsigned i = 0; size && i < n; i++)
			memcpy(shares[i], secret, size);
		return 0;
	}
	generator = generator_or_own(generator, err);
	if (generator && split(generator, secret, size, t, x, n, shares, err) == 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		qv_wipe(shares[i], size);
	return -1;
}

static void free_all(struct qv_secret **shares, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		qv_secret_free(shares[i]);
		shares[i] = NULL;
	}
}

int qv_shamir_split_secret(struct qv_generator *generator, const struct qv_secret *secret, unsigned t, const uint8_t *x,
			   unsigned n, struct qv_secret **shares, struct qv_error *err)
{
	uint8_t *bytes[QV_SHAMIR_SHARES_MAX];
	size_t size = qv_secret_size(secret);
	for (unsigned i = 0; i < n; i++)
		shares[i] = NULL;
	if (shamir_check(t, x, n, err) != 0)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		shares[i] = qv_secret_new(size, err);
		if (!shares[i]) {
			free_all(shares, n);
			return -1;
		}
		bytes[i] = qv_secret_edit(shares[i]);
	}
	if (qv_shamir_split(generator, qv_secret_bytes(secret), size, t, x, n, bytes, err) == 0)
		return 0;
	free_all(shares, n);
	return -1;
}
