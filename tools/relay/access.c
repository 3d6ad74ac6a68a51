/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

#include <stdlib.h>
#include <string.h>

static uint64_t access_evaluate(const struct statement *statement, const uint64_t *sets)
{
	const struct access *access = (const struct access *)statement;
	struct qv_relay_verdict verdict;
	for (uint32_t f = 0; f < statement->facts; f++) {
		const struct access_part *part = &access->parts[f];
		struct qv_relay_marks *marks =
			part->is_link ? &access->links[part->number] : &access->kmes[part->number];
		if (access->kind == ACCESS_LEARNED)
			marks->compromised = sets[f];
		else
			marks->down = sets[f];
	}
	struct qv_relay_state state = { .kmes = access->kmes, .links = access->links };
	access->class->judge(access->plan, &state, access->scratch, &verdict);
	return access->kind == ACCESS_LEARNED ? verdict.learned : ~verdict.delivered;
}

static void add_part(struct access *access, bool is_link, uint32_t number)
{
	access->parts[access->statement.facts++] = (struct access_part){ is_link, number };
}

/* KMEs first, in the order of their numbers; then links. */
static void find_parts(struct access *access, const struct qv_topology *topology, uint32_t from, uint32_t to,
		       const double *load)
{
	uint32_t links = qv_topology_links(topology), used = 0;
	for (uint32_t l = 0; l < links; l++) {
		const struct qv_topology_link *link = qv_topology_link(topology, l);
		if (load[2 * (size_t)l] + load[2 * (size_t)l + 1] <= 0)
			continue;
		/* For the time being, any value marks a KME that has a part. */
		access->kmes[link->from].down = access->kmes[link->to].down = 1;
		used++;
	}
	for (uint32_t k = 0; k < qv_topology_kmes(topology); k++) {
		if (access->kmes[k].down && k != from && k != to)
			add_part(access, false, k);
		access->kmes[k].down = 0;
	}
	double effort = access->class->facts(access->plan)->effort;
	access->statement.work = effort > 0 ? effort : used + 1;
	for (uint32_t l = 0; l < links && access->kind == ACCESS_STOPPED; l++)
		if (load[2 * (size_t)l] + load[2 * (size_t)l + 1] > 0)
			add_part(access, true, l);
}

int access_open(struct access *access, enum access_kind kind, const struct qv_relay_class *class,
		const struct qv_relay_plan *plan, const struct qv_topology *topology, uint32_t from, uint32_t to,
		const double *load, struct qv_error *err)
{
	size_t kmes = qv_topology_kmes(topology), links = qv_topology_links(topology);
	*access = (struct access){ .kind = kind, .class = class, .plan = plan };
	access->statement.evaluate = access_evaluate;
	if (!class->judge)
		return qv_fail(err, QV_E_UNSUPPORTED, "the relay module %s does not say who learns what",
			       class->head.name);
	access->kmes = calloc(kmes + 1, sizeof *access->kmes);
	access->links = calloc(links + 1, sizeof *access->links);
	access->parts = calloc(kmes + links + 1, sizeof *access->parts);
	access->scratch = malloc(class->facts(plan)->scratch + 1);
	if (!access->kmes || !access->links || !access->parts || !access->scratch)
		return qv_fail(err, QV_E_NOMEM, "no memory to analyse %zu KMEs and %zu links", kmes, links);
	find_parts(access, topology, from, to, load);
	return 0;
}

void access_clear(struct access *access)
{
	free(access->kmes);
	free(access->links);
	free(access->parts);
	free(access->scratch);
	*access = (struct access){ 0 };
}
