/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTPS listener that admits only clients with a certificate of its CA. Connections are served by event loops; each
 * request, once it is there whole, is answered by a worker thread, unless it is quick, so that neither slow clients nor
 * slow answers hold up others.
 */
#ifndef KME_SERVER_H
#define KME_SERVER_H

#include <gnutls/x509.h>
#include <sys/socket.h>

#include <qvisio/log.h>

#include "reply.h"
#include "tls.h"

struct metrics;

/* Who a connection's client is by the configuration with this generation; 0: not looked up yet. */
struct known_caller {
	uint64_t generation;
	const void *who;
};

struct request {
	const char *method;
	const char *target; /* as sent: path and query, escaped */
	const char *body;   /* zero-ended; NULL when empty */
	size_t body_size;
	gnutls_x509_crt_t certificate; /* of the client, verified */
	struct known_caller *known;    /* lasts as long as the connection; NULL: none */
};

struct server;

/* Fills `reply`. Called on a worker thread. */
typedef void server_handler(void *context, const struct request *request, struct reply *reply);
/*
 * The same on an event loop, for a request whose answer will not block and so costs less than handing it to a worker
 * thread. False: it is for the handler, and `reply` was left alone.
 */
typedef bool server_quick_handler(void *context, const struct request *request, struct reply *reply);

struct listener {
	const char *name;   /* who is listened for: "SAEs" */
	const char *listen; /* "address:port"; port 0: a free one */
	struct tls *tls;
	struct metrics *metrics;
	unsigned workers;
	unsigned idle_seconds; /* a connection without traffic is closed, also during its handshake */
	unsigned connections;
	size_t body_max;
	server_quick_handler *quick; /* NULL: none is quick */
};

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
