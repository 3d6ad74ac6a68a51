/* SPDX-License-Identifier: Apache-2.0 */
/* Who learns relayed keys and what stops them, as statements about the KMEs and links that a plan uses. */
#ifndef RELAY_ACCESS_H
#define RELAY_ACCESS_H

#include <stdbool.h>

#include <qvisio/relay.h>

#include "statement.h"

enum access_kind {
	ACCESS_LEARNED, /* facts: compromised KMEs */
	ACCESS_STOPPED, /* facts: KMEs and links that are down */
};

/* What a fact stands for. */
struct access_part {
	bool is_link;
	uint32_t number; /* in the topology */
};

struct access {
	struct statement statement; /* first */
	enum access_kind kind;
	const struct qv_relay_class *class;
	const struct qv_relay_plan *plan;
	struct access_part *parts; /* of each fact */
	struct qv_relay_marks *kmes, *links;
	void *scratch;
};

/*
 * `load` is what the module gives (two entries for each link): only KMEs and links with shares on them have a part in
 * it. QV_E_UNSUPPORTED: the module judges nothing; QV_E_NOMEM. Free with access_clear, also after a failure.
 */
int access_open(struct access *access, enum access_kind kind, const struct qv_relay_class *class,
		const struct qv_relay_plan *plan, const struct qv_topology *topology, uint32_t from, uint32_t to,
		const double *load, struct qv_error *err);
void access_clear(struct access *access);

#endif
