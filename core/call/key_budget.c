/* SPDX-License-Identifier: Apache-2.0 */
#include "key_budget.h"

#include <string.h>

#define SPAN_LEAST_S 9.0   /* a shorter look says little: KMEs get keys by the block */
#define FALL_LEAST   0.01  /* of the need: less is taken for none */
#define LASTING_S    86400 /* whatever lasts longer, lasts */
#define STOCK_SHARE  2     /* times all that came otherwise: so much in one interval is stock that comes in */

void key_budget_note(struct key_budget *budget, const struct key_level *level)
{
	if (budget->count == KEY_BUDGET_LEVELS)
		memmove(budget->level, budget->level + 1, --budget->count * sizeof budget->level[0]);
	budget->level[budget->count++] = *level;
}

/* Between two levels. */
struct change {
	double seconds, came, fell;
};

static struct change change_between(const struct key_level *before, const struct key_level *after)
{
	return (struct change){
		.seconds = (double)(after->at_ns - before->at_ns) / 1e9,
		.came = after->stored - before->stored + after->drawn - before->drawn,
		.fell = before->stored - after->stored + before->hand - after->hand,
	};
}

/* Of all intervals, but for one in which stock came in. */
static bool change_of(const struct key_budget *budget, struct change *all)
{
	struct change most = { 0 };
	double came = 0;
	*all = (struct change){ 0 };
	for (size_t i = 1; i < budget->count; i++) {
		struct change one = change_between(&budget->level[i - 1], &budget->level[i]);
		all->seconds += one.seconds;
		all->came += one.came;
		all->fell += one.fell;
		came += one.came > 0 ? one.came : 0;
		if (one.came > most.came)
			most = one;
	}
	if (all->seconds < SPAN_LEAST_S)
		return false;
	if (budget->count > 2 && most.came > STOCK_SHARE * (came - most.came)) {
		all->seconds -= most.seconds;
		all->came -= most.came;
		all->fell -= most.fell;
	}
	return all->seconds > 0;
}

bool key_budget_rate(const struct key_budget *budget, double *rate)
{
	struct change all;
	if (!change_of(budget, &all))
		return false;
	*rate = all.came / all.seconds;
	return true;
}

bool key_budget_least_rate(const struct key_budget *budget, double *rate)
{
	for (size_t i = 1; i < budget->count; i++) {
		struct change one = change_between(&budget->level[i - 1], &budget->level[i]);
		double its = one.seconds > 0 ? one.came / one.seconds : 0;
		*rate = i == 1 || its < *rate ? its : *rate;
	}
	return budget->count > 1;
}

double key_budget_lasts(const struct key_budget *budget, double need)
{
	struct change all;
	if (!change_of(budget, &all) || all.fell <= need * FALL_LEAST * all.seconds)
		return -1;
	const struct key_level *newest = &budget->level[budget->count - 1];
	double seconds = (newest->stored + newest->hand) / (all.fell / all.seconds);
	return seconds < LASTING_S ? seconds : -1;
}
