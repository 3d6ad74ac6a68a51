/* SPDX-License-Identifier: Apache-2.0 */
/* What splitting and rebuilding ask of their public arguments. */
#ifndef SHAMIR_CHECK_H
#define SHAMIR_CHECK_H

#include <stdint.h>

#include <qvisio/error.h>

/* 1 <= t <= count <= 255; the points are distinct and not 0. 0, or -1 with QV_E_INVALID. */
int shamir_check_slowly(unsigned t, const uint8_t *x, unsigned count, struct qv_error *err);

/* Points that ascend are the usual case, and quick to see. */
static inline int shamir_check(unsigned t, const uint8_t *x, unsigned count, struct qv_error *err)
{
	unsigned before = 0, i = 0;
	if (t < 1 || t > count || count > 255)
		return shamir_check_slowly(t, x, count, err);
	for (; i < count && x[i] > before; i++)
		before = x[i];
	return i == count ? 0 : shamir_check_slowly(t, x, count, err);
}

/* Lagrange weights of t points that have been checked. */
void shamir_weights(const uint8_t *x, unsigned t, uint8_t at, uint8_t *weights);

#endif
