/* SPDX-License-Identifier: Apache-2.0 */
/* A key store around another one that measures how long its calls take, and counts those that its medium failed. */
#ifndef KME_STORE_TIMED_H
#define KME_STORE_TIMED_H

#include <qvisio/keystore.h>

#include "metrics.h"

/* Takes the place of `*class` and `*store`; its close closes the inner one. */
int store_time(const struct qv_keystore_class **class, struct qv_keystore **store, struct metrics *metrics,
	       struct qv_error *err);

#endif
