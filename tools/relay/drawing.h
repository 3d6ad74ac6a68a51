/* SPDX-License-Identifier: Apache-2.0 */
/* A picture of a network by Graphviz: its KMEs and links with their marks, and what relaying a key sends over them. */
#ifndef RELAY_DRAWING_H
#define RELAY_DRAWING_H

#include <qvisio/topology.h>

struct drawing {
	const struct qv_topology *topology;
	uint32_t from, to;  /* QV_TOPOLOGY_NONE: no relay is shown */
	const double *load; /* shares over each link: 2 * link toward its `to`, 2 * link + 1 back; NULL: none */
	const char *title;
};

/* The format that a file name asks for by its ending, "svg" or "png"; NULL for another. */
const char *drawing_format(const char *path);

/* Writes the picture. QV_E_UNSUPPORTED: Graphviz failed, and says why; QV_E_IO; QV_E_NOMEM. */
int drawing_write(const struct drawing *drawing, const char *path, struct qv_error *err);

#endif
