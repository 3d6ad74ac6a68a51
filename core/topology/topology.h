/* SPDX-License-Identifier: Apache-2.0 */
/* What a topology holds, for the files of this folder. */
#ifndef CORE_TOPOLOGY_H
#define CORE_TOPOLOGY_H

#include <qvisio/topology.h>

struct topology_text; /* a block of IDs */

/* Steps of all KMEs, one after the other: those of KME i from starts[i] up to starts[i + 1]. */
struct topology_steps {
	size_t *starts;
	struct qv_topology_arc *arcs;
};

struct qv_topology {
	char *name; /* of the file, for messages; NULL: built */
	struct topology_text *text;
	struct qv_topology_kme *kmes;
	struct qv_topology_link *links;
	uint32_t kme_count, link_count;
	size_t kme_room, link_room;
	struct topology_steps out, in; /* `in` is the same arrays as `out` without one-way links */
	bool finished;
};

/* Orders IDs: runs of digits by value, the rest by bytes; 0 only for equal IDs. */
int qv_topology_compare_ids(const char *a, const char *b);

/* The KMEs in order of their IDs, and the links renumbered with them; QV_E_CONFIG or QV_E_INVALID for one there twice. */
int qv_topology_sort_kmes(struct qv_topology *topology, struct qv_error *err);

/* Records an error about line `line` of the topology's file: QV_E_CONFIG, or QV_E_INVALID for one that was built. */
int qv_topology_fail(const struct qv_topology *topology, uint32_t line, struct qv_error *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
