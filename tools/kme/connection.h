/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS connections of a listener: who is at the other end, and which of them goes when there are too many. The event
 * loop of a connection calls everything here but connections_new, _use and _free.
 */
#ifndef KME_CONNECTION_H
#define KME_CONNECTION_H

#include <microhttpd.h>

#include <qvisio/log.h>

#include "metrics.h"
#include "tls.h"

struct connections;
struct connection;

/* At most `max` of them; one more ends the one that has been idle the longest, those without any request first. */
struct connections *connections_new(unsigned max, struct tls *tls, struct metrics *metrics, const struct qv_log *log,
				    struct qv_error *err);
void connections_free(struct connections *connections); /* when the last connection has ended */

/* From now on handshakes are done, and certificates checked, with these. Any thread. */
void connections_use(struct connections *connections, struct tls *tls);

/* For MHD_OPTION_NOTIFY_CONNECTION; the context is the struct connections. */
void connection_notify(void *connections, struct MHD_Connection *connection, void **state,
		       enum MHD_ConnectionNotificationCode code);

struct connection *connection_of(struct MHD_Connection *connection);

/* The client's certificate, or NULL if it is not to be answered: by the CA and CRL of now, and the clock. */
gnutls_x509_crt_t connection_certificate(struct connection *connection);

/* What is known of the client; for one request at a time. */
struct known_caller *connection_known(struct connection *connection);

/*
 * Between the two, what is sent is held back, and then goes out at once: libmicrohttpd sends head and body of an answer
 * each in a record and a packet of its own. For answers that fit into the socket's buffer; a client that has not read
 * so many that this one does not fit either is cut off.
 */
void connection_gather(struct connection *connection);
void connection_flush(struct connection *connection);

/*
 * A request begins and ends. Between them the connection is not idle. False: it was just ended as an idle one, and nobody
 * would get the answer.
 */
bool connection_begin(struct connection *connection);
void connection_end(struct connection *connection);

#endif
