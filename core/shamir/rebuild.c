/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/shamir.h>

#include "check.h"
#include "kernel.h"

int qv_shamir_rebuild(unsigned t, const uint8_t *x, const uint8_t *const *shares, size_t size, uint8_t *secret,
		      struct qv_error *err)
{
	uint8_t weights[QV_SHAMIR_SHARES_MAX];
	if (shamir_check(t, x, t, err) != 0) {
		qv_wipe(secret, size);
		return -1;
	}
	shamir_weights(x, t, 0, weights);
	qv_shamir_kernel()->fold(weights, shares, t, 0, size, secret);
	return 0;
}

static int same_sizes(const struct qv_secret *const *shares, unsigned m, struct qv_error *err)
{
	for (unsigned i = 1; i < m; i++) {
		if (qv_secret_size(shares[i]) != qv_secret_size(shares[0]))
			return qv_fail(err, QV_E_INVALID,
				       "share %u has %zu bytes, share 0 has %zu: shares of one secret are equally long",
				       i, qv_secret_size(shares[i]), qv_secret_size(shares[0]));
	}
	return 0;
}

struct qv_secret *qv_shamir_rebuild_secret(unsigned t, const uint8_t *x, const struct qv_secret *const *shares,
					   unsigned m, unsigned correct, bool *wrong, unsigned *wrong_count,
					   struct qv_error *err)
{
	const uint8_t *bytes[QV_SHAMIR_SHARES_MAX];
	if (shamir_check(t, x, m, err) != 0 || same_sizes(shares, m, err) != 0)
		return NULL;
	for (unsigned i = 0; i < m; i++)
		bytes[i] = qv_secret_bytes(shares[i]);
	struct qv_secret *secret = qv_secret_new(qv_secret_size(shares[0]), err);
	if (!secret)
		return NULL;
	int found = qv_shamir_rebuild_robust(t, x, bytes, m, qv_secret_size(secret), correct, qv_secret_edit(secret),
					     wrong, err);
	if (found < 0) {
		qv_secret_free(secret);
		return NULL;
	}
	if (wrong_count)
		*wrong_count = (unsigned)found;
	return secret;
}
