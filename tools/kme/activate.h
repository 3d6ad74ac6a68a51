/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the slave's KME to promise the keys to the slave. */
#ifndef KME_ACTIVATE_H
#define KME_ACTIVATE_H

#include "issue.h"

enum activation_result {
	ACTIVATED,
	ACTIVATION_MISSING, /* it does not have some of the link keys; it did nothing */
	ACTIVATION_REFUSED, /* it did nothing */
	ACTIVATION_UNKNOWN  /* it may have done it */
};

/* `missing` receives labels, freed by the caller (labels_free). */
enum activation_result activate_at_peer(const struct issue *issue, char ***missing, size_t *count,
					struct qv_error *err);

#endif
