/* SPDX-License-Identifier: Apache-2.0 */
#include "repair.h"

#include <string.h>

#include "../shamir/field.h"
#include "../shamir/kernel.h"

#define POINT 32 /* of the first row; those of the packets are 0 to QV_RTP_REPAIR_GROUP - 1 */

_Static_assert(QV_RTP_REPAIR_GROUP <= POINT, "points of rows and columns differ");

uint8_t repair_weight(unsigned index, unsigned packet)
{
	return field_divide(field_tables(), (uint8_t)(POINT ^ packet), (uint8_t)((POINT + index) ^ packet));
}

uint8_t repair_multiply(uint8_t a, uint8_t b)
{
	return field_multiply(field_tables(), a, b);
}

void repair_sum(const uint8_t *weights, const uint8_t *const *symbols, unsigned count, size_t size, uint8_t *out)
{
	qv_shamir_kernel()->fold(weights, symbols, count, 0, size, out);
}

static void scale_row(uint8_t *row, uint8_t factor, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		row[i] = field_multiply(field_tables(), row[i], factor);
}

static void add_row(uint8_t *row, const uint8_t *other, uint8_t factor, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		row[i] ^= field_multiply(field_tables(), other[i], factor);
}

/* Gauss and Jordan; every minor of such a matrix is invertible, so no rows need be exchanged. */
bool repair_invert(repair_matrix matrix, unsigned size)
{
	repair_matrix inverse = { { 0 } };
	for (unsigned i = 0; i < size; i++)
		inverse[i][i] = 1;
	for (unsigned pivot = 0; pivot < size; pivot++) {
		if (!matrix[pivot][pivot])
			return false;
		uint8_t factor = field_divide(field_tables(), 1, matrix[pivot][pivot]);
		scale_row(matrix[pivot], factor, size);
		scale_row(inverse[pivot], factor, size);
		for (unsigned row = 0; row < size; row++) {
			uint8_t part = matrix[row][pivot];
			if (row == pivot || !part)
				continue;
			add_row(matrix[row], matrix[pivot], part, size);
			add_row(inverse[row], inverse[pivot], part, size);
		}
	}
	memcpy(matrix, inverse, sizeof inverse);
	return true;
}

int repair_symbol(const struct qv_rtp *packet, const struct qv_rtp_extensions *ids, uint8_t symbol[SYMBOL_MAX],
		  struct qv_error *err)
{
	struct qv_rtp plain = *packet;
	plain.has_transport = false;
	int size = qv_rtp_write(&plain, ids, symbol + SYMBOL_LENGTH, SYMBOL_MAX - SYMBOL_LENGTH, err);
	if (size < 0)
		return -1;
	symbol[0] = (uint8_t)(size >> 8);
	symbol[1] = (uint8_t)size;
	return SYMBOL_LENGTH + size;
}
