/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a share from crossing a hop; KMEs tell it each other backwards, until the origin knows. */
#ifndef KME_RELAY_TROUBLE_H
#define KME_RELAY_TROUBLE_H

#include "relay.h"
#include "session.h"

enum trouble_cause {
	TROUBLE_NO_KEYS,     /* the link has run out of keys */
	TROUBLE_UNREACHABLE, /* the next KME does not answer */
	TROUBLE_REFUSED,     /* it refuses the share */
	TROUBLE_QUEUE,       /* too much waits for it already */
	TROUBLE_CAUSES
};

struct trouble {
	const char *from, *to; /* KME IDs of the hop */
	enum trouble_cause cause;
};

const char *trouble_name(enum trouble_cause cause); /* on the wire */
bool trouble_parse(const char *name, enum trouble_cause *cause);

/* Tells the origin, if that is this KME, else those that the session's shares came from. Takes the session's lock. */
void trouble_tell(struct relay *relay, struct session *session, const struct trouble *trouble);

#endif
