/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS server's choice between QKD key and certificate, from the extensions of a ClientHello (hostile bytes). */
#include <qvisio/psk_identity.h>
#include <qvisio/tls_backend.h>

#include <string.h>

#define TLS13 0x0304

static size_t read16(const uint8_t *bytes)
{
	return (size_t)bytes[0] << 8 | bytes[1];
}

/* supported_versions in a ClientHello: ProtocolVersion versions<2..254>, RFC 8446 section 4.2.1. */
static bool offers_tls13(struct qv_tls_bytes versions)
{
	if (versions.size < 3 || versions.data[0] != versions.size - 1)
		return false;
	for (size_t i = 1; i + 1 < versions.size; i += 2)
		if (read16(versions.data + i) == TLS13)
			return true;
	return false;
}

/* PskKeyExchangeMode ke_modes<1..255>, RFC 8446 section 4.2.9. */
static bool offers_mode(struct qv_tls_bytes modes, enum qv_tls_kex kex)
{
	static const uint8_t number[] = { [QV_TLS_PSK_KE] = 0, [QV_TLS_PSK_DHE_KE] = 1 };
	if (modes.size < 2 || modes.data[0] != modes.size - 1)
		return false;
	return memchr(modes.data + 1, number[kex], modes.size - 1) != NULL;
}

/*
 * The first of PskIdentity identities<7..2^16-1> { opaque identity<1..2^16-1>; uint32 age }, RFC 8446 section 4.2.11.
 * The list must be whole, and followed by as many bytes of binders as it says.
 */
static bool first_identity(struct qv_tls_bytes psks, struct qv_tls_bytes *identity)
{
	*identity = (struct qv_tls_bytes){ NULL, 0 };
	if (psks.size < 2)
		return false;
	size_t end = 2 + read16(psks.data), at = 2;
	if (end + 2 > psks.size || end + 2 + read16(psks.data + end) != psks.size)
		return false;
	while (at < end) {
		if (end - at < 2)
			return false;
		size_t size = read16(psks.data + at);
		at += 2;
		if (size == 0 || end - at < size || end - at - size < 4)
			return false;
		if (!identity->data)
			*identity = (struct qv_tls_bytes){ psks.data + at, size };
		at += size + 4;
	}
	return identity->data != NULL;
}

static int refuse(struct qv_tls_choice *choice, enum qv_tls_alert alert, enum qv_code code, struct qv_error *err,
		  const char *why)
{
	choice->alert = (uint8_t)alert;
	return qv_fail(err, code, "this side refused the client: %s", why);
}

/* No QKD key can be used: a certificate handshake if the policy lets it. */
static int without_key(const struct qv_tls_common *common, struct qv_tls_choice *choice, const char *why,
		       struct qv_error *err)
{
	if (common->settings.policy == QV_TLS_QKD_REQUIRE || !common->has_certificate) {
		choice->alert = QV_TLS_ALERT_UNKNOWN_PSK_IDENTITY;
		return qv_fail(err, QV_E_DENIED, "this side refused the client: %s, and %s", why,
			       common->settings.policy == QV_TLS_QKD_REQUIRE
				       ? "qkd = \"require\" allows nothing else"
				       : "there is no certificate here for clients without QKD (see certificate)");
	}
	qv_log_info(common->log, "certificate handshake without QKD: %s", why);
	choice->made = true;
	return 0;
}

static int same_again(struct qv_tls_choice *choice, struct qv_tls_bytes identity, struct qv_error *err)
{
	const struct qv_tls_psk *psk = &choice->psk;
	if (!psk->key)
		return 0;
	if (!identity.data || identity.size != psk->identity_size ||
	    memcmp(identity.data, psk->identity, identity.size) != 0)
		return refuse(choice, QV_TLS_ALERT_ILLEGAL_PARAMETER, QV_E_PROTOCOL, err,
			      "its second ClientHello names another key");
	return 0;
}

/* An identity that names a hash which this backend cannot use is refused before its key is claimed and lost. */
static int check_hash(const struct qv_tls_common *common, struct qv_tls_bytes identity, struct qv_tls_choice *choice,
		      struct qv_error *err)
{
	struct qv_psk_identity named;
	if (qv_psk_identity_parse(identity.data, identity.size, &named, NULL) == 0 &&
	    !(common->hashes & QV_TLS_HASH_BIT(named.hash)))
		return refuse(
			choice, QV_TLS_ALERT_HANDSHAKE_FAILURE, QV_E_DENIED, err,
			"its key is meant for sha384, which the TLS module here cannot use for QKD keys: set hash = "
			"\"sha256\" there or another tls module here");
	return 0;
}

static int take_key(const struct qv_tls_common *common, const struct qv_tls_finder *finder,
		    struct qv_tls_bytes identity, struct qv_tls_choice *choice, struct qv_error *err)
{
	if (identity.size > QV_TLS_PSK_IDENTITY_MAX)
		return without_key(common, choice, "the PSK identity it offers is longer than any of a QKD key", err);
	if (check_hash(common, identity, choice, err) != 0)
		return -1;
	struct qv_error why = QV_ERROR_INIT;
	struct qv_tls_psk *psk = &choice->psk;
	int found = finder->find(finder->lookup, identity.data, identity.size, psk, &why);
	if (found == 0) {
		qv_tls_psk_clear(psk);
		struct qv_error reason = QV_ERROR_INIT;
		qv_fail(&reason, why.code, "the key it offers is not to be had: %s", why.message);
		return without_key(common, choice, reason.message, err);
	}
	size_t size = qv_secret_size(psk->key);
	if (found > 0 &&
	    (size < QV_TLS_PSK_MIN || size > QV_TLS_PSK_MAX || !(common->hashes & QV_TLS_HASH_BIT(psk->hash))))
		found = qv_fail(&why, QV_E_UNSUPPORTED, "its key of %zu bytes cannot be used for TLS here", size);
	if (found < 0) {
		qv_tls_psk_clear(psk);
		choice->alert = QV_TLS_ALERT_INTERNAL_ERROR;
		return qv_fail(err, why.code, "this side refused the client: %s", why.message);
	}
	memcpy(psk->identity, identity.data, identity.size);
	psk->identity_size = identity.size;
	choice->made = true;
	return 0;
}

int qv_tls_choose(const struct qv_tls_common *common, const struct qv_tls_finder *finder,
		  const struct qv_tls_hello *hello, struct qv_tls_choice *choice, struct qv_error *err)
{
	struct qv_tls_bytes identity;
	if (!offers_tls13(hello->versions))
		return refuse(choice, QV_TLS_ALERT_PROTOCOL_VERSION, QV_E_PROTOCOL, err, "it does not offer TLS 1.3");
	bool offered = hello->psks.data != NULL;
	if (offered && !first_identity(hello->psks, &identity))
		return refuse(choice, QV_TLS_ALERT_DECODE_ERROR, QV_E_PROTOCOL, err,
			      "its pre_shared_key extension is malformed");
	if (choice->made)
		return same_again(choice, offered ? identity : (struct qv_tls_bytes){ NULL, 0 }, err);
	if (common->settings.policy == QV_TLS_QKD_OFF) {
		choice->made = true;
		return 0;
	}
	if (!offered)
		return without_key(common, choice, "it offers no QKD key", err);
	if (!hello->psk_modes.data)
		return refuse(choice, QV_TLS_ALERT_MISSING_EXTENSION, QV_E_PROTOCOL, err,
			      "it offers a PSK without psk_key_exchange_modes");
	if (!offers_mode(hello->psk_modes, common->settings.kex))
		return without_key(
			common, choice,
			common->settings.kex == QV_TLS_PSK_KE
				? "it offers its key with Diffie-Hellman only, where this side has kex = \"psk_ke\""
				: "it offers its key without Diffie-Hellman only, where this side has kex = "
				  "\"psk_dhe_ke\"",
			err);
	return take_key(common, finder, identity, choice, err);
}

void qv_tls_choice_clear(struct qv_tls_choice *choice)
{
	qv_tls_psk_clear(&choice->psk);
}
