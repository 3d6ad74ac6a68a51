/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of tls_peer, the program through which tests drive a TLS module. */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include <stdbool.h>

#include <qvisio/tls.h>

struct peer {
	const struct qv_tls_class *class;
	struct qv_tls *tls;
	const char *psk_file; /* lines of "identity:hexadecimal key", as gnutls-serv reads them; NULL: none */
	const char *identity; /* client: which of them; NULL: the first */
	const char *host;
	const char *say, *expect; /* client: text to send and to wait for */
	int lines;                /* client: lines to say, each when the one before was answered */
	size_t send;              /* client: bytes to have echoed */
	int port;
	int sessions; /* server: ends after so many; 0: never. Client: runs so many, one after another */
	bool cut;     /* ends the connection without close_notify */
	bool linger;  /* client: waits for the server to close */
};

/* psk.c */
int peer_psk_read(const struct peer *peer, struct qv_tls_psk *psk, struct qv_error *err);
struct qv_tls_finder peer_finder(struct qv_tls_lookup *lookup);
struct qv_tls_lookup {
	const struct peer *peer;
};

/* report.c: each event is one line of JSON. */
void report_port(int port);
void report_session(const struct peer *peer, int number, struct qv_tls_session *session);
void report_end(const char *event, int number, size_t bytes, const struct qv_error *err);

/* client.c, server.c */
int peer_client(const struct peer *peer);
int peer_server(const struct peer *peer);
int peer_wait(int fd, enum qv_tls_io want, struct qv_error *err);
int peer_put(const struct peer *peer, struct qv_tls_session *session, int fd, const void *bytes, size_t size,
	     struct qv_error *err);
int peer_get(const struct peer *peer, struct qv_tls_session *session, int fd, void *bytes, size_t size, size_t *got,
	     struct qv_error *err);

#endif
