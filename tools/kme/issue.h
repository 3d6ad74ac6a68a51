/* SPDX-License-Identifier: Apache-2.0 */
/* New keys, agreed with the KMEs of all their slaves before the master gets them. */
#ifndef KME_ISSUE_H
#define KME_ISSUE_H

#include "body.h"
#include "kme.h"
#include "uuid.h"

struct leg;

struct issue {
	const char *master;
	const struct sae **slaves; /* distinct; owned by the caller */
	size_t slave_count;
	enum route_choice route; /* that the keys have to take to other KMEs; ROUTE_NONE: any */
	size_t count;            /* keys */
	size_t bytes;            /* of each */
	/* Filled by issue_keys. */
	char (*ids)[UUID_TEXT]; /* key_IDs */
	struct qv_secret *keys; /* count times `stride` bytes */
	size_t stride;          /* whole link keys: at least `bytes` */
	struct leg *legs;       /* one for each other KME that slaves belong to */
	size_t leg_count;
	char short_link[600]; /* the link that has too few keys, where it is none of this KME's with `failed`; or "" */
	const struct peer *failed; /* the KME that the failure is about; NULL: this one */
	enum route_choice used;    /* the route that was taken: relayed if one leg was */
};

/*
 * Issues all the keys to all the slaves, or none. QV_E_NO_KEY: there are not enough; QV_E_UNSUPPORTED: no such route;
 * other errors: a peer or the store failed. What was begun is undone, later where it must be.
 */
int issue_keys(struct kme *kme, struct issue *issue, struct qv_error *err);
void issue_clear(struct issue *issue);

#endif
