/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KME_RELAY_STOCK_H
#define KME_RELAY_STOCK_H

#include "network.h"

/*
 * Sessions with shares of this size that the stocks of this KME's own links are enough for; counted no further than it
 * takes to find `enough`. *short_of: the neighbour whose link has too few for more. -1 with err.
 */
int64_t stock_sessions(struct kme *kme, const struct plan *plan, size_t share_size, int64_t enough,
		       const char **short_of, struct qv_error *err);

#endif
