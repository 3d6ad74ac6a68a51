/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways of routing share. */
#ifndef CORE_TOPOLOGY_ROUTE_H
#define CORE_TOPOLOGY_ROUTE_H

#include <qvisio/route.h>

/* Whether a plan may use this link toward this KME. */
bool qv_route_usable(const struct qv_topology *topology, const struct qv_route_options *options, uint32_t link,
		     uint32_t kme);

/* QV_E_INVALID unless these are two KMEs. */
int qv_route_check_ends(const struct qv_topology *topology, uint32_t from, uint32_t to, struct qv_error *err);

/* Records QV_E_NOT_FOUND with the likely reason; returns -1. */
int qv_route_no_route(const struct qv_topology *topology, uint32_t from, uint32_t to,
		      const struct qv_route_options *options, struct qv_error *err);

#endif
