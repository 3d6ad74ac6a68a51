/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <stdlib.h>

const struct route *route_find(const struct kme *kme, const struct peer *peer, enum route_choice wanted)
{
	static const struct route *const routes[] = { &route_direct, &route_relayed };
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
		if ((wanted == ROUTE_NONE || wanted == routes[i]->choice) && routes[i]->serves(kme, peer))
			return routes[i];
	return NULL;
}

void leg_clear(struct leg *leg)
{
	labels_free(leg->labels, leg->label_count);
	leg->labels = NULL;
	leg->label_count = 0;
	qv_secret_free(leg->link_keys);
	leg->link_keys = NULL;
	free(leg->slaves);
	leg->slaves = NULL;
	relayed_free(leg->relayed);
	leg->relayed = NULL;
}
