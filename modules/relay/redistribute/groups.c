/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a group hands its sharing on to. All who fold have to get sub-shares from the same t contributors, so the new
 * members are KMEs that t members of the group all have links to.
 */
#include <stdlib.h>
#include <string.h>

#include "redistribute.h"

#define SUBSETS_MAX    2000 /* of members looked at */
#define CANDIDATES_MAX 256

static int no_memory(struct qv_error *err)
{
	return qv_fail(err, QV_E_NOMEM, "no memory for a relay plan");
}

struct group *group_add(struct qv_relay_plan *plan, enum group_kind kind, uint32_t parent, unsigned n,
			unsigned contributors, struct qv_error *err)
{
	if (plan->group_count == GROUPS_MAX) {
		qv_fail(err, QV_E_UNSUPPORTED, "relay redistribute: more than %d groups on the way", GROUPS_MAX);
		return NULL;
	}
	struct group *group = &plan->groups[plan->group_count];
	*group = (struct group){ .kind = kind, .parent = parent, .n = n, .t = n / 2 + 1 };
	group->contributor_count = contributors;
	group->members = calloc(n + 1, sizeof *group->members);
	group->x = calloc(n + 1, 1);
	group->contributors = calloc(contributors + 1, 1);
	group->first_place = plan->places;
	plan->group_count++;
	plan->places += n;
	if (group->members && group->x && group->contributors)
		return group;
	no_memory(err);
	return NULL;
}

uint32_t group_contributor(const struct qv_relay_plan *plan, const struct group *group, unsigned member,
			   unsigned position)
{
	if (group->parent == NONE)
		return plan->from;
	const struct group *parent = &plan->groups[group->parent];
	return parent->members[group->contributors[group->kind == GROUP_CARRY ? member : position]];
}

unsigned group_awaits(const struct group *group)
{
	return group->kind == GROUP_DEAL || group->kind == GROUP_CARRY ? 1 : group->contributor_count;
}

int group_place(const struct group *group, uint32_t kme)
{
	for (unsigned i = 0; i < group->n; i++)
		if (group->members[i] == kme)
			return (int)i;
	return -1;
}

/* A set of KMEs that at least t members of the group all lead to, with these members. */
struct candidate {
	unsigned count, contributor_count;
	uint32_t *kmes;
	uint8_t contributors[MEMBERS_MAX];
};

struct search {
	const struct qv_relay_plan *plan;
	const struct group *group;
	struct candidate found[CANDIDATES_MAX];
	unsigned count;
	unsigned subsets;
	bool failed; /* no memory */
};

static bool leads_to(const struct qv_relay_plan *plan, uint32_t kme, uint32_t next)
{
	struct qv_topology_arcs arcs = qv_route_next(plan->routes, kme);
	size_t low = 0, high = arcs.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (arcs.arcs[middle].kme == next)
			return true;
		if (arcs.arcs[middle].kme < next)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool leads_to_all(const struct qv_relay_plan *plan, uint32_t kme, const struct candidate *candidate)
{
	for (unsigned i = 0; i < candidate->count; i++)
		if (!leads_to(plan, kme, candidate->kmes[i]))
			return false;
	return true;
}

static bool known(const struct search *search, const struct candidate *candidate)
{
	for (unsigned i = 0; i < search->count; i++)
		if (search->found[i].count == candidate->count &&
		    memcmp(search->found[i].kmes, candidate->kmes, candidate->count * sizeof *candidate->kmes) == 0)
			return true;
	return false;
}

/* What all of these members lead to becomes a candidate, with every member that leads to all of it. */
static void consider(struct search *search, const uint8_t *places, unsigned count)
{
	const struct group *group = search->group;
	struct candidate candidate = { .count = 0 };
	struct qv_topology_arcs first = qv_route_next(search->plan->routes, group->members[places[0]]);
	candidate.kmes = calloc(first.count + 1, sizeof *candidate.kmes);
	search->failed |= !candidate.kmes;
	for (size_t i = 0; i < first.count && candidate.kmes && candidate.count < MEMBERS_MAX; i++) {
		bool common = true;
		for (unsigned j = 1; j < count && common; j++)
			common = leads_to(search->plan, group->members[places[j]], first.arcs[i].kme);
		if (common)
			candidate.kmes[candidate.count++] = first.arcs[i].kme;
	}
	if (candidate.count == 0 || search->count == CANDIDATES_MAX || known(search, &candidate)) {
		free(candidate.kmes);
		return;
	}
	for (unsigned i = 0; i < group->n; i++)
		if (leads_to_all(search->plan, group->members[i], &candidate))
			candidate.contributors[candidate.contributor_count++] = (uint8_t)i;
	search->found[search->count++] = candidate;
}

/* Every set of t members, in order, as long as there are not too many. */
static void try_subsets(struct search *search, uint8_t *places, unsigned chosen, unsigned start)
{
	unsigned t = search->group->t;
	if (search->subsets >= SUBSETS_MAX || search->failed)
		return;
	if (chosen == t) {
		search->subsets++;
		consider(search, places, t);
		return;
	}
	for (unsigned i = start; i + (t - chosen) <= search->group->n; i++) {
		places[chosen] = (uint8_t)i;
		try_subsets(search, places, chosen + 1, i + 1);
	}
}

static int larger_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (x->contributor_count != y->contributor_count)
		return x->contributor_count > y->contributor_count ? -1 : 1;
	for (unsigned i = 0; i < x->count; i++)
		if (x->kmes[i] != y->kmes[i])
			return x->kmes[i] < y->kmes[i] ? -1 : 1;
	return 0;
}

static int add_fold(struct qv_relay_plan *plan, uint32_t parent, const struct candidate *candidate,
		    struct qv_error *err)
{
	struct group *group = group_add(plan, GROUP_FOLD, parent, candidate->count, candidate->contributor_count, err);
	if (!group)
		return -1;
	memcpy(group->members, candidate->kmes, candidate->count * sizeof *candidate->kmes);
	memcpy(group->contributors, candidate->contributors, candidate->contributor_count);
	for (unsigned i = 0; i < group->n; i++)
		group->x[i] = (uint8_t)(i + 1);
	group->label_size = plan->groups[parent].label_size + (group->contributor_count + 7) / 8;
	return 0;
}

/* A KME that the member can hand its share to, by augmenting paths (Kuhn); `takers` of each KME met so far. */
struct matching {
	const struct qv_relay_plan *plan;
	const struct group *group;
	uint32_t *kmes; /* met so far */
	int *givers;    /* the member that gives to each, or -1 */
	bool *visited;
	unsigned count;
};

static bool match(struct matching *matching, unsigned member)
{
	struct qv_topology_arcs next = qv_route_next(matching->plan->routes, matching->group->members[member]);
	for (size_t i = 0; i < next.count; i++) {
		unsigned at = 0;
		while (at < matching->count && matching->kmes[at] != next.arcs[i].kme)
			at++;
		if (at == matching->count) {
			matching->kmes[matching->count++] = next.arcs[i].kme;
			matching->givers[at] = -1;
			matching->visited[at] = false;
		}
		if (matching->visited[at])
			continue;
		matching->visited[at] = true;
		if (matching->givers[at] < 0 || match(matching, (unsigned)matching->givers[at])) {
			matching->givers[at] = (int)member;
			return true;
		}
	}
	return false;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* `pairs`: KME and member in one number each, in the order of KMEs. */
static int fill_carry(struct qv_relay_plan *plan, uint32_t parent, const uint64_t *pairs, unsigned count,
		      struct qv_error *err)
{
	struct group *group = group_add(plan, GROUP_CARRY, parent, count, count, err);
	if (!group)
		return -1;
	const struct group *before = &plan->groups[parent];
	group->t = before->t;
	group->label_size = before->label_size;
	for (unsigned i = 0; i < count; i++) {
		group->members[i] = (uint32_t)(pairs[i] >> 8);
		group->contributors[i] = (uint8_t)pairs[i];
		group->x[i] = before->x[group->contributors[i]];
	}
	return 0;
}

/* Hands shares on as they are, to different KMEs. 1: done, 0: too few of them, -1. */
static int add_carry(struct qv_relay_plan *plan, uint32_t parent, struct qv_error *err)
{
	const struct group *group = &plan->groups[parent];
	size_t room = 1;
	for (unsigned i = 0; i < group->n; i++)
		room += qv_route_next(plan->routes, group->members[i]).count;
	struct matching matching = { .plan = plan, .group = group };
	matching.kmes = calloc(room, sizeof *matching.kmes);
	matching.givers = calloc(room, sizeof *matching.givers);
	matching.visited = calloc(room, sizeof *matching.visited);
	uint64_t *pairs = calloc(room, sizeof *pairs);
	unsigned count = 0;
	int result = -1;
	if (matching.kmes && matching.givers && matching.visited && pairs) {
		for (unsigned i = 0; i < group->n; i++) {
			memset(matching.visited, 0, room * sizeof *matching.visited);
			match(&matching, i);
		}
		for (unsigned i = 0; i < matching.count; i++)
			if (matching.givers[i] >= 0)
				pairs[count++] = (uint64_t)matching.kmes[i] << 8 | (uint64_t)matching.givers[i];
		qsort(pairs, count, sizeof *pairs, by_number);
		result = count < group->t ? 0 : fill_carry(plan, parent, pairs, count, err) == 0 ? 1 : -1;
	} else
		no_memory(err);
	free(matching.kmes);
	free(matching.givers);
	free(matching.visited);
	free(pairs);
	return result;
}

static int add_gather(struct qv_relay_plan *plan, uint32_t parent, struct qv_error *err)
{
	unsigned n = plan->groups[parent].n;
	struct group *group = group_add(plan, GROUP_GATHER, parent, 1, n, err);
	if (!group)
		return -1;
	group->members[0] = plan->to;
	group->t = plan->groups[parent].t;
	group->label_size = plan->groups[parent].label_size;
	for (unsigned i = 0; i < n; i++)
		group->contributors[i] = (uint8_t)i;
	return 0;
}

/*
 * The largest candidate, and others of the same threshold beside it: each is a sharing of its own, so smaller ones would
 * need fewer compromised KMEs. One KME alone takes over only where the network has no other way.
 */
static int add_candidates(const struct qv_relay *relay, struct qv_relay_plan *plan, uint32_t parent,
			  const struct search *search, struct qv_error *err)
{
	const struct candidate *found = search->found;
	if (search->count == 0 || found[0].count == 1) {
		int carried = add_carry(plan, parent, err);
		if (carried != 0 || search->count == 0)
			return carried < 0 ? -1 : 0;
	}
	uint32_t added = 0;
	for (unsigned i = 0; i < search->count && added < relay->alternatives; i++) {
		if (found[i].count / 2 != found[0].count / 2 || (added && plan->group_count >= GROUPS_SPARE))
			break;
		if (add_fold(plan, parent, &found[i], err) != 0)
			return -1;
		added++;
	}
	return 0;
}

int groups_continue(const struct qv_relay *relay, struct qv_relay_plan *plan, uint32_t parent, struct qv_error *err)
{
	uint8_t places[MEMBERS_MAX] = { 0 };
	if (qv_route_distance(plan->routes, plan->groups[parent].members[0]) == 1)
		return add_gather(plan, parent, err);
	struct search *search = calloc(1, sizeof *search);
	if (!search)
		return no_memory(err);
	search->plan = plan;
	search->group = &plan->groups[parent];
	for (unsigned i = 0; i < search->group->n; i++)
		places[i] = (uint8_t)i;
	consider(search, places, search->group->n);
	/* When all lead to the same KMEs there is nothing else to find. */
	bool alike = search->count == 1;
	for (unsigned i = 0; i < search->group->n && alike; i++)
		alike = qv_route_next(plan->routes, search->group->members[i]).count == search->found[0].count;
	if (!alike)
		try_subsets(search, places, 0, 0);
	qsort(search->found, search->count, sizeof search->found[0], larger_first);
	int result = search->failed ? no_memory(err) : add_candidates(relay, plan, parent, search, err);
	for (unsigned i = 0; i < search->count; i++)
		free(search->found[i].kmes);
	free(search);
	return result;
}
