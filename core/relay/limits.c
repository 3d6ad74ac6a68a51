/* SPDX-License-Identifier: Apache-2.0 */
/* How many KMEs a plan can do without, and how many learn nothing, by trying all sets of 1, of 2… */
#include <qvisio/relay.h>
#include <qvisio/topology.h>

#include <stdlib.h>

struct trial {
	const struct qv_relay_trial *given;
	uint8_t *kmes, *links;
	void *scratch;
	double budget; /* of KMEs looked at */
};

static struct qv_relay_verdict judge(const struct trial *trial)
{
	struct qv_relay_verdict verdict;
	const struct qv_relay_state state = { trial->kmes, trial->links };
	trial->given->judge(trial->given->plan, &state, trial->scratch, &verdict);
	return verdict;
}

/* Marks `left` more KMEs from `start` on in every way; false as soon as one of them does what must not be. */
static bool all_sets_fine(struct trial *trial, size_t start, uint32_t left, uint8_t mark)
{
	if (left == 0) {
		struct qv_relay_verdict verdict = judge(trial);
		return mark == QV_TOPOLOGY_DOWN ? verdict.delivered : !verdict.learned;
	}
	for (size_t i = start; i + left <= trial->given->count; i++) {
		uint32_t kme = trial->given->kmes[i];
		trial->kmes[kme] = mark;
		bool fine = all_sets_fine(trial, i + 1, left - 1, mark);
		trial->kmes[kme] = 0;
		if (!fine)
			return false;
	}
	return true;
}

static uint32_t largest_fine(struct trial *trial, uint8_t mark)
{
	double sets = 1, count = (double)trial->given->count;
	uint32_t size = 0;
	if (count == 0)
		return 0;
	for (;;) {
		sets = sets * (count - size) / (size + 1);
		if (size >= count || sets * count > trial->budget || !all_sets_fine(trial, 0, size + 1, mark))
			return size;
		size++;
	}
}

int qv_relay_try_limits(const struct qv_relay_trial *given, struct qv_relay_facts *facts, struct qv_error *err)
{
	struct trial trial = { .given = given, .budget = 200000 };
	trial.kmes = calloc(qv_topology_kmes(given->topology), 1);
	trial.links = calloc((size_t)qv_topology_links(given->topology) + 1, 1);
	trial.scratch = malloc(facts->scratch + 1);
	int result = 0;
	if (trial.kmes && trial.links && trial.scratch) {
		facts->tolerance = largest_fine(&trial, QV_TOPOLOGY_DOWN);
		facts->privacy = largest_fine(&trial, QV_TOPOLOGY_COMPROMISED);
	} else
		result = qv_fail(err, QV_E_NOMEM, "no memory for a relay plan");
	free(trial.kmes);
	free(trial.links);
	free(trial.scratch);
	return result;
}
