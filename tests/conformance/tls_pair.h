/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of TLS on a socket pair, for the suite of kind tls. */
#ifndef QV_CONFORMANCE_TLS_PAIR_H
#define QV_CONFORMANCE_TLS_PAIR_H

#include "conformance.h"

#include <qvisio/tls.h>

#include <pthread.h>

/* One end: a context, a descriptor, and after the handshake a session or what went wrong. */
struct tls_end {
	struct check *check;
	const struct qv_tls_class *class;
	struct qv_tls *tls;
	int fd;
	struct qv_tls_session *session;
	struct qv_error err;
	pthread_t thread;
};

struct tls_pair {
	struct tls_end client, server;
	struct qv_tls_psk client_psk; /* none when its key is NULL */
	struct qv_tls_psk server_psk; /* the one that the server finds */
	bool server_knows;            /* false: its finder finds nothing */
	unsigned looked_up;
};

/* Opens both contexts; the changes are "name=value" words on top of the given options, NULL-ended or NULL. */
void tls_pair_open(struct check *check, struct tls_pair *pair, const char *const *client, const char *const *server);
void tls_pair_close(struct tls_pair *pair);

/* Gives both ends the same new key. */
void tls_pair_share_key(struct check *check, struct tls_pair *pair);

/* Connects a new socket pair and shakes hands on two threads. Look at `session` and `err` of the ends. */
void tls_pair_handshake(struct check *check, struct tls_pair *pair);
void tls_pair_require(struct check *check, const struct tls_pair *pair); /* that both have a session */

/* Frees the sessions and closes the sockets, without a word to the other side. */
void tls_pair_drop(struct tls_pair *pair);
void tls_end_drop(struct tls_end *end);

/* A handshake of one end alone, with whatever is at the other end of its descriptor. */
void tls_end_connect(struct tls_end *client, const struct qv_tls_psk *psk);
void tls_end_accept(struct tls_pair *pair);

/* Read and write of all bytes, waiting as the session asks. Read returns 0 or -1 with end->err. */
void tls_end_write(struct tls_end *end, const uint8_t *bytes, size_t size);
int tls_end_read(struct tls_end *end, uint8_t *bytes, size_t size);
void tls_end_shutdown(struct tls_end *end);

/* Cases in a file of their own. */
void check_tls_classic_client(struct check *check);
void check_tls_classic_server(struct check *check);

#endif
