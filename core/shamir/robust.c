/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/shamir.h>

#include <string.h>

#include "check.h"
#include "decode.h"
#include "kernel.h"

#define SYNDROMES 16384u /* bytes of syndromes computed at once */

static bool all_zero(const uint8_t *bytes, size_t size)
{
	uint8_t any = 0;
	for (size_t i = 0; i < size; i++)
		any |= bytes[i];
	return any == 0;
}

static bool locate(struct located *located, const uint8_t *const *shares, size_t size)
{
	uint8_t v[QV_SHAMIR_SHARES_MAX], syndromes[SYNDROMES];
	size_t chunk = SYNDROMES / located->redundancy & ~(size_t)63;
	located_multipliers(located, v);
	for (size_t offset = 0; offset < size; offset += chunk) {
		size_t part = size - offset < chunk ? size - offset : chunk;
		located_syndromes(located, v, shares, offset, part, syndromes);
		if (all_zero(syndromes, part * located->redundancy))
			continue;
		for (size_t j = 0; j < part; j++) {
			if (!located_add(located, syndromes + j, part))
				return false;
		}
	}
	return true;
}

static void rebuild_from_right(const struct located *located, unsigned t, const uint8_t *const *shares, size_t size,
			       uint8_t *secret)
{
	const uint8_t *right[QV_SHAMIR_SHARES_MAX];
	uint8_t x[QV_SHAMIR_SHARES_MAX], weights[QV_SHAMIR_SHARES_MAX];
	unsigned count = 0;
	for (unsigned i = 0; count < t; i++) {
		if (located->wrong[i])
			continue;
		x[count] = located->x[i];
		right[count++] = shares[i];
	}
	shamir_weights(x, t, 0, weights);
	qv_shamir_kernel()->fold(weights, right, t, 0, size, secret);
}

static int rebuild(unsigned t, const uint8_t *x, const uint8_t *const *shares, unsigned m, size_t size,
		   unsigned correct, uint8_t *secret, bool *wrong, struct qv_error *err)
{
	struct located located;
	if (shamir_check(t, x, m, err) != 0)
		return -1;
	unsigned most = (m - t) / 2;
	located_start(&located, x, m, t, correct < most ? correct : most);
	if (m > t && !locate(&located, shares, size))
		return qv_fail(err, QV_E_PROTOCOL,
			       "shares contradict each other: more than %u of these %u are wrong (threshold %u); "
			       "%u wrong ones can be told with at least %u shares",
			       located.correct, m, t, located.correct + 1, t + 2 * (located.correct + 1));
	rebuild_from_right(&located, t, shares, size, secret);
	if (wrong)
		memcpy(wrong, located.wrong, m * sizeof *wrong);
	return (int)located.count;
}

int qv_shamir_rebuild_robust(unsigned t, const uint8_t *x, const uint8_t *const *shares, unsigned m, size_t size,
			     unsigned correct, uint8_t *secret, bool *wrong, struct qv_error *err)
{
	int found = rebuild(t, x, shares, m, size, correct, secret, wrong, err);
	if (found < 0)
		qv_wipe(secret, size);
	return found;
}
