/* SPDX-License-Identifier: Apache-2.0 */
/* Clause 5.2: Get status. */
#include <stdio.h>
#include <string.h>

#include "checks.h"

static enum verdict answers(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (expect_status(&probe->status, 200, finding) != PASSED)
		return FAILED;
	if (!json_is_object(probe->status.json))
		return failed(finding, "HTTP 200, but %s",
			      probe->status.json ? "the body is no JSON object" : probe->status.json_why);
	return passed(finding, "HTTP 200 with a JSON object");
}

static enum verdict has_type(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (probe->status.status != 200)
		return skipped(finding, "there is no Status (see 5.2-01)");
	return check_type(&probe->status, finding);
}

/* Every byte of the ID as %XX, and the same Status is expected. */
static enum verdict decodes_id(struct probe *probe, const char *request, struct finding *finding)
{
	char path[PATH_ROOM];
	const char *id = probe->parties[SLAVE].sae;
	(void)request;
	if (probe->status.status != 200)
		return skipped(finding, "there is no Status (see 5.2-01)");
	size_t used = (size_t)snprintf(path, sizeof path, "/api/v1/keys/");
	for (size_t i = 0; id[i]; i++)
		used += (size_t)snprintf(path + used, sizeof path - used, "%%%02x", (unsigned)(unsigned char)id[i]);
	snprintf(path + used, sizeof path - used, "/status");
	const struct answer *answer = ask(probe, MASTER, "GET", path, NULL);
	if (expect_status(answer, 200, finding) != PASSED)
		return FAILED;
	const json_t *slave = json_object_get(answer->json, "slave_SAE_ID");
	const json_t *before = json_object_get(probe->status.json, "slave_SAE_ID");
	if (slave && before && !json_equal(slave, before))
		return failed(finding, "HTTP 200 for another slave_SAE_ID");
	return passed(finding, "HTTP 200 for the same SAE");
}

static enum verdict refuses_unknown(struct probe *probe, const char *request, struct finding *finding)
{
	const struct answer *answer = ask(probe, MASTER, "GET", sae_path(probe, request, "status"), NULL);
	if (answer->code == CURLE_OK && (answer->status == 401 || answer->status == 404))
		return expect_status(answer, answer->status, finding);
	return expect_status(answer, 400, finding);
}

const struct check checks_5_2[] = {
	{ "5.2-01", SHALL, 0, 0, "GET status answers 200 with a JSON object", "HTTP 200 with a JSON object", answers,
	  NULL },
	{ "5.2-02", SHALL, 0, 0, "a Status has the content type application/json", "application/json", has_type, NULL },
	{ "5.2-03", SHALL, 0, 0, "the SAE ID in a URL may be percent-encoded", "HTTP 200 for the same SAE", decodes_id,
	  NULL },
	{ "5.2-04", SHOULD, 0, 0, "the status for an SAE that does not exist is refused", "HTTP 400, 401 or 404",
	  refuses_unknown, "no-such-sae-of-qkd-conformance" },
	{ .number = NULL },
};
