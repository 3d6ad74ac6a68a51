/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/secure.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/psk_identity.h>

struct qv_secure {
	const struct qv_host *host;
	const struct qv_keysource_class *keys; /* NULL under qkd = "off" */
	struct qv_keysource *source;
	const struct qv_tls_class *tls;
	struct qv_tls *context;
	struct qv_tls_settings settings;
};

static int open_source(struct qv_secure *secure, const struct qv_role *role, struct qv_error *err)
{
	if (secure->settings.policy == QV_TLS_QKD_OFF)
		return 0;
	secure->keys = qv_keysource_class(role->class);
	if (!secure->keys)
		return qv_fail(err, QV_E_CONFIG,
			       "key_source: missing; it says where QKD keys come from (or set tls.qkd = \"off\")");
	secure->source = secure->keys->open(secure->host, role->options, err);
	return secure->source ? 0 : qv_error_prefix(err, "key source %s", secure->keys->head.name);
}

struct qv_secure *qv_secure_open(const struct qv_host *host, const struct qv_role *key_source,
				 const struct qv_role *tls, struct qv_error *err)
{
	struct qv_secure *secure = calloc(1, sizeof *secure);
	if (!secure) {
		qv_fail(err, QV_E_NOMEM, "no memory to secure connections");
		return NULL;
	}
	secure->host = host;
	secure->tls = qv_tls_class(tls->class);
	if (!secure->tls) {
		qv_fail(err, QV_E_INTERNAL, "the TLS role holds no module of kind tls");
		goto fail;
	}
	if (qv_tls_settings_read(tls->options, &secure->settings, err) != 0 ||
	    open_source(secure, key_source, err) != 0)
		goto fail;
	secure->context = secure->tls->open(host, tls->options, err);
	if (!secure->context) {
		qv_error_prefix(err, "TLS module %s", secure->tls->head.name);
		goto fail;
	}
	return secure;
fail:
	qv_secure_close(secure);
	return NULL;
}

void qv_secure_close(struct qv_secure *secure)
{
	if (!secure)
		return;
	if (secure->context)
		secure->tls->close(secure->context);
	if (secure->source)
		secure->keys->close(secure->source);
	free(secure);
}

enum qv_tls_policy qv_secure_policy(const struct qv_secure *secure)
{
	return secure->settings.policy;
}

void qv_secure_session_clear(struct qv_secure_session *session)
{
	if (session->session)
		session->tls->free(session->session);
	*session = (struct qv_secure_session){ .session = NULL };
}

static void describe_classic(struct qv_secure_session *session)
{
	const struct qv_tls_facts *facts = &session->facts;
	const char *who = facts->peer_verified ? facts->peer_subject : "nobody: the peer showed no certificate";
	snprintf(session->text, sizeof session->text, "classic, NOT QKD: %s %s %s, certificate of %s", facts->protocol,
		 facts->cipher, facts->group, who);
}

static void describe_qkd(struct qv_secure_session *session)
{
	const struct qv_tls_facts *facts = &session->facts;
	snprintf(session->text, sizeof session->text, "QKD: %s %s %s%s, key %s with SAE %s", facts->protocol,
		 facts->cipher, facts->group[0] ? "and " : "without Diffie-Hellman", facts->group, session->key_id,
		 session->peer_sae);
}

/* Fills what is known after a handshake; the identity in the facts is the one that both sides bound into it. */
static int describe(struct qv_secure *secure, struct qv_secure_session *session, struct qv_error *err)
{
	session->tls = secure->tls;
	secure->tls->facts(session->session, &session->facts);
	if (!session->facts.psk) {
		session->secured = QV_SECURED_CLASSIC;
		session->route = QV_KEY_ROUTE_UNTOLD;
		describe_classic(session);
		/* The backend enforces the policy; this holds even for a backend that does not. */
		if (secure->settings.policy != QV_TLS_QKD_REQUIRE)
			return 0;
		return qv_fail(err, QV_E_DENIED,
			       "the handshake went without a QKD key, which qkd = \"require\" forbids");
	}
	struct qv_psk_identity identity;
	if (qv_psk_identity_parse(session->facts.identity, session->facts.identity_size, &identity, err) != 0)
		return -1;
	session->secured = QV_SECURED_QKD;
	memcpy(session->key_id, identity.key_id, sizeof session->key_id);
	if (!session->peer_sae[0])
		memcpy(session->peer_sae, identity.master, sizeof session->peer_sae);
	describe_qkd(session);
	return 0;
}

static int take_psk(struct qv_secure *secure, const char *peer_sae, struct qv_tls_psk *psk, enum qv_key_route *route,
		    struct qv_error *err)
{
	struct qv_psk_identity identity = { .hash = secure->settings.hash };
	struct qv_key key = { .secret = NULL };
	/* Asked first: a failure here must not cost a key. */
	if (secure->keys->self(secure->source, peer_sae, identity.master, err) != 0 ||
	    secure->keys->take(secure->source, peer_sae, 0, &key, err) != 0)
		return -1;
	memcpy(identity.key_id, key.id, sizeof identity.key_id);
	int result = qv_psk_identity_format(&identity, psk->identity, sizeof psk->identity, &psk->identity_size, err);
	if (result == 0) {
		psk->hash = identity.hash;
		psk->key = key.secret;
		*route = key.route;
		key.secret = NULL;
		qv_log_info(secure->host->log, "took key %s for SAE %s", key.id, peer_sae);
	}
	qv_key_clear(&key);
	return result;
}

int qv_secure_self(struct qv_secure *secure, const char *peer_sae, char id[QV_SAE_ID_MAX + 1], struct qv_error *err)
{
	if (!secure->source)
		return qv_fail(err, QV_E_NOT_FOUND, "without a key source there is no SAE ID");
	return secure->keys->self(secure->source, peer_sae, id, err);
}

int qv_secure_connect(struct qv_secure *secure, int fd, const char *host, const char *peer_sae,
		      struct qv_secure_session *session, struct qv_error *err)
{
	*session = (struct qv_secure_session){ .session = NULL };
	struct qv_tls_psk psk = { .key = NULL };
	bool keyed = false;
	if (secure->settings.policy != QV_TLS_QKD_OFF) {
		struct qv_error why = QV_ERROR_INIT;
		keyed = take_psk(secure, peer_sae, &psk, &session->route, &why) == 0;
		if (!keyed && (secure->settings.policy == QV_TLS_QKD_REQUIRE || why.code == QV_E_CANCELLED))
			return qv_fail(err, why.code, "no QKD key for SAE %s: %s", peer_sae, why.message);
		if (!keyed)
			qv_log_warning(secure->host->log,
				       "no QKD key for SAE %s, so certificates alone secure this session: %s", peer_sae,
				       why.message);
		snprintf(session->peer_sae, sizeof session->peer_sae, "%s", keyed ? peer_sae : "");
	}
	session->tls = secure->tls;
	session->session = secure->tls->connect(secure->context, fd, host, keyed ? &psk : NULL, err);
	qv_tls_psk_clear(&psk);
	if (session->session && describe(secure, session, err) == 0)
		return 0;
	qv_secure_session_clear(session);
	return -1;
}

struct qv_tls_lookup {
	struct qv_secure *secure;
	enum qv_key_route route; /* of the last key claimed */
};

static int find_psk(struct qv_tls_lookup *lookup, const uint8_t *bytes, size_t size, struct qv_tls_psk *psk,
		    struct qv_error *why)
{
	struct qv_secure *secure = lookup->secure;
	struct qv_psk_identity identity;
	struct qv_key key = { .secret = NULL };
	if (qv_psk_identity_parse(bytes, size, &identity, why) != 0)
		return 0;
	if (secure->keys->claim(secure->source, identity.master, identity.key_id, &key, why) != 0) {
		qv_error_prefix(why, "key %s of SAE %s", identity.key_id, identity.master);
		qv_log_warning(secure->host->log, "%s", why->message);
		return why->code == QV_E_CANCELLED ? -1 : 0;
	}
	memcpy(psk->identity, bytes, size);
	psk->identity_size = size;
	psk->hash = identity.hash;
	psk->key = key.secret;
	lookup->route = key.route;
	qv_log_info(secure->host->log, "claimed key %s of SAE %s", identity.key_id, identity.master);
	return 1;
}

int qv_secure_accept(struct qv_secure *secure, int fd, struct qv_secure_session *session, struct qv_error *err)
{
	*session = (struct qv_secure_session){ .session = NULL };
	struct qv_tls_lookup lookup = { .secure = secure };
	struct qv_tls_finder finder = { .find = find_psk, .lookup = &lookup };
	bool qkd = secure->settings.policy != QV_TLS_QKD_OFF;
	session->tls = secure->tls;
	session->session = secure->tls->accept(secure->context, fd, qkd ? &finder : NULL, err);
	session->route = lookup.route;
	if (session->session && describe(secure, session, err) == 0)
		return 0;
	qv_secure_session_clear(session);
	return -1;
}
