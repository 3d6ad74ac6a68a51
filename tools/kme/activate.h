/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the slaves' KME to promise the keys to the slaves, or whether it could. */
#ifndef KME_ACTIVATE_H
#define KME_ACTIVATE_H

#include "body.h"
#include "kme.h"

enum activation_result {
	ACTIVATED,          /* or, for a check, it could be */
	ACTIVATION_MISSING, /* it does not have some of the link keys; it did nothing */
	ACTIVATION_REFUSED, /* it did nothing */
	ACTIVATION_UNKNOWN  /* it may have done it */
};

/* `missing` receives labels, freed by the caller (labels_free). */
enum activation_result activate_at_peer(struct peer *peer, const struct activation *activation, char ***missing,
					size_t *count, struct qv_error *err);

#endif
