/* SPDX-License-Identifier: Apache-2.0 */
#include "assembler.h"

#include <string.h>

static int begin(struct assembler *assembler, const struct qv_unit *unit, bool key, struct qv_error *err)
{
	if (assembler->started && unit->sequence <= assembler->sequence)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent access unit %llu after %llu",
			       (unsigned long long)unit->sequence, (unsigned long long)assembler->sequence);
	if (assembler->started)
		assembler->lost += unit->sequence - assembler->sequence - 1;
	if (assembler->open)
		assembler->lost++;
	assembler->started = assembler->open = true;
	assembler->sequence = unit->sequence;
	assembler->unit.unit = *unit;
	assembler->unit.key = key;
	assembler->unit.size = 0;
	return 0;
}

int assembler_add(struct assembler *assembler, const struct qv_fragment *fragment, bool key, struct qv_error *err)
{
	struct unit_buffer *buffer = &assembler->unit;
	if (fragment->offset == 0) {
		if (begin(assembler, &fragment->unit, key, err) != 0)
			return -1;
	} else if (!assembler->open || fragment->unit.sequence != assembler->sequence ||
		   fragment->offset != buffer->size) {
		return qv_fail(err, QV_E_PROTOCOL,
			       "the peer sent a piece of access unit %llu that does not follow the last",
			       (unsigned long long)fragment->unit.sequence);
	}
	if (fragment->size > buffer->unit.size - buffer->size)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent more of access unit %llu than the %u bytes announced",
			       (unsigned long long)fragment->unit.sequence, buffer->unit.size);
	if (unit_buffer_reserve(buffer, buffer->size + fragment->size, err) != 0)
		return -1;
	memcpy(buffer->data + buffer->size, fragment->data, fragment->size);
	buffer->size += fragment->size;
	if (buffer->size < buffer->unit.size)
		return 0;
	assembler->open = false;
	return 1;
}

void assembler_free(struct assembler *assembler)
{
	unit_buffer_free(&assembler->unit);
}
