/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Securing a connection: a key source and a TLS backend put together, the same for every program.
 * The client takes a key for its peer and names it in the PSK identity; the server claims that key from its own source.
 */
#ifndef QVISIO_SECURE_H
#define QVISIO_SECURE_H

#include <qvisio/keysource.h>
#include <qvisio/loader.h>
#include <qvisio/tls.h>
#include <qvisio/videosink.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* One end, opened once: its key source and its TLS context. Calls may be made by several threads at once. */
struct qv_secure;

/*
 * Opens both modules of the roles. `key_source->class` may be NULL when the TLS role says qkd = "off". The roles are
 * borrowed and must outlive the result. NULL with err.
 */
struct qv_secure *qv_secure_open(const struct qv_host *host, const struct qv_role *key_source,
				 const struct qv_role *tls, struct qv_error *err);
void qv_secure_close(struct qv_secure *secure);

enum qv_tls_policy qv_secure_policy(const struct qv_secure *secure);

/* A finished handshake. Free with qv_secure_session_clear, which leaves the descriptor open. */
struct qv_secure_session {
	const struct qv_tls_class *tls;
	struct qv_tls_session *session;
	struct qv_tls_facts facts;
	enum qv_secured secured;
	char key_id[QV_KEY_ID_MAX + 1];   /* "" unless keyed by QKD */
	char peer_sae[QV_SAE_ID_MAX + 1]; /* likewise; at a server the SAE that the peer's KME vouches for by the key */
	enum qv_key_route route;          /* likewise */
	char text[768];                   /* the security state in words, one line, for people */
};
void qv_secure_session_clear(struct qv_secure_session *session);

/*
 * Client handshake on a connected socket to `host`, whose SAE ID is `peer_sae` (may be NULL only under qkd = "off").
 * Blocks for at most the sources' and the handshake's own timeouts. Under "prefer" a missing key is logged as a warning
 * and the handshake goes on with certificates.
 */
int qv_secure_connect(struct qv_secure *secure, int fd, const char *host, const char *peer_sae,
		      struct qv_secure_session *session, struct qv_error *err);

/* Our own SAE ID, as the key source knows it or tells when asked about `peer_sae`. QV_E_NOT_FOUND without a key source. */
int qv_secure_self(struct qv_secure *secure, const char *peer_sae, char id[QV_SAE_ID_MAX + 1], struct qv_error *err);

/* Server handshake on an accepted socket. */
int qv_secure_accept(struct qv_secure *secure, int fd, struct qv_secure_session *session, struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
