/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the TLS backend on GnuTLS 3.7. */
#ifndef TLS_GNUTLS_BACKEND_H
#define TLS_GNUTLS_BACKEND_H

#include <gnutls/gnutls.h>

#include <qvisio/tls_backend.h>

struct qv_tls {
	struct qv_tls_common common;
	gnutls_priority_t with_psk;  /* a client that offers a key, a server that took one */
	gnutls_priority_t with_both; /* a client that offers a key and takes a certificate; a server before it chose */
	gnutls_priority_t classic;   /* certificates only */
	gnutls_certificate_credentials_t certificates; /* NULL under require on a server's side of things */
	gnutls_psk_client_credentials_t psk_client;
	gnutls_psk_server_credentials_t psk_server;
};

struct qv_tls_session {
	struct qv_tls *tls;
	gnutls_session_t gnutls;
	enum qv_tls_role role;
	int fd;
	bool ended;                         /* close_notify came */
	bool broken;                        /* nothing more can be sent */
	char *peer_name;                    /* client: owned; to verify the certificate against */
	const struct qv_tls_psk *offered;   /* client, during the handshake */
	const struct qv_tls_finder *finder; /* server, during the handshake */
	struct qv_tls_choice choice;        /* server */
	struct qv_error refusal;            /* by one of our callbacks; QV_OK: none */
	uint8_t last[7];                    /* bytes received during the handshake, the newest at the end */
	bool at_end;                        /* the peer's side of the connection ended */
	int io_errno;                       /* of the last receiving that failed */
	uint8_t refusal_alert;              /* to send for it; 0: what GnuTLS suggests */
	bool verified;                      /* the peer's certificate was accepted */
	struct qv_tls_facts facts;
};

/* priority.c */
int tls_priorities_setup(struct qv_tls *tls, struct qv_error *err);
void tls_priorities_free(struct qv_tls *tls);

/* psk.c: the callbacks through which GnuTLS takes an external PSK. */
int tls_psk_setup(struct qv_tls *tls, struct qv_error *err);
void tls_psk_free(struct qv_tls *tls);
int tls_psk_expect(struct qv_tls_session *session);

/* certificate.c */
int tls_certificate_setup(struct qv_tls *tls, const struct qv_options *options, struct qv_error *err);
int tls_verify(gnutls_session_t gnutls); /* a gnutls_certificate_verify_function */

/* handshake.c */
struct qv_tls_session *tls_connect(struct qv_tls *tls, int fd, const char *host, const struct qv_tls_psk *psk,
				   struct qv_error *err);
struct qv_tls_session *tls_accept(struct qv_tls *tls, int fd, const struct qv_tls_finder *finder, struct qv_error *err);
void tls_free(struct qv_tls_session *session);

/* facts.c */
void tls_facts_fill(struct qv_tls_session *session);

/* failure.c: what GnuTLS says in our words. `code` is one of GNUTLS_E_*, fatal. Returns -1. */
int tls_fail(struct qv_tls_session *session, int code, bool in_handshake, struct qv_error *err);
/* Sends the alert that belongs to a failure, as far as it can be sent without waiting. */
void tls_send_alert(struct qv_tls_session *session, int code);

/* socket.c */
void tls_socket_setup(struct qv_tls_session *session);
void tls_socket_established(struct qv_tls_session *session);
int tls_plain_alert(const struct qv_tls_session *session); /* the alert received last if it was not encrypted, or -1 */

/* stream.c */
int tls_read(struct qv_tls_session *session, void *bytes, size_t size, size_t *got, struct qv_error *err);
int tls_write(struct qv_tls_session *session, const void *bytes, size_t size, size_t *put, struct qv_error *err);
bool tls_pending(const struct qv_tls_session *session);
int tls_shutdown(struct qv_tls_session *session, struct qv_error *err);
int tls_export_key(struct qv_tls_session *session, const char *label, struct qv_secret *out, struct qv_error *err);

#endif
