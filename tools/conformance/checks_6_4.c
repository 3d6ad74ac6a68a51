/* SPDX-License-Identifier: Apache-2.0 */
/* Clause 6.4: the Key IDs data format. */
#include <stdio.h>
#include <string.h>

#include "checks.h"

static enum verdict refused(struct probe *probe, const char *request, struct finding *finding)
{
	const char *path = sae_path(probe, probe->parties[MASTER].sae, "dec_keys");
	const char *body = strcmp(request, "GET") == 0 ? NULL : request;
	return expect_status(ask(probe, SLAVE, body ? "POST" : "GET", path, body), 400, finding);
}

static enum verdict extended(struct probe *probe, const char *request, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	char body[SAMPLE_ID_MAX + 128];
	enum verdict verdict = fresh(probe, 1, &batch, finding);
	if (verdict == PASSED) {
		snprintf(body, sizeof body, "{\"key_IDs\":[{\"key_ID\":\"%s\"%s}]%s}", batch.keys[0].id,
			 request[0] == ',' ? request : "", request[0] == ',' ? "" : ",\"key_IDs_extension\":{}");
		verdict = delivers(
			ask_once(probe, SLAVE, "POST", sae_path(probe, probe->parties[MASTER].sae, "dec_keys"), body),
			&batch, 1, finding);
	}
	batch_clear(&batch);
	return verdict;
}

#define REFUSAL(number, title, request)                                                                                \
	{                                                                                                              \
		number, SHALL, NEEDS_SLAVE, 0, title, "HTTP 400", refused, request                                     \
	}

const struct check checks_6_4[] = {
	REFUSAL("6.4-01", "a list of key_IDs that is no JSON is refused", "{\"key_IDs\":["),
	REFUSAL("6.4-02", "a list of key_IDs that is no object is refused", "[\"" UNKNOWN_ID "\"]"),
	REFUSAL("6.4-03", "an object without key_IDs is refused", "{}"),
	REFUSAL("6.4-04", "key_IDs that is no array is refused", "{\"key_IDs\":\"" UNKNOWN_ID "\"}"),
	REFUSAL("6.4-05", "key_IDs without an entry is refused", "{\"key_IDs\":[]}"),
	REFUSAL("6.4-06", "an entry that is no object is refused", "{\"key_IDs\":[\"" UNKNOWN_ID "\"]}"),
	REFUSAL("6.4-07", "an entry without a key_ID is refused", "{\"key_IDs\":[{}]}"),
	REFUSAL("6.4-08", "a key_ID that is no string is refused", "{\"key_IDs\":[{\"key_ID\":1}]}"),
	REFUSAL("6.4-09", "a key_ID that is no UUID is refused", "{\"key_IDs\":[{\"key_ID\":\"one\"}]}"),
	REFUSAL("6.4-10", "GET without a key_ID is refused", "GET"),
	{ "6.4-11", SHALL, NEEDS_SLAVE, 1, "an empty key_IDs_extension changes nothing", "HTTP 200 with the same key",
	  extended, "" },
	{ "6.4-12", SHALL, NEEDS_SLAVE, 1, "an empty key_ID_extension changes nothing", "HTTP 200 with the same key",
	  extended, ",\"key_ID_extension\":{}" },
	{ .number = NULL },
};
