/* SPDX-License-Identifier: Apache-2.0 */
#include "sound_pads.h"

/* What the tag covers beside the packet. */
#define CONTEXT 20

static void put_context(const struct qv_unit *unit, uint8_t bytes[CONTEXT])
{
	const uint64_t numbers[] = { unit->sequence, unit->position, unit->frames };
	static const size_t sizes[] = { 8, 8, 4 };
	for (size_t i = 0, at = 0; i < 3; i++)
		for (size_t j = 0; j < sizes[i]; j++)
			bytes[at++] = (uint8_t)(numbers[i] >> (8 * (sizes[i] - 1 - j)));
}

int sound_pads_seal(struct sound_pads *pads, const struct qv_unit *unit, const uint8_t *plain, size_t size,
		    uint8_t *packet, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	uint8_t context[CONTEXT];
	if (!pads->ready)
		return qv_fail(err, QV_E_NO_KEY, "there is no key for the one-time pad of sound yet");
	put_context(unit, context);
	if (qv_pad_seal(pads->seals, context, sizeof context, plain, size, packet, &why) == 0)
		return 0;
	if (why.code == QV_E_NO_KEY)
		pads->starved = true;
	if (err)
		*err = why;
	return -1;
}

int sound_pads_open(struct sound_pads *pads, const struct qv_unit *unit, const uint8_t *packet, size_t size,
		    uint8_t *plain, struct qv_error *err)
{
	uint8_t context[CONTEXT];
	put_context(unit, context);
	int length = qv_pad_open(pads->opens, context, sizeof context, packet, size, plain, err);
	if (length < 0)
		pads->refused++;
	return length;
}

struct qv_unit sound_pads_payload(const struct qv_unit *unit)
{
	return (struct qv_unit){ .sequence = (uint32_t)unit->sequence, .position = (uint32_t)unit->position };
}
