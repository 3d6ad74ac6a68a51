/* SPDX-License-Identifier: Apache-2.0 */
/* The origin's part in a session: what it hears while it waits. The rest is route_relayed. */
#ifndef KME_RELAY_ORIGIN_H
#define KME_RELAY_ORIGIN_H

#include "session.h"
#include "trouble.h"

struct origin;
struct relay_news;

void origin_free(struct origin *origin); /* NULL is fine */

void origin_hear_trouble(struct session *session, const struct trouble *trouble);

/* From the KME `peer`; false: the session is none of this KME's to that one. */
bool origin_hear_news(struct session *session, const char *peer, const struct relay_news *news);

#endif
