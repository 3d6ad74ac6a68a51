/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <string.h>

#ifdef ETSI014_OPENSSL
#include <openssl/ssl.h>
#endif

static bool set_text(CURL *easy, CURLoption option, const char *text)
{
	return !text || curl_easy_setopt(easy, option, text) == CURLE_OK;
}

static bool set_identity(CURL *easy, const struct etsi014_settings *settings)
{
	const char *type = settings->pkcs12 ? "P12" : "PEM";
	const char *key = settings->private_key ? settings->private_key : settings->certificate;
	return set_text(easy, CURLOPT_SSLCERTTYPE, type) && set_text(easy, CURLOPT_SSLCERT, settings->certificate) &&
	       (settings->pkcs12 || set_text(easy, CURLOPT_SSLKEY, key)) &&
	       set_text(easy, CURLOPT_KEYPASSWD, (const char *)qv_secret_bytes(settings->password));
}

static bool set_trust(CURL *easy, const struct etsi014_settings *settings)
{
	const struct etsi014_pin *pin = &settings->pin;
	bool pinned = pin->public_keys || pin->certificate_count;
	const char *anchors = settings->kme_certificate ? settings->kme_certificate : settings->ca;
	/* A pin without an authority stands for the whole check; the very certificate makes its names irrelevant. */
	bool chain = !settings->accept_invalid && (anchors || !pinned);
	bool names = chain && !settings->kme_certificate;
	if (anchors && curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) != CURLE_OK)
		return false;
	return curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, chain ? 1L : 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, names ? 2L : 0L) == CURLE_OK &&
	       set_text(easy, CURLOPT_CAINFO, anchors) && set_text(easy, CURLOPT_PINNEDPUBLICKEY, pin->public_keys) &&
	       (!pin->certificate_count || curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L) == CURLE_OK);
}

#ifdef ETSI014_OPENSSL
/* OpenSSL keeps what it decrypted last; the next connection's owner shall not find a key there. */
static CURLcode wipe_plaintext(CURL *easy, void *context, void *user)
{
	(void)easy;
	(void)user;
	SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
	return CURLE_OK;
}

static bool set_wiping(CURL *easy)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
	if (!info->ssl_version || strncmp(info->ssl_version, "OpenSSL/3", 9) != 0)
		return true;
	return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, wipe_plaintext) == CURLE_OK;
}
#else
static bool set_wiping(CURL *easy)
{
	(void)easy;
	return true;
}
#endif

bool etsi014_tls_set_up(CURL *easy, const struct etsi014_settings *settings)
{
	return curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK && set_identity(easy, settings) &&
	       set_trust(easy, settings) && set_wiping(easy);
}

bool etsi014_tls_pinned(CURL *easy, const struct etsi014_pin *pin)
{
	long new_connections = 1;
	struct curl_certinfo *info = NULL;
	if (!pin->certificate_count)
		return true;
	if (curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &new_connections) == CURLE_OK && new_connections == 0)
		return true;
	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info || info->num_of_certs < 1)
		return false;
	static const char name[] = "Cert:";
	for (const struct curl_slist *field = info->certinfo[0]; field; field = field->next)
		if (strncmp(field->data, name, sizeof name - 1) == 0)
			return etsi014_pin_matches(pin, field->data + sizeof name - 1);
	return false;
}

/* Whether libcurl's words tell of a TLS alert about our certificate. */
static bool refused_us(const char *why)
{
	static const char *const alerts[] = { "certificate required", "unknown ca",          "bad certificate",
					      "certificate expired",  "certificate revoked", "certificate unknown",
					      "access denied",        "handshake failure" };
	if (!strstr(why, "alert"))
		return false;
	for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++)
		if (strstr(why, alerts[i]))
			return true;
	return false;
}

int etsi014_tls_explain(CURLcode code, const char *why, const struct etsi014_settings *settings, struct qv_error *err)
{
	if (!why[0])
		why = curl_easy_strerror(code);
	if (refused_us(why))
		return qv_fail(err, QV_E_DENIED, "it refuses our certificate %s: %s", settings->certificate, why);
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return qv_fail(err, QV_E_TIMEOUT, "%s", why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return qv_fail(err, QV_E_DENIED,
			       "its certificate is not accepted (%s); if it is the KME, set ca or kme_certificate",
			       why);
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return qv_fail(err, QV_E_DENIED,
			       "its public key is not the pinned one (kme_pin): someone else answers, or the KME has a "
			       "new key");
	case CURLE_SSL_CERTPROBLEM:
		return qv_fail(err, QV_E_CONFIG, "our certificate %s cannot be used, or its password is wrong: %s",
			       settings->certificate, why);
	case CURLE_SSL_CACERT_BADFILE:
		return qv_fail(err, QV_E_CONFIG, "the certificates in %s cannot be used: %s",
			       settings->kme_certificate ? settings->kme_certificate
			       : settings->ca            ? settings->ca
							 : "the system's store",
			       why);
	case CURLE_OUT_OF_MEMORY:
		return qv_fail(err, QV_E_NOMEM, "no memory for the request");
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
	case CURLE_BAD_CONTENT_ENCODING:
		return qv_fail(err, QV_E_PROTOCOL, "it does not speak HTTP as it should: %s", why);
	default:
		return qv_fail(err, QV_E_IO, "%s", why);
	}
}
