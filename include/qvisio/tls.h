/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "tls": TLS 1.3 (RFC 8446) over a connected stream socket, keyed by an external PSK that is a QKD key.
 *
 * What QKD means for TLS (policy, PSK identity grammar, key lookup) is the core's and the same for all backends; a
 * backend does the TLS. It must never fall back without the policy saying so.
 *
 *   open -> [connect | accept -> read/write/pending … -> shutdown -> free]* -> close
 *
 * connect and accept block their thread until the handshake is over; read and write never block. A context may be
 * used by several threads at once; one session belongs to one thread at a time.
 */
#ifndef QVISIO_TLS_H
#define QVISIO_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/module.h>
#include <qvisio/secret.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_TLS_ABI_MAJOR 1
#define QV_TLS_ABI_MINOR 0

#define QV_TLS_PSK_IDENTITY_MAX 1024 /* bytes; RFC 8446 allows 65535 */
#define QV_TLS_PSK_MIN          16   /* bytes of key material; RFC 9257 section 6 */
#define QV_TLS_PSK_MAX          512

enum qv_tls_policy {
	QV_TLS_QKD_REQUIRE, /* handshake with a QKD key or not at all */
	QV_TLS_QKD_PREFER,  /* a peer without QKD gets a certificate handshake */
	QV_TLS_QKD_OFF      /* certificates only */
};

enum qv_tls_hash { QV_TLS_SHA256, QV_TLS_SHA384 };

/* RFC 8446 section 4.2.9 */
enum qv_tls_kex {
	QV_TLS_PSK_DHE_KE, /* also safe while the Diffie-Hellman group holds */
	QV_TLS_PSK_KE      /* rests on the QKD key alone */
};

/*
 * The options that every backend declares, in this order and ended by a NULL name: qkd, kex, hash, certificate,
 * private_key, ca, verify_client, server_name, handshake_timeout. A backend with none of its own uses this table.
 */
extern const struct qv_option qv_tls_options[];

/* Those options read and judged together (a certificate needs its key, and so on). Strings live as long as `options`. */
struct qv_tls_settings {
	enum qv_tls_policy policy;
	enum qv_tls_kex kex;
	enum qv_tls_hash hash;   /* that this side names when it takes a key */
	const char *certificate; /* PEM chain, or NULL */
	const char *private_key; /* PEM, or NULL */
	const char *ca;          /* PEM bundle, or NULL: the system's store */
	bool verify_client;      /* a server asks classic clients for a certificate and refuses those without */
	const char *server_name; /* name to verify instead of the host called, or NULL */
	int handshake_timeout_ms;
};
int qv_tls_settings_read(const struct qv_options *options, struct qv_tls_settings *settings, struct qv_error *err);

/* A PSK as TLS takes it. */
struct qv_tls_psk {
	uint8_t identity[QV_TLS_PSK_IDENTITY_MAX];
	size_t identity_size;
	enum qv_tls_hash hash;
	struct qv_secret *key; /* owned by whoever owns the struct; wiped with qv_tls_psk_clear */
};
void qv_tls_psk_clear(struct qv_tls_psk *psk);

/*
 * How a server finds the key for an identity from the wire (hostile bytes). `find` fills psk->hash and psk->key and
 * returns 1; returns 0 when the identity is not one of ours or its key is not to be had, with `why` filled; -1 when
 * the handshake must fail. Called on the thread in accept; may block. Each caller defines struct qv_tls_lookup.
 */
struct qv_tls_lookup;
struct qv_tls_finder {
	int (*find)(struct qv_tls_lookup *lookup, const uint8_t *identity, size_t size, struct qv_tls_psk *psk,
		    struct qv_error *why);
	struct qv_tls_lookup *lookup;
};

/* Facts of a finished handshake, for display, logs and policy checks. Strings are "" when not applicable. */
struct qv_tls_facts {
	char backend[64];                          /* "OpenSSL 3.0.22" */
	char protocol[16];                         /* "TLSv1.3" */
	char cipher[48];                           /* IANA name, "TLS_CHACHA20_POLY1305_SHA256" */
	char group[32];                            /* "x25519"; "" when no (EC)DHE took part */
	bool psk;                                  /* keyed by the external PSK */
	uint8_t identity[QV_TLS_PSK_IDENTITY_MAX]; /* of that PSK */
	size_t identity_size;
	char peer_subject[256]; /* of the certificate verified, RFC 4514; "" when none */
	bool peer_verified;     /* the peer proved a certificate that verification accepted */
	bool self_certificate;  /* this side proved one */
};

enum qv_tls_io {
	QV_TLS_IO_DONE = 0,
	QV_TLS_IO_WANT_READ = 1, /* call again when the descriptor is readable */
	QV_TLS_IO_WANT_WRITE = 2 /* … writable; a write must be repeated with the same bytes */
};

struct qv_tls;
struct qv_tls_session;

struct qv_tls_class {
	struct qv_class head;

	/* Required. Loads certificates; a setting that this backend cannot honour is an error here, not later. */
	struct qv_tls *(*open)(const struct qv_host *host, const struct qv_options *options, struct qv_error *err);
	void (*close)(struct qv_tls *tls); /* required; NULL is fine; sessions must be freed first */

	/*
	 * Required. Client handshake on `fd` (connected; borrowed; made non-blocking) with `psk` (borrowed; NULL when the
	 * policy lets the caller go without). `host` is the name or address called, for certificate checks and SNI.
	 * Under QV_TLS_QKD_REQUIRE the server must select the PSK; under QV_TLS_QKD_OFF `psk` must be NULL. Errors:
	 * QV_E_DENIED (certificate or key refused, with who refused), QV_E_PROTOCOL, QV_E_TIMEOUT, QV_E_CANCELLED,
	 * QV_E_TRUNCATED (the server ended the connection), QV_E_IO; QV_E_INVALID, QV_E_UNSUPPORTED (a PSK that does not
	 * fit the policy or the backend).
	 */
	struct qv_tls_session *(*connect)(struct qv_tls *tls, int fd, const char *host, const struct qv_tls_psk *psk,
					  struct qv_error *err);

	/*
	 * Required. Server handshake. `finder` is borrowed during the call; may be NULL under QV_TLS_QKD_OFF. It is asked
	 * once at most, for the first identity that the client offers. Errors as connect; QV_E_CONFIG under
	 * QV_TLS_QKD_OFF without a certificate.
	 */
	struct qv_tls_session *(*accept)(struct qv_tls *tls, int fd, const struct qv_tls_finder *finder,
					 struct qv_error *err);

	/*
	 * Required. Reads at most `size` bytes into `bytes`. QV_TLS_IO_DONE with *got > 0; WANT_*; or -1:
	 * QV_E_END after close_notify, QV_E_TRUNCATED when the connection ended without it, QV_E_DENIED when the peer
	 * refused after its side of the handshake (a client learns only here that its certificate was not accepted),
	 * QV_E_PROTOCOL, QV_E_IO.
	 */
	int (*read)(struct qv_tls_session *session, void *bytes, size_t size, size_t *got, struct qv_error *err);

	/* Required. Writes at most `size` (> 0) bytes; *put says how many. */
	int (*write)(struct qv_tls_session *session, const void *bytes, size_t size, size_t *put, struct qv_error *err);

	/* Required. True when read would return bytes without the descriptor becoming readable. */
	bool (*pending)(const struct qv_tls_session *session);

	/* Required. Sends close_notify, and nothing after it. QV_TLS_IO_* or -1. Does not wait for the peer's. */
	int (*shutdown)(struct qv_tls_session *session, struct qv_error *err);

	/* Required. TLS exporter, RFC 8446 section 7.5, with an empty context. Fills `out` to its size. */
	int (*export_key)(struct qv_tls_session *session, const char *label, struct qv_secret *out,
			  struct qv_error *err);

	/* Required. */
	void (*facts)(const struct qv_tls_session *session, struct qv_tls_facts *facts);

	/* Required. Frees without sending anything; does not close the descriptor. NULL is fine. */
	void (*free)(struct qv_tls_session *session);
};

const struct qv_tls_class *qv_tls_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
