/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis.h"

#include <math.h>
#include <stdlib.h>

#define MAC_KEY_BYTES 32 /* of link keys for the one-time MAC of each message (doc/PROTOCOL.md) */

static void count_cost(struct analysis *analysis, const struct qv_topology *topology, const struct analysis_wish *wish)
{
	double message = (double)wish->batch * wish->key_bytes + MAC_KEY_BYTES;
	double bits = message * 8 / wish->batch;
	bool known = true;
	analysis->rate = INFINITY;
	for (uint32_t l = 0; l < qv_topology_links(topology); l++) {
		double shares = analysis->load[2 * (size_t)l] + analysis->load[2 * (size_t)l + 1];
		uint64_t capacity = qv_topology_link(topology, l)->capacity;
		if (shares <= 0)
			continue;
		analysis->link_bits += shares * bits;
		analysis->busiest = fmax(analysis->busiest, shares * bits);
		known = known && capacity > 0;
		if (capacity > 0 && (double)capacity / (shares * bits) < analysis->rate) {
			analysis->rate = (double)capacity / (shares * bits);
			analysis->bottleneck = l;
		}
	}
	if (!known || isinf(analysis->rate))
		analysis->rate = 0;
}

/* Whether it is true with all that the topology marks. */
static int judge_marks(struct answer *answer, const struct qv_topology *topology, struct qv_error *err)
{
	struct access *access = &answer->access;
	uint64_t *sets = calloc(access->statement.facts + (size_t)1, sizeof *sets);
	if (!sets)
		return qv_fail(err, QV_E_NOMEM, "no memory to judge the marks of a topology");
	int mark = access->kind == ACCESS_LEARNED ? QV_TOPOLOGY_COMPROMISED : QV_TOPOLOGY_DOWN;
	for (uint32_t f = 0; f < access->statement.facts; f++) {
		const struct access_part *part = &access->parts[f];
		uint8_t marks = part->is_link ? qv_topology_link(topology, part->number)->marks
					      : qv_topology_kme(topology, part->number)->marks;
		sets[f] = marks & mark ? UINT64_MAX : 0;
	}
	answer->marked = access->statement.evaluate(&access->statement, sets) & 1;
	free(sets);
	return 0;
}

static int find_chance(struct answer *answer, double p, const struct analysis_wish *wish, struct progress *progress,
		       struct qv_error *err)
{
	const struct statement *statement = &answer->access.statement;
	if (answer->sets.true_sets) {
		answer->exact = true;
		answer->chance.p = answer->chance.low = answer->chance.high = sets_probability(&answer->sets, p);
		return 0;
	}
	double *chances = calloc(statement->facts + (size_t)1, sizeof *chances);
	if (!chances)
		return qv_fail(err, QV_E_NOMEM, "no memory for trials");
	for (uint32_t f = 0; f < statement->facts; f++)
		chances[f] = p;
	int result = trials_run(&answer->chance, statement, chances, wish->trials, wish->seed, progress, err);
	free(chances);
	return result;
}

static int find_answer(struct answer *answer, const struct qv_topology *topology, double p,
		       const struct analysis_wish *wish, struct progress *progress, struct qv_error *err)
{
	if (judge_marks(answer, topology, err) != 0 ||
	    sets_find(&answer->sets, &answer->access.statement, &wish->limits, progress, err) != 0)
		return -1;
	return find_chance(answer, p, wish, progress, err);
}

static int find_answers(struct analysis *analysis, const struct qv_topology *topology, const struct analysis_wish *wish,
			struct progress *progress, struct qv_error *err)
{
	analysis->judged = analysis->class->judge && !wish->cost_only;
	if (!analysis->judged)
		return 0;
	if (access_open(&analysis->learned.access, ACCESS_LEARNED, analysis->class, analysis->plan, topology,
			analysis->from, analysis->to, analysis->load, err) != 0 ||
	    access_open(&analysis->stopped.access, ACCESS_STOPPED, analysis->class, analysis->plan, topology,
			analysis->from, analysis->to, analysis->load, err) != 0)
		return -1;
	if (find_answer(&analysis->learned, topology, wish->compromised, wish, progress, err) != 0)
		return -1;
	return find_answer(&analysis->stopped, topology, wish->broken, wish, progress, err);
}

int analysis_make(struct analysis *analysis, const struct qv_relay_class *class, struct qv_relay *relay,
		  const struct qv_topology *topology, uint32_t from, uint32_t to, const struct analysis_wish *wish,
		  struct progress *progress, struct qv_error *err)
{
	*analysis = (struct analysis){ .from = from, .to = to, .relay = class->head.name, .class = class };
	analysis->plan = class->plan(relay, topology, from, to, &analysis->why);
	if (!analysis->plan)
		return analysis->why.code == QV_E_NOMEM ? qv_fail(err, QV_E_NOMEM, "%s", analysis->why.message) : 0;
	analysis->facts = class->facts(analysis->plan);
	analysis->load = calloc(2 * (size_t)qv_topology_links(topology) + 1, sizeof *analysis->load);
	if (!analysis->load)
		return qv_fail(err, QV_E_NOMEM, "no memory to analyse a relay plan");
	class->load(analysis->plan, analysis->load);
	count_cost(analysis, topology, wish);
	return find_answers(analysis, topology, wish, progress, err);
}

void analysis_clear(struct analysis *analysis)
{
	access_clear(&analysis->learned.access);
	access_clear(&analysis->stopped.access);
	sets_clear(&analysis->learned.sets);
	sets_clear(&analysis->stopped.sets);
	if (analysis->class)
		analysis->class->plan_free(analysis->plan);
	free(analysis->load);
	*analysis = (struct analysis){ 0 };
}
