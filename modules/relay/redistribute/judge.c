/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a session: first who holds a share of which sharing, as the nodes would choose; then, from the
 * destination back, which shares the adversary can compute. One state at a time, since choices differ.
 */
#include <string.h>

#include "redistribute.h"

/* A member of a group. */
struct holder {
	bool holds, known;
	uint16_t label; /* the place of the first member of its group whose share is of the same sharing */
	uint8_t set[SET_BYTES];
};

struct judgement {
	const struct qv_relay_plan *plan;
	const struct qv_relay_state *state;
	uint64_t lane;
	struct holder *holders;
};

size_t redistribute_scratch(const struct qv_relay_plan *plan)
{
	return (plan->places + 1) * sizeof(struct holder);
}

double redistribute_effort(const struct qv_relay_plan *plan)
{
	double effort = 1;
	for (uint32_t i = 0; i < plan->group_count; i++)
		if (plan->groups[i].alive)
			effort += (double)plan->groups[i].n * plan->groups[i].contributor_count;
	/* 64 states one after the other; each contribution is looked at from both sides, its link looked up. */
	return 64 * 8 * effort;
}

static struct holder *holder_of(const struct judgement *judgement, const struct group *group, unsigned member)
{
	return &judgement->holders[group->first_place + member];
}

static bool is_end(const struct judgement *judgement, uint32_t kme)
{
	return kme == judgement->plan->from || kme == judgement->plan->to;
}

static bool is_compromised(const struct judgement *judgement, uint32_t kme)
{
	return !is_end(judgement, kme) && judgement->state->kmes[kme].compromised & judgement->lane;
}

/* Whether the contribution of `position` reaches a member; then also whether the adversary reads it on the link. */
static bool reaches(const struct judgement *judgement, const struct group *group, unsigned member, unsigned position,
		    bool *read)
{
	const struct qv_relay_plan *plan = judgement->plan;
	uint32_t start = group_contributor(plan, group, member, position), kme = group->members[member];
	const struct qv_relay_marks *link = &judgement->state->links[qv_topology_find_link(plan->topology, start, kme)];
	unsigned place = group->contributors[group->kind == GROUP_CARRY ? member : position];
	if (group->parent != NONE && !holder_of(judgement, &plan->groups[group->parent], place)->holds)
		return false;
	if (link->down & judgement->lane ||
	    (!is_end(judgement, kme) && judgement->state->kmes[kme].down & judgement->lane))
		return false;
	*read = link->compromised & judgement->lane;
	return true;
}

/* What is equal in all members of one sharing: the label of the contributors and who was chosen. */
static void set_label(const struct judgement *judgement, const struct group *group, unsigned member)
{
	struct holder *own = holder_of(judgement, group, member);
	own->label = (uint16_t)member;
	for (unsigned i = 0; i < member; i++) {
		const struct holder *other = holder_of(judgement, group, i);
		if (!other->holds || memcmp(other->set, own->set, sizeof own->set) != 0)
			continue;
		own->label = other->label;
		return;
	}
}

static uint16_t parent_label(const struct judgement *judgement, const struct group *group, unsigned place)
{
	return holder_of(judgement, &judgement->plan->groups[group->parent], place)->label;
}

/* Labels of the parent are told apart by the chosen positions together with the label they have: sets of one label only
 * are chosen, and one position has one label, so the positions alone tell. */
static void fold(const struct judgement *judgement, const struct group *group, unsigned member)
{
	struct holder *own = holder_of(judgement, group, member);
	bool came[MEMBERS_MAX], read;
	uint16_t labels[MEMBERS_MAX];
	uint8_t chosen[MEMBERS_MAX];
	for (unsigned i = 0; i < group->contributor_count; i++) {
		came[i] = reaches(judgement, group, member, i, &read);
		labels[i] = came[i] ? parent_label(judgement, group, group->contributors[i]) : 0;
	}
	struct choice choice = { .count = group->contributor_count,
				 .needed = judgement->plan->groups[group->parent].t,
				 .final = true,
				 .came = came,
				 .labels = labels };
	own->holds = choose_contributors(&choice, chosen);
	for (unsigned i = 0; i < choice.needed && own->holds; i++)
		own->set[chosen[i] / 8] |= (uint8_t)(1u << chosen[i] % 8);
}

static void spread(const struct judgement *judgement, const struct group *group)
{
	bool read;
	for (unsigned i = 0; i < group->n; i++) {
		struct holder *own = holder_of(judgement, group, i);
		memset(own, 0, sizeof *own);
		if (group->kind == GROUP_FOLD)
			fold(judgement, group, i);
		else
			own->holds = reaches(judgement, group, i, 0, &read);
		if (own->holds && group->kind == GROUP_CARRY) {
			uint16_t label = parent_label(judgement, group, group->contributors[i]);
			memcpy(own->set, &label, sizeof label);
		}
		if (own->holds)
			set_label(judgement, group, i);
	}
}

static bool gathers(const struct judgement *judgement, const struct group *group)
{
	unsigned counts[MEMBERS_MAX] = { 0 };
	bool read;
	if (group->parent == NONE)
		return reaches(judgement, group, 0, 0, &read);
	for (unsigned i = 0; i < group->contributor_count; i++)
		if (reaches(judgement, group, 0, i, &read) &&
		    ++counts[parent_label(judgement, group, group->contributors[i])] >= group->t)
			return true;
	return false;
}

/* Whether the adversary can compute the share of the member at `place` of the parent from what it sent to a group. */
static bool told_by_child(const struct judgement *judgement, const struct group *child, unsigned place)
{
	unsigned seen = 0;
	bool read = false;
	for (unsigned position = 0; position < child->contributor_count; position++) {
		if (child->contributors[position] != place)
			continue;
		if (child->kind == GROUP_CARRY)
			return reaches(judgement, child, position, 0, &read) &&
			       (read || holder_of(judgement, child, position)->known);
		if (child->kind == GROUP_GATHER)
			return reaches(judgement, child, 0, position, &read) && read;
		for (unsigned member = 0; member < child->n; member++)
			seen += reaches(judgement, child, member, position, &read) &&
				(read || is_compromised(judgement, child->members[member]));
		return seen >= child->t;
	}
	return false;
}

/* Whether everything that the share of a member was made of was read on the links. */
static bool told_by_links(const struct judgement *judgement, const struct group *group, unsigned member)
{
	const struct holder *own = holder_of(judgement, group, member);
	bool read = false;
	if (group->kind != GROUP_FOLD)
		return reaches(judgement, group, member, 0, &read) && read;
	for (unsigned i = 0; i < group->contributor_count; i++) {
		bool chosen = own->set[i / 8] >> i % 8 & 1;
		if (chosen && !is_compromised(judgement, group_contributor(judgement->plan, group, member, i)) &&
		    !(reaches(judgement, group, member, i, &read) && read))
			return false;
	}
	return true;
}

static bool learns(const struct judgement *judgement, const struct group *group)
{
	unsigned counts[MEMBERS_MAX] = { 0 };
	bool learned = false;
	for (unsigned i = 0; i < group->n; i++) {
		struct holder *own = holder_of(judgement, group, i);
		if (!own->holds)
			continue;
		own->known = is_compromised(judgement, group->members[i]) || told_by_links(judgement, group, i);
		for (uint32_t j = 0; j < group->children && !own->known; j++) {
			const struct group *child = &judgement->plan->groups[group->first_child + j];
			own->known = child->alive && told_by_child(judgement, child, i);
		}
		learned |= own->known && ++counts[own->label] >= group->t;
	}
	return learned;
}

void redistribute_judge(const struct qv_relay_plan *plan, const struct qv_relay_state *state, void *scratch,
			struct qv_relay_verdict *verdict)
{
	*verdict = (struct qv_relay_verdict){ .delivered = 0 };
	for (uint64_t lane = 1; lane; lane <<= 1) {
		const struct judgement judgement = { plan, state, lane, scratch };
		for (uint32_t i = 0; i < plan->group_count; i++) {
			const struct group *group = &plan->groups[i];
			if (group->alive && group->kind != GROUP_GATHER)
				spread(&judgement, group);
			else if (group->alive && gathers(&judgement, group))
				verdict->delivered |= lane;
		}
		for (uint32_t i = plan->group_count; i-- > 0;) {
			const struct group *group = &plan->groups[i];
			bool read = false;
			if (group->alive && group->kind != GROUP_GATHER && learns(&judgement, group))
				verdict->learned |= lane;
			if (group->alive && group->parent == NONE && group->kind == GROUP_GATHER &&
			    reaches(&judgement, group, 0, 0, &read) && read)
				verdict->learned |= lane;
		}
	}
}
