/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a finished topology. */
#include "topology.h"

#include <stdio.h>
#include <string.h>

uint32_t qv_topology_kmes(const struct qv_topology *topology)
{
	return topology->kme_count;
}

uint32_t qv_topology_links(const struct qv_topology *topology)
{
	return topology->link_count;
}

const struct qv_topology_kme *qv_topology_kme(const struct qv_topology *topology, uint32_t kme)
{
	return &topology->kmes[kme];
}

const struct qv_topology_link *qv_topology_link(const struct qv_topology *topology, uint32_t link)
{
	return &topology->links[link];
}

static struct qv_topology_arcs steps_of(const struct topology_steps *steps, uint32_t kme)
{
	return (struct qv_topology_arcs){ steps->arcs + steps->starts[kme],
					  steps->starts[kme + 1] - steps->starts[kme] };
}

struct qv_topology_arcs qv_topology_out(const struct qv_topology *topology, uint32_t kme)
{
	return steps_of(&topology->out, kme);
}

struct qv_topology_arcs qv_topology_in(const struct qv_topology *topology, uint32_t kme)
{
	return steps_of(&topology->in, kme);
}

uint32_t qv_topology_find(const struct qv_topology *topology, const char *id)
{
	uint32_t low = 0, high = topology->kme_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = qv_topology_compare_ids(topology->kmes[middle].id, id);
		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return QV_TOPOLOGY_NONE;
}

static uint32_t find_step(struct qv_topology_arcs steps, uint32_t kme)
{
	size_t low = 0, high = steps.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (steps.arcs[middle].kme == kme)
			return steps.arcs[middle].link;
		if (steps.arcs[middle].kme < kme)
			low = middle + 1;
		else
			high = middle;
	}
	return QV_TOPOLOGY_NONE;
}

uint32_t qv_topology_find_link(const struct qv_topology *topology, uint32_t a, uint32_t b)
{
	uint32_t link = find_step(qv_topology_out(topology, a), b);
	return link != QV_TOPOLOGY_NONE ? link : find_step(qv_topology_in(topology, a), b);
}

uint32_t qv_topology_need(const struct qv_topology *topology, const char *id, struct qv_error *err)
{
	uint32_t kme = qv_topology_find(topology, id);
	if (kme != QV_TOPOLOGY_NONE)
		return kme;
	char shown[64];
	snprintf(shown, sizeof shown, "%.60s", id);
	for (char *c = shown; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	qv_fail(err, QV_E_NOT_FOUND, "%s: there is no KME \"%s\" among its %u; the first is \"%s\", the last \"%s\"",
		topology->name ? topology->name : "topology", shown, topology->kme_count, topology->kmes[0].id,
		topology->kmes[topology->kme_count - 1].id);
	return QV_TOPOLOGY_NONE;
}

void qv_topology_mark_kme(struct qv_topology *topology, uint32_t kme, uint8_t marks)
{
	topology->kmes[kme].marks = marks;
}

void qv_topology_mark_link(struct qv_topology *topology, uint32_t link, uint8_t marks)
{
	topology->links[link].marks = marks;
}
