/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redistribute.h"

static int no_memory(struct qv_error *err)
{
	return qv_fail(err, QV_E_NOMEM, "no memory for a relay plan");
}

static int add_first(struct qv_relay_plan *plan, struct qv_error *err)
{
	struct qv_topology_arcs next = qv_route_next(plan->routes, plan->from);
	bool direct = next.arcs[0].kme == plan->to;
	if (next.count > MEMBERS_MAX)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "relay redistribute: KME \"%s\" has %zu next hops, at most %d are possible: set "
			       "max_next",
			       qv_topology_kme(plan->topology, plan->from)->id, next.count, MEMBERS_MAX);
	struct group *group = group_add(plan, direct ? GROUP_GATHER : GROUP_DEAL, NONE, (unsigned)next.count, 1, err);
	if (!group)
		return -1;
	for (unsigned i = 0; i < group->n; i++) {
		group->members[i] = next.arcs[i].kme;
		group->x[i] = (uint8_t)(i + 1);
	}
	return 0;
}

/* Which groups lead to the destination. */
static void find_alive(struct qv_relay_plan *plan)
{
	for (uint32_t i = plan->group_count; i-- > 0;) {
		struct group *group = &plan->groups[i];
		group->alive |= group->kind == GROUP_GATHER;
		if (group->alive && group->parent != NONE)
			plan->groups[group->parent].alive = true;
	}
}

static int grow_groups(const struct qv_relay *relay, struct qv_relay_plan *plan, struct qv_error *err)
{
	plan->groups = calloc(GROUPS_MAX, sizeof *plan->groups);
	if (!plan->groups)
		return no_memory(err);
	if (add_first(plan, err) != 0)
		return -1;
	for (uint32_t i = 0; i < plan->group_count; i++) {
		if (plan->groups[i].kind == GROUP_GATHER)
			continue;
		plan->groups[i].first_child = plan->group_count;
		if (groups_continue(relay, plan, i, err) != 0)
			return -1;
		plan->groups[i].children = plan->group_count - plan->groups[i].first_child;
		if (plan->groups[i].label_size + HEAD_FIXED > LABEL_MAX)
			return qv_fail(err, QV_E_UNSUPPORTED, "relay redistribute: the way is too long or too wide");
	}
	find_alive(plan);
	if (!plan->groups[0].alive)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "relay redistribute: from KME \"%s\" to \"%s\" there comes a place where no %u KMEs "
			       "lead on together: "
			       "use relay module recursive or disjoint",
			       qv_topology_kme(plan->topology, plan->from)->id,
			       qv_topology_kme(plan->topology, plan->to)->id, plan->groups[0].t);
	return 0;
}

static double group_messages(const struct group *group)
{
	if (!group->alive)
		return 0;
	return group->kind == GROUP_FOLD || group->kind == GROUP_GATHER ? (double)group->n * group->contributor_count
									: group->n;
}

static void describe(struct qv_relay_plan *plan)
{
	struct qv_relay_digest digest;
	unsigned alive = 0;
	qv_relay_digest_begin(&digest, "redistribute", plan->topology, plan->from, plan->to);
	for (uint32_t i = 0; i < plan->group_count; i++) {
		const struct group *group = &plan->groups[i];
		qv_relay_digest_number(&digest, group->parent);
		qv_relay_digest_number(&digest, (uint64_t)group->kind << 16 | group->t << 8 | group->n);
		for (unsigned j = 0; j < group->n; j++)
			qv_relay_digest_kme(&digest, plan->topology, group->members[j]);
		for (unsigned j = 0; j < group->contributor_count; j++)
			qv_relay_digest_number(&digest, group->contributors[j]);
		plan->facts.messages += group_messages(group);
		if (group_awaits(group) > plan->facts.slots)
			plan->facts.slots = group_awaits(group);
		alive += group->alive && group->kind != GROUP_GATHER;
	}
	qv_relay_digest_end(&digest, plan->facts.digest);
	plan->facts.hops = qv_route_distance(plan->routes, plan->from);
	snprintf(plan->facts.text, sizeof plan->facts.text,
		 "%u groups of KMEs over %u hops hand the sharing on, folding it anew each time: %.0f messages; at "
		 "least %u KMEs, "
		 "whichever, may be lost, and at least %u may be compromised and learn nothing",
		 alive, plan->facts.hops, plan->facts.messages, plan->facts.tolerance, plan->facts.privacy);
}

static int try_limits(struct qv_relay_plan *plan, struct qv_error *err)
{
	struct qv_relay_trial trial = { .plan = plan, .judge = redistribute_judge, .topology = plan->topology };
	uint32_t *kmes = calloc(plan->places + 1, sizeof *kmes);
	uint8_t *listed = calloc(qv_topology_kmes(plan->topology), 1);
	int result = kmes && listed ? 0 : no_memory(err);
	for (uint32_t i = 0; i < plan->group_count && result == 0; i++)
		for (unsigned j = 0; j < plan->groups[i].n && plan->groups[i].kind != GROUP_GATHER; j++) {
			uint32_t kme = plan->groups[i].members[j];
			if (plan->groups[i].alive && !listed[kme])
				kmes[trial.count++] = kme;
			listed[kme] |= plan->groups[i].alive;
		}
	trial.kmes = kmes;
	plan->facts.scratch = redistribute_scratch(plan);
	plan->facts.effort = redistribute_effort(plan);
	if (result == 0)
		result = qv_relay_try_limits(&trial, &plan->facts, err);
	free(kmes);
	free(listed);
	return result;
}

struct qv_relay_plan *redistribute_plan(struct qv_relay *relay, const struct qv_topology *topology, uint32_t from,
					uint32_t to, struct qv_error *err)
{
	struct qv_relay_plan *plan = calloc(1, sizeof *plan);
	if (!plan) {
		no_memory(err);
		return NULL;
	}
	plan->topology = topology;
	plan->from = from;
	plan->to = to;
	plan->routes = qv_route_plan_new(topology, from, to, &relay->routes, err);
	if (plan->routes && grow_groups(relay, plan, err) == 0 && try_limits(plan, err) == 0) {
		describe(plan);
		return plan;
	}
	redistribute_plan_free(plan);
	return NULL;
}

void redistribute_plan_free(struct qv_relay_plan *plan)
{
	if (!plan)
		return;
	for (uint32_t i = 0; i < plan->group_count; i++) {
		free(plan->groups[i].members);
		free(plan->groups[i].x);
		free(plan->groups[i].contributors);
	}
	free(plan->groups);
	qv_route_plan_free(plan->routes);
	free(plan);
}

void redistribute_load(const struct qv_relay_plan *plan, double *messages)
{
	memset(messages, 0, 2 * (size_t)qv_topology_links(plan->topology) * sizeof *messages);
	for (uint32_t i = 0; i < plan->group_count; i++) {
		const struct group *group = &plan->groups[i];
		for (unsigned j = 0; j < group->n && group->alive; j++)
			for (unsigned k = 0; k < group_awaits(group); k++) {
				uint32_t start = group_contributor(plan, group, j, k);
				uint32_t link = qv_topology_find_link(plan->topology, start, group->members[j]);
				bool backward = qv_topology_link(plan->topology, link)->from != start;
				messages[2 * (size_t)link + backward]++;
			}
	}
}
