/* SPDX-License-Identifier: Apache-2.0 */
/* The streams that a side offers to send, one for each codec that it has, and which of them the peer takes. */
#ifndef QV_CALL_OFFERS_H
#define QV_CALL_OFFERS_H

#include <qvisio/call.h>

struct offered {
	struct qv_stream_offer stream;
	const struct qv_role *codec;
};

struct offers {
	size_t count;
	struct offered entry[2 * QV_CALL_CODECS_MAX];
};

/* Adds what the first codec of a kind makes of its source, under the number of the kind, and behind it its other codecs. */
int offers_add(struct offers *offers, const struct qv_stream_offer *first, const struct qv_role *codecs, size_t count,
	       struct qv_error *err);

/* Puts all of them into a greeting, or the first of each kind that fits into what the peer takes. */
void offers_say(const struct offers *offers, struct qv_hello *hello);
void offers_say_fitting(const struct offers *offers, const struct qv_hello *takes, struct qv_hello *hello);

/* The stream of that number; NULL: none was offered. */
const struct offered *offers_find(const struct offers *offers, uint16_t stream);

#endif
