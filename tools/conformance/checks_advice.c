/* SPDX-License-Identifier: Apache-2.0 */
/* Beyond the text: what else a client may hope for, from HTTP (RFC 9110) and from good sense. */
#include <stdlib.h>
#include <string.h>

#include "checks.h"

#define HUGE_BODY ((size_t)4 * 1024 * 1024) /* bytes */
#define DEPTH     ((size_t)5000)

static enum verdict speaks_tls_1_3(struct probe *probe, const char *request, struct finding *finding)
{
	static const struct client_variation newest = { .tls_version = CURL_SSLVERSION_TLSv1_3 };
	struct answer answer;
	struct qv_error err = QV_ERROR_INIT;
	(void)request;
	struct client *client = client_new(&probe->parties[MASTER], &newest, probe->timeout_ms, &err);
	if (!client)
		return skipped(finding, "%s", err.message);
	client_ask(client, "GET", sae_path(probe, probe->parties[SLAVE].sae, "status"), NULL, true, &answer);
	enum verdict verdict =
		answer.code == CURLE_OK ? passed(finding, "a TLS 1.3 session") : failed(finding, "%s", answer.why);
	answer_clear(&answer);
	client_free(client);
	return verdict;
}

static enum verdict unknown_path(struct probe *probe, const char *request, struct finding *finding)
{
	const struct answer *answer = ask(probe, MASTER, "GET", request, NULL);
	enum verdict verdict = expect_status(answer, 404, finding);
	return verdict == PASSED ? check_error_object(answer->json, finding) : verdict;
}

/* `request`: the method, a blank, and what is called. */
static enum verdict wrong_method(struct probe *probe, const char *request, struct finding *finding)
{
	char method[16];
	size_t length = strcspn(request, " ");
	memcpy(method, request, length);
	method[length] = '\0';
	const char *path = sae_path(probe, probe->parties[SLAVE].sae, request + length + 1);
	const struct answer *answer = ask(probe, MASTER, method, path, NULL);
	enum verdict verdict = expect_status(answer, 405, finding);
	if (verdict == PASSED)
		return (strstr(answer->allow, "GET") ? passed : failed)(finding, "HTTP 405 with Allow \"%.100s\"",
									answer->allow);
	return verdict;
}

static const struct answer *post_text(struct probe *probe, char *body)
{
	const struct answer *answer = ask(probe, MASTER, "POST", enc_path(probe, ""), body ? body : "x");
	free(body);
	return answer;
}

/* A KME that has read enough may as well end the connection. */
static bool is_cut(CURLcode code)
{
	return code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
}

static enum verdict huge_body(struct probe *probe, const char *request, struct finding *finding)
{
	char *body = malloc(HUGE_BODY + 1);
	(void)request;
	if (body) {
		memset(body, ' ', HUGE_BODY);
		memcpy(body, "{\"number\":1", 11);
		body[HUGE_BODY - 1] = '}';
		body[HUGE_BODY] = '\0';
	}
	const struct answer *answer = post_text(probe, body);
	if (is_cut(answer->code))
		return passed(finding, "the connection is closed");
	return expect_status(answer, answer->status == 413 ? 413 : 400, finding);
}

static enum verdict deep_body(struct probe *probe, const char *request, struct finding *finding)
{
	static const char start[] = "{\"extension_optional\":";
	char *body = malloc(sizeof start + 2 * DEPTH + 2);
	(void)request;
	if (charge(probe, 1, finding) != PASSED) {
		free(body);
		return SKIPPED;
	}
	if (body) {
		size_t used = sizeof start - 1;
		memcpy(body, start, used);
		memset(body + used, '[', DEPTH);
		memset(body + used + DEPTH, ']', DEPTH);
		memcpy(body + used + 2 * DEPTH, "}", 2);
	}
	const struct answer *answer = post_text(probe, body);
	return expect_status(answer, answer->status == 200 ? 200 : 400, finding);
}

static enum verdict not_cached(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (charge(probe, 1, finding) != PASSED)
		return SKIPPED;
	const struct answer *answer = ask(probe, MASTER, "GET", enc_path(probe, ""), NULL);
	if (answer->code != CURLE_OK || answer->status != 200)
		return skipped(finding, "there is no key container (see 5.3-01)");
	if (!answer->cache[0])
		return failed(finding, "no Cache-Control");
	return (strstr(answer->cache, "no-store") ? passed : failed)(finding, "Cache-Control \"%.100s\"",
								     answer->cache);
}

const struct check checks_advice[] = {
	{ "A-01", ADVICE, 0, 0, "the KME speaks TLS 1.3", "a TLS 1.3 session", speaks_tls_1_3, NULL },
	{ "A-02", ADVICE, 0, 0, "an unknown path is answered with 404 and an Error object",
	  "HTTP 404 with an object with a message", unknown_path, "/api/v1/qkd-conformance" },
	{ "A-03", ADVICE, 0, 0, "POST of a status is answered with 405 and Allow", "HTTP 405 with Allow: GET",
	  wrong_method, "POST status" },
	{ "A-04", ADVICE, 0, 0, "DELETE of enc_keys is answered with 405 and Allow", "HTTP 405 with Allow: GET, POST",
	  wrong_method, "DELETE enc_keys" },
	{ "A-05", ADVICE, 0, 0, "PUT of dec_keys is answered with 405 and Allow", "HTTP 405 with Allow: GET, POST",
	  wrong_method, "PUT dec_keys" },
	{ "A-06", ADVICE, 0, 0, "a body of 4 MiB is refused", "HTTP 413 or 400, or the connection closed", huge_body,
	  NULL },
	{ "A-07", ADVICE, 0, 1, "JSON nested 5000 deep is answered", "HTTP 400, or 200 with the extension left out",
	  deep_body, NULL },
	{ "A-08", ADVICE, 0, 1, "keys are not for caches", "Cache-Control: no-store", not_cached, NULL },
	{ .number = NULL },
};
