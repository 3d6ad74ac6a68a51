/* SPDX-License-Identifier: Apache-2.0 */
/* Failures of TLS sessions in words: who refused, why, what to do. */
#include <qvisio/tls_backend.h>

#include <errno.h>

struct alert {
	uint8_t number;
	const char *name;
	enum qv_code code;
	const char *hint; /* what it may mean here; may be NULL */
};

static const struct alert alerts[] = {
	{ 0, "close_notify", QV_E_TRUNCATED, NULL },
	{ 10, "unexpected_message", QV_E_PROTOCOL, NULL },
	{ 20, "bad_record_mac", QV_E_PROTOCOL, NULL },
	{ 22, "record_overflow", QV_E_PROTOCOL, NULL },
	{ 40, "handshake_failure", QV_E_DENIED,
	  "the two sides have no policy, key exchange (kex), hash or cipher in common" },
	{ 42, "bad_certificate", QV_E_DENIED, "it does not accept this side's certificate" },
	{ 43, "unsupported_certificate", QV_E_DENIED, "it does not accept certificates of this side's type" },
	{ 44, "certificate_revoked", QV_E_DENIED, "this side's certificate was revoked" },
	{ 45, "certificate_expired", QV_E_DENIED, "this side's certificate has expired or is not valid yet" },
	{ 46, "certificate_unknown", QV_E_DENIED, "it does not accept this side's certificate" },
	{ 47, "illegal_parameter", QV_E_DENIED,
	  "the two sides hold different keys under this key_ID, or name different hashes for it" },
	{ 48, "unknown_ca", QV_E_DENIED, "it does not trust the authority of this side's certificate" },
	{ 49, "access_denied", QV_E_DENIED, NULL },
	{ 50, "decode_error", QV_E_PROTOCOL, NULL },
	{ 51, "decrypt_error", QV_E_DENIED, "the two sides hold different keys under this key_ID" },
	{ 70, "protocol_version", QV_E_PROTOCOL, "it does not speak TLS 1.3" },
	{ 71, "insufficient_security", QV_E_DENIED, "it wants stronger ciphers or groups" },
	{ 80, "internal_error", QV_E_PROTOCOL, "it failed within: its own log says why" },
	{ 86, "inappropriate_fallback", QV_E_PROTOCOL, NULL },
	{ 90, "user_canceled", QV_E_TRUNCATED, "it was stopped, or waited too long for this side" },
	{ 109, "missing_extension", QV_E_DENIED, "it wants a key or a certificate that this side did not offer" },
	{ 110, "unsupported_extension", QV_E_PROTOCOL, NULL },
	{ 112, "unrecognized_name", QV_E_DENIED, "it does not serve the name called" },
	{ 113, "bad_certificate_status_response", QV_E_DENIED, NULL },
	{ 115, "unknown_psk_identity", QV_E_DENIED,
	  "it takes only QKD keys that it can claim itself, and none was offered or it could not claim it: its log and "
	  "its KME's say more" },
	{ 116, "certificate_required", QV_E_DENIED,
	  "it asks for a client certificate: set certificate and private_key" },
	{ 120, "no_application_protocol", QV_E_PROTOCOL, NULL },
};

static const struct alert *find_alert(uint8_t number)
{
	for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++)
		if (alerts[i].number == number)
			return &alerts[i];
	return NULL;
}

const char *qv_tls_alert_name(uint8_t alert)
{
	const struct alert *known = find_alert(alert);
	return known ? known->name : "unknown";
}

static const char *peer_of(enum qv_tls_role role)
{
	return role == QV_TLS_CLIENT ? "server" : "client";
}

int qv_tls_fail_alert(enum qv_tls_role role, uint8_t alert, struct qv_error *err)
{
	const struct alert *known = find_alert(alert);
	const char *hint = known ? known->hint : NULL;
	return qv_fail(err, known ? known->code : QV_E_PROTOCOL, "the %s refused with TLS alert %s (%u)%s%s",
		       peer_of(role), qv_tls_alert_name(alert), (unsigned)alert, hint ? ": " : "", hint ? hint : "");
}

int qv_tls_fail_binder(struct qv_error *err)
{
	return qv_fail(err, QV_E_DENIED,
		       "this side refused the client: its proof of the QKD key does not verify, so the two sides hold "
		       "different keys under this key_ID: compare their KMEs");
}

int qv_tls_fail_no_psk(struct qv_error *err)
{
	return qv_fail(
		err, QV_E_DENIED,
		"this side refused the server: it did not take the QKD key offered, and qkd = \"require\" allows "
		"nothing else; the server must support QKD keys (external PSKs of TLS 1.3) and be able to claim it");
}

int qv_tls_fail_certificate(enum qv_tls_role role, const char *why, struct qv_error *err)
{
	return qv_fail(err, QV_E_DENIED, "this side refused the certificate of the %s: %s%s", peer_of(role), why,
		       role == QV_TLS_CLIENT ? " (see ca and server_name)" : " (see ca)");
}

int qv_tls_fail_no_certificate(struct qv_error *err)
{
	return qv_fail(err, QV_E_DENIED,
		       "this side refused the client: it showed no certificate, and verify_client asks for one");
}

int qv_tls_fail_connection(enum qv_tls_role role, bool in_handshake, int errnum, struct qv_error *err)
{
	const char *when = in_handshake ? "during the handshake" : "without close_notify: what came may be incomplete";
	if (errnum == 0)
		return qv_fail(err, QV_E_TRUNCATED, "the %s ended the connection %s", peer_of(role), when);
	if (errnum == ECONNRESET || errnum == EPIPE)
		return qv_fail_errno(err, QV_E_TRUNCATED, errnum, "the connection to the %s was cut %s", peer_of(role),
				     when);
	return qv_fail_errno(err, QV_E_IO, errnum, "the connection to the %s failed", peer_of(role));
}

int qv_tls_fail_protocol(enum qv_tls_role role, bool in_handshake, const char *why, struct qv_error *err)
{
	return qv_fail(err, QV_E_PROTOCOL, "this side refused what the %s sent%s: %s%s", peer_of(role),
		       in_handshake ? " in the handshake" : "", why,
		       in_handshake ? "; is it TLS 1.3 there, on this port?" : "");
}
