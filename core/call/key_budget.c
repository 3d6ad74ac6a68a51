/* SPDX-License-Identifier: Apache-2.0 */
#include "key_budget.h"

#include <string.h>

#define SPAN_LEAST_S 9.0   /* a shorter look says little: KMEs get keys by the block */
#define FALL_LEAST   0.01  /* of the need: less is taken for none */
#define LASTING_S    86400 /* whatever lasts longer, lasts */

void key_budget_note(struct key_budget *budget, int64_t at_ns, double bytes)
{
	if (budget->count == KEY_BUDGET_LEVELS)
		memmove(budget->level, budget->level + 1, --budget->count * sizeof budget->level[0]);
	budget->level[budget->count++] = (struct key_level){ at_ns, bytes };
}

bool key_budget_fall(const struct key_budget *budget, double *fall)
{
	if (budget->count < 2)
		return false;
	const struct key_level *first = &budget->level[0], *last = &budget->level[budget->count - 1];
	double seconds = (double)(last->at_ns - first->at_ns) / 1e9;
	if (seconds < SPAN_LEAST_S)
		return false;
	*fall = (first->bytes - last->bytes) / seconds;
	return true;
}

double key_budget_lasts(const struct key_budget *budget, double need)
{
	double fall;
	if (!key_budget_fall(budget, &fall) || fall <= need * FALL_LEAST)
		return -1;
	double seconds = budget->level[budget->count - 1].bytes / fall;
	return seconds < LASTING_S ? seconds : -1;
}
