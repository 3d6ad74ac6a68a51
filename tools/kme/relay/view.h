/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin interface shows of relayed keys. Any thread. */
#ifndef KME_RELAY_VIEW_H
#define KME_RELAY_VIEW_H

#include <jansson.h>
#include <stdio.h>

#include "../kme.h"

/* The network, routes, sessions, and what each link has spent; NULL without memory. The KME has a network. */
json_t *relay_view(struct kme *kme);

/* In the text format of Prometheus; nothing when the KME relays no keys. */
void relay_metrics(struct kme *kme, FILE *out);

#endif
