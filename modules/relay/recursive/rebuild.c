/* SPDX-License-Identifier: Apache-2.0 */
/* Rebuilding at the destination: the splittings undone from the last to the first, each as far as its shares allow. */
#include <stdlib.h>
#include <string.h>

#include <qvisio/shamir.h>

#include "recursive.h"

#define WORK_MAX (512u * 1024)

struct rebuild {
	struct qv_relay_node *node;
	struct qv_relay_report *report;
	size_t offset, size; /* of the bytes at work: large sessions are rebuilt a part at a time */
	uint32_t *lineage;   /* KMEs from the first after the origin on */
	size_t length;
	bool contradicted;
};

static void report_wrong(struct rebuild *rebuild, uint32_t next)
{
	if (!rebuild->report)
		return;
	rebuild->lineage[rebuild->length] = next;
	rebuild->report->wrong(rebuild->report, rebuild->lineage, rebuild->length + 1);
}

static const uint8_t *value_at(struct rebuild *rebuild, uint32_t kme, uint32_t lineage, unsigned level, uint8_t *out);

/* What was split at a KME, into `out`; NULL if too few parts of it came or they contradict each other. */
static const uint8_t *join(struct rebuild *rebuild, uint32_t kme, uint32_t lineage, unsigned level, uint8_t *out)
{
	const struct qv_relay_plan *plan = rebuild->node->plan;
	struct qv_topology_arcs next = qv_route_next(plan->routes, kme);
	const uint32_t *bases = plan->bases + plan->starts[kme];
	uint8_t *work = qv_secret_edit(rebuild->node->work) + (size_t)level * plan->widest * rebuild->size;
	const uint8_t *shares[NEXT_MAX];
	uint8_t x[NEXT_MAX];
	bool wrong[NEXT_MAX];
	unsigned count = 0;
	for (size_t i = 0; i < next.count; i++) {
		rebuild->lineage[rebuild->length++] = next.arcs[i].kme;
		shares[count] =
			value_at(rebuild, next.arcs[i].kme, bases[i] + lineage, level + 1, work + i * rebuild->size);
		rebuild->length--;
		x[count] = (uint8_t)(i + 1);
		count += shares[count] != NULL;
	}
	if (count < threshold(next.count))
		return NULL;
	struct qv_error err = QV_ERROR_INIT;
	int errors = qv_shamir_rebuild_robust(threshold(next.count), x, shares, count, rebuild->size,
					      QV_SHAMIR_CORRECT_ALL, out, wrong, &err);
	rebuild->contradicted |= errors < 0;
	for (unsigned i = 0; i < count && errors > 0; i++)
		if (wrong[i])
			report_wrong(rebuild, next.arcs[x[i] - 1].kme);
	return errors < 0 ? NULL : out;
}

/* The share that a KME was sent in this lineage; it lies in a slot or in `out`. */
static const uint8_t *value_at(struct rebuild *rebuild, uint32_t kme, uint32_t lineage, unsigned level, uint8_t *out)
{
	const struct qv_relay_plan *plan = rebuild->node->plan;
	size_t length = rebuild->length;
	while (kme != rebuild->node->self) {
		struct qv_topology_arcs next = qv_route_next(plan->routes, kme);
		if (next.count > 1) {
			const uint8_t *value = join(rebuild, kme, lineage, level, out);
			rebuild->length = length;
			return value;
		}
		lineage += plan->bases[plan->starts[kme]];
		kme = next.arcs[0].kme;
		rebuild->lineage[rebuild->length++] = kme;
	}
	rebuild->length = length;
	return node_seen(rebuild->node, lineage) ? node_slot(rebuild->node, lineage) + rebuild->offset : NULL;
}

static int rebuild_part(struct rebuild *rebuild, uint8_t *keys, struct qv_error *err)
{
	uint8_t *out = keys + rebuild->offset;
	const uint8_t *value = value_at(rebuild, qv_route_from(rebuild->node->plan->routes), 0, 0, out);
	if (value && value != out)
		memcpy(out, value, rebuild->size);
	if (value)
		return 0;
	if (rebuild->contradicted)
		return qv_fail(err, QV_E_PROTOCOL,
			       "relay recursive: of %u shares (%u expected) more were altered than can be corrected",
			       rebuild->node->received, rebuild->node->expected);
	return qv_fail(err, QV_E_NO_KEY,
		       "relay recursive: %u of %u shares have come, too few or of too few KMEs to rebuild",
		       rebuild->node->received, rebuild->node->expected);
}

int recursive_rebuild(struct qv_relay_node *node, uint8_t *keys, size_t size, struct qv_relay_report *report,
		      struct qv_error *err)
{
	const struct qv_relay_plan *plan = node->plan;
	memset(keys, 0, size);
	if (node->self != qv_route_to(plan->routes) || size != node->bytes)
		return qv_fail(err, QV_E_INVALID,
			       "relay recursive: only the destination rebuilds, and all keys at once");
	struct rebuild rebuild = { .node = node, .report = report };
	size_t shares = (size_t)plan->depth * plan->widest + 1;
	size_t part = WORK_MAX / shares > 1 ? WORK_MAX / shares : 1;
	part = part < size ? part : size;
	if (!node->work)
		node->work = qv_secret_new(shares * part, err);
	rebuild.lineage = calloc((size_t)plan->facts.hops + 2, sizeof *rebuild.lineage);
	int result = node->work && rebuild.lineage ? 0 : qv_fail(err, QV_E_NOMEM, "no memory to rebuild keys");
	for (size_t offset = 0; offset < size && result == 0; offset += part) {
		rebuild.offset = offset;
		rebuild.size = size - offset < part ? size - offset : part;
		result = rebuild_part(&rebuild, keys, err);
	}
	free(rebuild.lineage);
	if (result != 0)
		qv_wipe(keys, size);
	return result;
}

static bool possible_at(const struct qv_relay_node *node, uint32_t kme, uint32_t lineage)
{
	const struct qv_relay_plan *plan = node->plan;
	for (;;) {
		if (kme == node->self)
			return node_seen(node, lineage);
		struct qv_topology_arcs next = qv_route_next(plan->routes, kme);
		const uint32_t *bases = plan->bases + plan->starts[kme];
		unsigned count = 0;
		if (next.count == 1) {
			lineage += bases[0];
			kme = next.arcs[0].kme;
			continue;
		}
		for (size_t i = 0; i < next.count && count < threshold(next.count); i++)
			count += possible_at(node, next.arcs[i].kme, bases[i] + lineage);
		return count >= threshold(next.count);
	}
}

bool recursive_possible(const struct qv_relay_node *node)
{
	return possible_at(node, qv_route_from(node->plan->routes), 0);
}
