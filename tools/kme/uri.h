/* SPDX-License-Identifier: Apache-2.0 */
/* The path and the query of a request target, taken apart and percent-decoded (RFC 3986). Hostile input. */
#ifndef KME_URI_H
#define KME_URI_H

#include <stddef.h>

#include <qvisio/error.h>

#define URI_SEGMENTS_MAX 8
#define URI_PARAMS_MAX   16

struct uri_param {
	const char *name, *value;
};

struct uri {
	char *text; /* what the others point into */
	size_t segment_count;
	const char *segments[URI_SEGMENTS_MAX]; /* UTF-8, without zero bytes; one may hold an escaped '/' */
	size_t param_count;
	struct uri_param params[URI_PARAMS_MAX];
};

/*
 * QV_E_NOT_FOUND: more segments than any path of ours; QV_E_INVALID: no absolute path, broken escapes, no UTF-8, or too
 * many parameters. Freed with uri_clear, also after a failure.
 */
int uri_parse(struct uri *uri, const char *target, struct qv_error *err);
void uri_clear(struct uri *uri);

/* The value of a parameter. 1 found once, 0 absent, -1 QV_E_INVALID: there more than once. */
int uri_param(const struct uri *uri, const char *name, const char **value, struct qv_error *err);

#endif
