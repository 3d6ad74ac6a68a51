/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "redistribute.h"

/* Takes the first `needed` positions of a label in the turned order, up to the step where it was complete. */
static void take(const struct choice *choice, uint16_t label, uint8_t *chosen)
{
	unsigned taken = 0;
	for (unsigned step = 0; step < choice->count && taken < choice->needed; step++) {
		unsigned position = (step + choice->attempt) % choice->count;
		if (choice->came[position] && choice->labels[position] == label)
			chosen[taken++] = (uint8_t)position;
	}
}

bool choose_contributors(const struct choice *choice, uint8_t *chosen)
{
	unsigned counts[MEMBERS_MAX] = { 0 };
	for (unsigned step = 0; step < choice->count; step++) {
		unsigned position = (step + choice->attempt) % choice->count;
		if (!choice->came[position] && !choice->final)
			return false;
		if (!choice->came[position])
			continue;
		uint16_t label = choice->labels[position];
		if (++counts[label] < choice->needed)
			continue;
		take(choice, label, chosen);
		return true;
	}
	return false;
}
