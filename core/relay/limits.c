/* SPDX-License-Identifier: Apache-2.0 */
/* How many KMEs a plan can do without, and how many learn nothing, by trying all sets of 1, of 2… */
#include <qvisio/relay.h>
#include <qvisio/topology.h>

#include <stdlib.h>
#include <string.h>

#define BUDGET 1e6 /* links looked at, so that a plan is made in milliseconds */

struct trial {
	const struct qv_relay_trial *given;
	struct qv_relay_marks *kmes, *links;
	void *scratch;
	double effort;  /* of judging 64 sets */
	bool down;      /* mark them down, else compromised */
	unsigned lanes; /* sets marked since the last judgement, one in each bit */
	uint32_t *chosen;
};

/* Judges the sets marked so far, all at once, and unmarks them; false if one of them does what must not be. */
static bool judge(struct trial *trial)
{
	struct qv_relay_verdict verdict;
	const struct qv_relay_state state = { trial->kmes, trial->links };
	uint64_t judged = trial->lanes == 64 ? UINT64_MAX : (UINT64_C(1) << trial->lanes) - 1;
	trial->given->judge(trial->given->plan, &state, trial->scratch, &verdict);
	for (size_t i = 0; i < trial->given->count; i++)
		trial->kmes[trial->given->kmes[i]] = (struct qv_relay_marks){ .down = 0 };
	trial->lanes = 0;
	return ((trial->down ? ~verdict.delivered : verdict.learned) & judged) == 0;
}

static bool mark(struct trial *trial, size_t size)
{
	uint64_t lane = UINT64_C(1) << trial->lanes++;
	for (size_t i = 0; i < size; i++) {
		struct qv_relay_marks *marks = &trial->kmes[trial->chosen[i]];
		*(trial->down ? &marks->down : &marks->compromised) |= lane;
	}
	return trial->lanes < 64 || judge(trial);
}

/* Chooses KMEs `chosen` up to `size` from `start` on in every way. */
static bool all_sets_fine(struct trial *trial, size_t start, size_t chosen, size_t size)
{
	if (chosen == size)
		return mark(trial, size);
	for (size_t i = start; i + (size - chosen) <= trial->given->count; i++) {
		trial->chosen[chosen] = trial->given->kmes[i];
		if (!all_sets_fine(trial, i + 1, chosen + 1, size))
			return false;
	}
	return true;
}

static uint32_t largest_fine(struct trial *trial, bool down)
{
	double sets = 1, count = (double)trial->given->count;
	uint32_t size = 0;
	trial->down = down;
	for (;;) {
		sets = sets * (count - size) / (size + 1);
		if (size >= count || (sets / 64 + 1) * trial->effort > BUDGET ||
		    !all_sets_fine(trial, 0, 0, size + 1) || !judge(trial))
			break;
		size++;
	}
	trial->lanes = 0;
	return size;
}

int qv_relay_try_limits(const struct qv_relay_trial *given, struct qv_relay_facts *facts, struct qv_error *err)
{
	struct trial trial = { .given = given, .effort = facts->effort > 0 ? facts->effort : (double)given->count };
	trial.kmes = calloc(qv_topology_kmes(given->topology), sizeof *trial.kmes);
	trial.links = calloc((size_t)qv_topology_links(given->topology) + 1, sizeof *trial.links);
	trial.chosen = calloc(given->count + 1, sizeof *trial.chosen);
	trial.scratch = malloc(facts->scratch + 1);
	int result = 0;
	if (trial.kmes && trial.links && trial.scratch && trial.chosen) {
		facts->tolerance = largest_fine(&trial, true);
		memset(trial.kmes, 0, qv_topology_kmes(given->topology) * sizeof *trial.kmes);
		facts->privacy = largest_fine(&trial, false);
	} else
		result = qv_fail(err, QV_E_NOMEM, "no memory for a relay plan");
	free(trial.kmes);
	free(trial.links);
	free(trial.chosen);
	free(trial.scratch);
	return result;
}
