/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the KME, whichever of its addresses answers. Any number of threads may call at once; each has a
 * connection to itself.
 *
 * When a request is repeated. A GET has no effect at the KME and goes to the next address after any failure. A POST
 * takes a key, which must happen once: it goes to the next address only when no byte of its body was given to libcurl
 * (the KME could not be reached, its certificate was refused, the kept connection was found closed), so that no HTTP
 * server can have acted on it, or when the KME answered 503, which delivers no key. In every other failure the answer
 * may be lost, and the error says that a key may be lost with it.
 */
#ifndef ETSI014_CLIENT_H
#define ETSI014_CLIENT_H

#include "connection.h"

struct etsi014_client;

/* Owns `settings` from success on. The host's log and cancel descriptor are borrowed. */
struct etsi014_client *etsi014_client_new(struct etsi014_settings *settings, const struct qv_host *host,
					  struct qv_error *err);
void etsi014_client_free(struct etsi014_client *client);

const struct etsi014_settings *etsi014_client_settings(const struct etsi014_client *client);

/*
 * GET (body NULL) or POST of /api/v1/keys/{peer}/{method}, or GET of /api/v1/sae/info/me (peer NULL). On 0 the answer
 * is the caller's to clear; any HTTP status is an answer.
 */
int etsi014_client_request(struct etsi014_client *client, const char *peer, const char *method, const char *body,
			   struct etsi014_answer *answer, struct qv_error *err);

/* QV_E_DENIED unless the status names the KME that option kme_id asks for. */
int etsi014_client_check_kme(const struct etsi014_client *client, const struct qv_keysource_status *status,
			     struct qv_error *err);

#endif
