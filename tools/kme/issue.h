/* SPDX-License-Identifier: Apache-2.0 */
/* New keys, agreed with the slave's KME before the master gets them. */
#ifndef KME_ISSUE_H
#define KME_ISSUE_H

#include "kme.h"
#include "uuid.h"

#define ISSUE_MAX 512 /* keys in one request */

struct issue {
	const char *master, *slave;
	struct peer *peer; /* the slave's KME; NULL: this one */
	size_t count;      /* keys */
	size_t bytes;      /* of each */
	/* Filled by issue_keys. */
	char request[UUID_TEXT];
	char (*ids)[UUID_TEXT]; /* key_IDs */
	struct qv_secret *keys; /* count times `stride` bytes */
	size_t stride;          /* whole link keys: at least `bytes` */
	char **labels;          /* of the link keys, stride / QV_QKDLINK_KEY_BYTES for each key */
	size_t label_count;
};

/*
 * Issues all the keys or none. QV_E_NO_KEY: there are not enough; other errors: the peer or the store failed. What was
 * begun is undone, later where it must be.
 */
int issue_keys(struct kme *kme, struct issue *issue, struct qv_error *err);
void issue_clear(struct issue *issue);

#endif
