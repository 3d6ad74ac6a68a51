/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the TLS backend on OpenSSL 3. */
#ifndef TLS_OPENSSL_BACKEND_H
#define TLS_OPENSSL_BACKEND_H

#include <openssl/ssl.h>

#include <qvisio/tls_backend.h>

struct qv_tls {
	struct qv_tls_common common;
	SSL_CTX *context;
	BIO_METHOD *socket_method;
};

struct qv_tls_session {
	struct qv_tls *tls;
	SSL *ssl;
	enum qv_tls_role role;
	int fd;
	int io_errno;                       /* of the last send or recv that failed; 0: none did */
	bool at_end;                        /* the peer's side of the connection ended */
	bool broken;                        /* nothing more can be sent */
	bool drained;                       /* the last read found nothing whole */
	bool asked_certificate;             /* a server asked this client for one */
	SSL_SESSION *key_copy;              /* OpenSSL\'s copy of the key, to wipe it after the handshake */
	uint64_t records_sent;              /* under the current key */
	const struct qv_tls_psk *offered;   /* client, during the handshake */
	const struct qv_tls_finder *finder; /* server, during the handshake */
	struct qv_tls_choice choice;        /* server */
	struct qv_error refusal;            /* by one of our callbacks; QV_OK: none */
	struct qv_tls_facts facts;
};

/* socket.c: a BIO that reads and writes a session's socket without raising SIGPIPE. */
BIO_METHOD *tls_socket_method_new(void);
BIO *tls_socket_new(struct qv_tls_session *session);

/* psk.c: the callbacks through which OpenSSL takes an external PSK. */
void tls_psk_setup(SSL_CTX *context);
void tls_psk_forget(struct qv_tls_session *session);
const char *tls_suites(enum qv_tls_hash hash);
int tls_suites_restrict(struct qv_tls_session *session, enum qv_tls_hash hash, struct qv_error *err);
extern const char tls_suites_classic[];
extern const char tls_groups[];

/* certificate.c */
int tls_certificate_setup(struct qv_tls *tls, const struct qv_options *options, struct qv_error *err);
int tls_certificate_expect(struct qv_tls_session *session, const char *host, struct qv_error *err);

/* handshake.c */
struct qv_tls_session *tls_connect(struct qv_tls *tls, int fd, const char *host, const struct qv_tls_psk *psk,
				   struct qv_error *err);
struct qv_tls_session *tls_accept(struct qv_tls *tls, int fd, const struct qv_tls_finder *finder, struct qv_error *err);
void tls_free(struct qv_tls_session *session);

/* facts.c */
void tls_facts_fill(struct qv_tls_session *session);

/* failure.c: what OpenSSL says in our words. */
struct qv_tls_session *tls_session_of(const SSL *ssl);
const char *tls_library_error(void); /* the text of the first error queued; valid until the next call into OpenSSL */
/* After SSL_get_error said `kind`, which is not WANT_*. Returns -1. */
int tls_fail(struct qv_tls_session *session, int kind, bool in_handshake, struct qv_error *err);

/* stream.c */
int tls_read(struct qv_tls_session *session, void *bytes, size_t size, size_t *got, struct qv_error *err);
int tls_write(struct qv_tls_session *session, const void *bytes, size_t size, size_t *put, struct qv_error *err);
bool tls_pending(const struct qv_tls_session *session);
int tls_shutdown(struct qv_tls_session *session, struct qv_error *err);
int tls_export_key(struct qv_tls_session *session, const char *label, struct qv_secret *out, struct qv_error *err);

#endif
