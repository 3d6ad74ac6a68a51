/* SPDX-License-Identifier: Apache-2.0 */
/* Clause 5.1: HTTPS, and who may speak at all. */
#include <string.h>

#include "checks.h"
#include "hello.h"

static const char *any_status(struct probe *probe)
{
	return sae_path(probe, probe->parties[SLAVE].sae, "status");
}

static bool is_untrusted(CURLcode code)
{
	return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR;
}

static enum verdict speaks_tls(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (probe->status.code == CURLE_OK || is_untrusted(probe->status.code))
		return passed(finding, "a TLS session");
	return failed(finding, "%s", probe->status.why);
}

static enum verdict is_trusted(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (probe->status.code == CURLE_OK)
		return passed(finding, "a certificate that is trusted");
	if (is_untrusted(probe->status.code))
		return failed(finding, "%s", probe->status.why);
	return skipped(finding, "there is no TLS session (see 5.1-01)");
}

static enum verdict refuses_version(struct probe *probe, uint16_t version, struct finding *finding)
{
	struct hello hello;
	struct qv_error err = QV_ERROR_INIT;
	if (hello_offer(client_base(probe->clients[MASTER]), version, probe->timeout_ms, &hello, &err) != 0)
		return skipped(finding, "%s", err.message);
	if (hello.kind == HELLO_SERVER && hello.value < version)
		return skipped(finding, "it is answered with an even older version (see 5.1-04)");
	if (hello.kind == HELLO_SERVER)
		return failed(finding, "a ServerHello with version 0x%04x", hello.value);
	if (hello.kind == HELLO_ALERT)
		return passed(finding, "alert %u", hello.value);
	return passed(finding, "the connection is closed");
}

static enum verdict refuses_tls_1_1(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return refuses_version(probe, TLS_1_1, finding);
}

static enum verdict refuses_tls_1_0(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return refuses_version(probe, TLS_1_0, finding);
}

static enum verdict refuses_plain(struct probe *probe, const char *request, struct finding *finding)
{
	unsigned status;
	struct qv_error err = QV_ERROR_INIT;
	(void)request;
	if (plain_request(client_base(probe->clients[MASTER]), any_status(probe), probe->timeout_ms, &status, &err) !=
	    0)
		return skipped(finding, "%s", err.message);
	if (status == 0)
		return passed(finding, "no HTTP answer");
	if (status >= 400)
		return passed(finding, "HTTP %u", status);
	return failed(finding, "HTTP %u without TLS", status);
}

/* A request on another kind of TLS connection: refused by the handshake, or by 400, 401 or 403. */
static enum verdict refuses_client(struct probe *probe, const struct client_variation *variation,
				   struct finding *finding)
{
	struct answer answer;
	struct qv_error err = QV_ERROR_INIT;
	char text[300];
	struct client *client = client_new(&probe->parties[MASTER], variation, probe->timeout_ms, &err);
	if (!client)
		return skipped(finding, "%s", err.message);
	client_ask(client, "GET", any_status(probe), NULL, true, &answer);
	describe(&answer, text, sizeof text);
	bool refused = answer.code != CURLE_OK || answer.status == 400 || answer.status == 401 || answer.status == 403;
	enum verdict verdict = is_absent(answer.code) ? skipped(finding, "%s", text)
						      : (refused ? passed : failed)(finding, "%s", text);
	answer_clear(&answer);
	client_free(client);
	return verdict;
}

static enum verdict refuses_anonymous(struct probe *probe, const char *request, struct finding *finding)
{
	static const struct client_variation anonymous = { .anonymous = true };
	(void)request;
	return refuses_client(probe, &anonymous, finding);
}

static enum verdict refuses_impostor(struct probe *probe, const char *request, struct finding *finding)
{
	struct client_variation impostor = { .instead = &probe->impostor };
	(void)request;
	return refuses_client(probe, &impostor, finding);
}

const struct check checks_5_1[] = {
	{ "5.1-01", SHALL, NEEDS_NO_TLS, 0, "the KME speaks TLS 1.2 or later", "a TLS session", speaks_tls, NULL },
	{ "5.1-02", SHALL, NEEDS_NO_TLS, 0, "the KME's certificate is valid, and for the host in the URL",
	  "a certificate that is trusted", is_trusted, NULL },
	{ "5.1-03", SHALL, NEEDS_NO_TLS, 0, "TLS 1.1 is refused", "an alert, or the connection closed", refuses_tls_1_1,
	  NULL },
	{ "5.1-04", SHALL, NEEDS_NO_TLS, 0, "TLS 1.0 is refused", "an alert, or the connection closed", refuses_tls_1_0,
	  NULL },
	{ "5.1-05", SHALL, NEEDS_NO_TLS, 0, "HTTP without TLS is refused", "no HTTP answer, or an error", refuses_plain,
	  NULL },
	{ "5.1-06", SHALL, 0, 0, "a client without a certificate is refused", "no session, or HTTP 400, 401 or 403",
	  refuses_anonymous, NULL },
	{ "5.1-07", SHALL, 0, 0, "a certificate with the SAE's names that no CA signed is refused",
	  "no session, or HTTP 400, 401 or 403", refuses_impostor, NULL },
	{ .number = NULL },
};
