/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the backends of kind "tls" share, so that they judge and report the same situation the same way: policy, the
 * server's choice between PSK and certificate, alerts, deadlines. For modules; programs use <qvisio/tls.h>.
 */
#ifndef QVISIO_TLS_BACKEND_H
#define QVISIO_TLS_BACKEND_H

#include <qvisio/tls.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum qv_tls_role { QV_TLS_CLIENT, QV_TLS_SERVER };

#define QV_TLS_HASH_BIT(hash) (1u << (hash))

/* What every backend's struct qv_tls holds. */
struct qv_tls_common {
	struct qv_tls_settings settings; /* its three file names are valid during open only */
	const struct qv_log *log;        /* the host's; may be NULL */
	int cancel_fd;                   /* the host's */
	unsigned hashes;                 /* set of QV_TLS_HASH_BIT that PSKs may have with this backend */
	bool has_certificate;
	char *server_name; /* owned; settings.server_name */
	char *where;       /* owned; "file:line" of the group */
};

/* Reads and checks the shared options. `backend` names the library in messages. QV_E_CONFIG, QV_E_NOMEM. */
int qv_tls_common_open(struct qv_tls_common *common, const struct qv_host *host, const struct qv_options *options,
		       const char *backend, unsigned hashes, struct qv_error *err);
void qv_tls_common_close(struct qv_tls_common *common); /* frees what it owns; a zeroed struct is fine */

/*
 * The PEM text of private_key. A file that everybody may read is refused, one that its group may read gets a warning.
 * QV_E_CONFIG.
 */
struct qv_secret *qv_tls_private_key_read(const struct qv_tls_common *common, const struct qv_options *options,
					  struct qv_error *err);

/* Whether connect and accept may start at all. Both make `fd` non-blocking. QV_E_INVALID, QV_E_CONFIG, QV_E_IO. */
int qv_tls_connect_check(const struct qv_tls_common *common, int fd, const char *host, const struct qv_tls_psk *psk,
			 struct qv_error *err);
int qv_tls_accept_check(const struct qv_tls_common *common, int fd, const struct qv_tls_finder *finder,
			struct qv_error *err);

/* The name that the server's certificate must have and that SNI sends; NULL: none is known. */
const char *qv_tls_peer_name(const struct qv_tls_common *common, const char *host);
bool qv_tls_is_address(const char *name); /* an IPv4 or IPv6 address literal: never sent as SNI, RFC 6066 section 3 */

/* Time (CLOCK_MONOTONIC, ns) at which a handshake that starts now is given up. */
int64_t qv_tls_deadline(const struct qv_tls_common *common);

/* Waits until the handshake can go on. 0; -1: QV_E_TIMEOUT, QV_E_CANCELLED, QV_E_IO. */
int qv_tls_wait(const struct qv_tls_common *common, enum qv_tls_role role, int fd, enum qv_tls_io want,
		int64_t deadline, struct qv_error *err);

/*
 * Takes what has come in already, without waiting. After a refused handshake: closing a socket with unread bytes resets
 * the connection, and the peer may lose the alert that says why.
 */
void qv_tls_drain(int fd);

/* Extensions of a ClientHello, as they came: `data` is NULL where one is absent. Hostile bytes. */
struct qv_tls_bytes {
	const uint8_t *data;
	size_t size;
};
struct qv_tls_hello {
	struct qv_tls_bytes versions;  /* supported_versions (43) */
	struct qv_tls_bytes psks;      /* pre_shared_key (41) */
	struct qv_tls_bytes psk_modes; /* psk_key_exchange_modes (45) */
};

/* What a server makes of a ClientHello. Starts zeroed; cleared with qv_tls_choice_clear. */
struct qv_tls_choice {
	bool made;             /* by this or an earlier ClientHello of the same handshake (HelloRetryRequest) */
	struct qv_tls_psk psk; /* key NULL: a certificate handshake */
	uint8_t alert;         /* to send after -1 */
};

/*
 * Decides by the policy, asking the finder about the first identity offered (GnuTLS can only take that one). Never
 * chooses the certificate where a key was named and is known but cannot be used as asked.
 * 0; -1: QV_E_DENIED, QV_E_PROTOCOL or what the finder says, with choice->alert.
 */
int qv_tls_choose(const struct qv_tls_common *common, const struct qv_tls_finder *finder,
		  const struct qv_tls_hello *hello, struct qv_tls_choice *choice, struct qv_error *err);
void qv_tls_choice_clear(struct qv_tls_choice *choice);

/* The last word on a finished handshake: facts that the policy does not allow are QV_E_DENIED. */
int qv_tls_facts_check(const struct qv_tls_common *common, enum qv_tls_role role, const struct qv_tls_facts *facts,
		       struct qv_error *err);

/* Alerts, RFC 8446 section 6. */
enum qv_tls_alert {
	QV_TLS_ALERT_CLOSE_NOTIFY = 0,
	QV_TLS_ALERT_HANDSHAKE_FAILURE = 40,
	QV_TLS_ALERT_BAD_CERTIFICATE = 42,
	QV_TLS_ALERT_CERTIFICATE_EXPIRED = 45,
	QV_TLS_ALERT_ILLEGAL_PARAMETER = 47,
	QV_TLS_ALERT_UNKNOWN_CA = 48,
	QV_TLS_ALERT_DECODE_ERROR = 50,
	QV_TLS_ALERT_DECRYPT_ERROR = 51,
	QV_TLS_ALERT_PROTOCOL_VERSION = 70,
	QV_TLS_ALERT_INTERNAL_ERROR = 80,
	QV_TLS_ALERT_USER_CANCELED = 90,
	QV_TLS_ALERT_MISSING_EXTENSION = 109,
	QV_TLS_ALERT_UNKNOWN_PSK_IDENTITY = 115,
	QV_TLS_ALERT_CERTIFICATE_REQUIRED = 116
};
const char *qv_tls_alert_name(uint8_t alert); /* "unknown_psk_identity"; never NULL */

/* Records that the peer of `role` sent a fatal alert: who refused, the alert, what it may mean. Returns -1. */
int qv_tls_fail_alert(enum qv_tls_role role, uint8_t alert, struct qv_error *err);

/* Failures that all backends report alike; they return -1. `errnum` 0: the connection ended. */
int qv_tls_fail_binder(struct qv_error *err);
int qv_tls_fail_no_psk(struct qv_error *err);
int qv_tls_fail_certificate(enum qv_tls_role role, const char *why, struct qv_error *err);
int qv_tls_fail_no_certificate(struct qv_error *err);
int qv_tls_fail_connection(enum qv_tls_role role, bool in_handshake, int errnum, struct qv_error *err);
int qv_tls_fail_protocol(enum qv_tls_role role, bool in_handshake, const char *why, struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
