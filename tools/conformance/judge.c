/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of one answer. Pure functions of hostile bytes. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "checks.h"

void describe(const struct answer *answer, char *text, size_t room)
{
	const char *message = json_string_value(json_object_get(answer->json, "message"));
	if (answer->code != CURLE_OK)
		snprintf(text, room, "no answer: %s", answer->why);
	else if (message && answer->status != 200)
		snprintf(text, room, "HTTP %ld, message \"%.120s\"", answer->status, message);
	else
		snprintf(text, room, "HTTP %ld", answer->status);
	clean(text);
}

enum verdict expect_status(const struct answer *answer, long status, struct finding *finding)
{
	char text[300];
	describe(answer, text, sizeof text);
	if (answer->code == CURLE_OK && answer->status == status)
		return passed(finding, "%s", text);
	return failed(finding, "%s", text);
}

enum verdict check_type(const struct answer *answer, struct finding *finding)
{
	static const char type[] = "application/json";
	size_t length = sizeof type - 1;
	bool right = strncasecmp(answer->type, type, length) == 0 && strchr("; \t", answer->type[length]);
	if (right)
		return passed(finding, "%s", answer->type);
	return failed(finding, "%s", answer->type[0] ? answer->type : "no Content-Type");
}

enum verdict check_error_object(const json_t *json, struct finding *finding)
{
	const json_t *message = json_object_get(json, "message");
	if (!json_is_object(json))
		return failed(finding, "the body is no JSON object");
	if (!message)
		return failed(finding, "the Error has no message");
	if (!json_is_string(message))
		return failed(finding, "the message is no string");
	return passed(finding, "message \"%.200s\"", json_string_value(message));
}

enum verdict check_error_details(const json_t *json, struct finding *finding)
{
	const json_t *details = json_object_get(json, "details");
	if (!details)
		return passed(finding, "no details");
	if (!json_is_array(details))
		return failed(finding, "details is no array");
	for (size_t i = 0; i < json_array_size(details); i++)
		if (!json_is_object(json_array_get(details, i)))
			return failed(finding, "details holds something that is no object");
	return passed(finding, "%zu objects", json_array_size(details));
}

enum verdict check_message(const struct answer *answer, const char *message, struct finding *finding)
{
	const char *seen = json_string_value(json_object_get(answer->json, "message"));
	if (seen && strcmp(seen, message) == 0)
		return passed(finding, "message \"%s\"", message);
	if (!seen)
		return failed(finding, "no message");
	return failed(finding, "message \"%.200s\"", seen);
}

/* The index in the batch of this ID; `count` if it has none. IDs may be written in either case. */
static size_t find(const struct batch *batch, size_t count, const char *id)
{
	size_t i = 0;
	while (i < count && strcasecmp(batch->keys[i].id, id) != 0)
		i++;
	return i;
}

static const char *compare(const json_t *entry, const struct batch *batch, size_t count, uint64_t *found)
{
	struct sample sample;
	const char *why = NULL;
	sample_read(entry, &sample);
	size_t i = sample.id_whole ? find(batch, count, sample.id) : count;
	if (i == count)
		why = "HTTP 200 with a key_ID that was not asked for";
	else if (*found & UINT64_C(1) << i)
		why = "HTTP 200 with one key twice";
	else if (batch->keys[i].key && !qv_secret_equal(batch->keys[i].key, sample.key))
		why = "HTTP 200 with another key than the master got under this key_ID";
	else
		*found |= UINT64_C(1) << i;
	sample_clear(&sample);
	return why;
}

enum verdict delivers(const struct answer *answer, const struct batch *batch, size_t count, struct finding *finding)
{
	const char *why;
	uint64_t found = 0;
	if (expect_status(answer, 200, finding) != PASSED)
		return FAILED;
	const json_t *keys = container_keys(answer->json, &why);
	if (!keys)
		return failed(finding, "HTTP 200, but %s", answer->json ? why : answer->json_why);
	if (json_array_size(keys) != count)
		return failed(finding, "HTTP 200 with %zu keys, not %zu", json_array_size(keys), count);
	for (size_t i = 0; i < count; i++)
		if ((why = compare(json_array_get(keys, i), batch, count, &found)) != NULL)
			return failed(finding, "%s", why);
	return passed(finding, "HTTP 200 with the same key%s", count == 1 ? "" : "s");
}
