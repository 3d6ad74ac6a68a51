/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP exchange with one KME address, on a connection that is kept for the next. A connection belongs to one
 * thread at a time.
 */
#ifndef ETSI014_CONNECTION_H
#define ETSI014_CONNECTION_H

#include <curl/curl.h>

#include "settings.h"

#define ETSI014_ANSWER_MAX ((size_t)1024 * 1024) /* bytes of a body */
#define ETSI014_HEADER_MAX ((size_t)64 * 1024)   /* bytes of all header lines */

struct etsi014_request {
	const char *path; /* from "/api" on */
	/* POST with this body, which the KME must not see twice; NULL: GET, which may be repeated */
	const char *body;
	int64_t deadline; /* CLOCK_MONOTONIC, ns */
	int cancel_fd;
};

struct etsi014_answer {
	long status;            /* HTTP */
	struct qv_secret *text; /* the body, in room that may be larger than it; NULL: empty */
	size_t length;
};

struct etsi014_connection;

struct etsi014_connection *etsi014_connection_new(const struct etsi014_settings *settings, struct qv_error *err);
void etsi014_connection_free(struct etsi014_connection *connection);

/*
 * Sends the request to settings->bases[base] and receives the answer, which the caller clears on 0.
 * On -1 *unsent says whether it is certain that the KME cannot have acted on the request.
 */
int etsi014_connection_exchange(struct etsi014_connection *connection, size_t base,
				const struct etsi014_request *request, struct etsi014_answer *answer, bool *unsent,
				struct qv_error *err);

/* Wipes. */
void etsi014_answer_clear(struct etsi014_answer *answer);

#endif
