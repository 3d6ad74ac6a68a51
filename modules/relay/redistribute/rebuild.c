/* SPDX-License-Identifier: Apache-2.0 */
/* At the destination: shares of one sharing, told by their labels, rebuilt robustly; sharings that disagree are an error. */
#include <stdlib.h>
#include <string.h>

#include <qvisio/shamir.h>

#include "redistribute.h"

struct rebuild {
	struct qv_relay_node *node;
	struct qv_relay_report *report;
	uint8_t *keys;
	uint8_t *other; /* what a further sharing gives */
	size_t size;
	unsigned sharings; /* that gave keys */
	bool contradicted, differ;
};

void part_number_labels(const struct qv_relay_node *node, const struct part *part, uint16_t *numbers)
{
	const struct group *group = &node->plan->groups[part->group];
	size_t size = group->parent == NONE ? 0 : node->plan->groups[group->parent].label_size;
	for (unsigned i = 0; i < group_awaits(group); i++) {
		numbers[i] = (uint16_t)i;
		for (unsigned j = 0; j < i && part->came[i]; j++) {
			if (!part->came[j] || memcmp(part->labels + i * size, part->labels + j * size, size) != 0)
				continue;
			numbers[i] = numbers[j];
			break;
		}
	}
}

/* The shares of one label in a part; their number. */
static unsigned collect(const struct qv_relay_node *node, const struct part *part, const uint16_t *numbers,
			unsigned label, const uint8_t **shares, uint8_t *x)
{
	const struct group *group = &node->plan->groups[part->group];
	unsigned count = 0;
	for (unsigned i = 0; i < group_awaits(group); i++) {
		if (!part->came[i] || numbers[i] != label)
			continue;
		x[count] = group->parent == NONE ? 1 : node->plan->groups[group->parent].x[group->contributors[i]];
		shares[count++] = qv_secret_bytes(part->shares) + i * node->bytes;
	}
	return count;
}

static void report_wrong(const struct rebuild *rebuild, const struct group *group, const uint8_t *x, const bool *wrong,
			 unsigned count)
{
	const struct group *parent = &rebuild->node->plan->groups[group->parent];
	for (unsigned i = 0; i < count && rebuild->report; i++)
		for (unsigned j = 0; j < parent->n && wrong[i]; j++)
			if (parent->x[j] == x[i])
				rebuild->report->wrong(rebuild->report, &parent->members[j], 1);
}

static void rebuild_label(struct rebuild *rebuild, const struct part *part, const uint16_t *numbers, unsigned label)
{
	const struct group *group = &rebuild->node->plan->groups[part->group];
	const uint8_t *shares[MEMBERS_MAX];
	uint8_t x[MEMBERS_MAX];
	bool wrong[MEMBERS_MAX];
	struct qv_error err = QV_ERROR_INIT;
	unsigned count = collect(rebuild->node, part, numbers, label, shares, x);
	if (count < group->t)
		return;
	uint8_t *out = rebuild->sharings ? rebuild->other : rebuild->keys;
	int errors = qv_shamir_rebuild_robust(group->t, x, shares, count, rebuild->size, QV_SHAMIR_CORRECT_ALL, out,
					      wrong, &err);
	if (errors < 0) {
		rebuild->contradicted = true;
		return;
	}
	if (errors > 0)
		report_wrong(rebuild, group, x, wrong, count);
	uint8_t difference = 0;
	for (size_t i = 0; i < rebuild->size && rebuild->sharings; i++)
		difference |= rebuild->keys[i] ^ out[i];
	rebuild->differ |= difference != 0;
	rebuild->sharings++;
}

static void rebuild_part(struct rebuild *rebuild, const struct part *part)
{
	uint16_t numbers[MEMBERS_MAX] = { 0 };
	unsigned count = group_awaits(&rebuild->node->plan->groups[part->group]);
	if (!part->shares)
		return;
	part_number_labels(rebuild->node, part, numbers);
	for (unsigned i = 0; i < count; i++)
		if (part->came[i] && numbers[i] == i)
			rebuild_label(rebuild, part, numbers, i);
}

static int judge_outcome(const struct rebuild *rebuild, struct qv_error *err)
{
	if (rebuild->differ)
		return qv_fail(err, QV_E_PROTOCOL,
			       "relay redistribute: sharings over different KMEs give different keys: one was "
			       "altered; another attempt may do without it");
	if (rebuild->sharings)
		return 0;
	if (rebuild->contradicted)
		return qv_fail(err, QV_E_PROTOCOL,
			       "relay redistribute: more shares were altered than can be corrected; another "
			       "attempt may do without them");
	return qv_fail(err, QV_E_NO_KEY, "relay redistribute: too few shares of one sharing have come");
}

int redistribute_rebuild(struct qv_relay_node *node, uint8_t *keys, size_t size, struct qv_relay_report *report,
			 struct qv_error *err)
{
	struct rebuild rebuild = { .node = node, .report = report, .keys = keys, .size = size };
	memset(keys, 0, size);
	if (node->self != node->plan->to || size != node->bytes)
		return qv_fail(err, QV_E_INVALID,
			       "relay redistribute: only the destination rebuilds, and all keys at once");
	if (!node->work)
		node->work = qv_secret_new(size, err);
	if (!node->work)
		return -1;
	rebuild.other = qv_secret_edit(node->work);
	for (size_t i = 0; i < node->part_count; i++)
		rebuild_part(&rebuild, &node->parts[i]);
	if (judge_outcome(&rebuild, err) == 0)
		return 0;
	qv_wipe(keys, size);
	return -1;
}

bool redistribute_possible(const struct qv_relay_node *node)
{
	for (size_t i = 0; i < node->part_count; i++) {
		const struct part *part = &node->parts[i];
		const struct group *group = &node->plan->groups[part->group];
		unsigned counts[MEMBERS_MAX] = { 0 };
		uint16_t numbers[MEMBERS_MAX] = { 0 };
		part_number_labels(node, part, numbers);
		for (unsigned j = 0; j < group_awaits(group); j++)
			if (part->came[j] && ++counts[numbers[j]] >= group->t)
				return true;
	}
	return false;
}
