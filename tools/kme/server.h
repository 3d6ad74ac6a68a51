/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTPS listener that admits only clients with a certificate of its CA. Connections are served by event loops; each
 * request, once it is there whole, is answered by a worker thread, so that neither slow clients nor slow answers hold
 * up others.
 */
#ifndef KME_SERVER_H
#define KME_SERVER_H

#include <gnutls/x509.h>
#include <sys/socket.h>

#include <qvisio/log.h>

#include "reply.h"
#include "tls.h"

struct metrics;

struct listener {
	const char *name;   /* who is listened for: "SAEs" */
	const char *listen; /* "address:port"; port 0: a free one */
	struct tls *tls;
	struct metrics *metrics;
	unsigned workers;
	unsigned idle_seconds; /* a connection without traffic is closed, also during its handshake */
	unsigned connections;
	size_t body_max;
};

struct request {
	const char *method;
	const char *target; /* as sent: path and query, escaped */
	const char *body;   /* zero-ended; NULL when empty */
	size_t body_size;
	gnutls_x509_crt_t certificate; /* of the client, verified */
};

struct server;

/* Fills `reply`. Called on a worker thread. */
typedef void server_handler(void *context, const struct request *request, struct reply *reply);

/* Starts to serve and logs "listening for NAME on ADDRESS:PORT". */
struct server *server_start(const struct listener *listener, server_handler *handler, void *context,
			    const struct qv_log *log, struct qv_error *err);

/* Shows and demands other certificates from now on, also of clients that are connected: from their next request on. */
void server_use(struct server *server, struct tls *tls);

/* The address that it listens on; returns its size. */
socklen_t server_address(const struct server *server, struct sockaddr_storage *address);

/* Accepts no more, lets requests that are there be answered, and ends. NULL is fine. */
void server_stop(struct server *server);

#endif
