/* SPDX-License-Identifier: Apache-2.0 */
/* Clause 6.1: the Status data format. */
#include <string.h>

#include "checks.h"

static bool has_status(const struct probe *probe, struct finding *finding)
{
	skipped(finding, "there is no Status (see 5.2-01)");
	return probe->status.status == 200 && json_is_object(probe->status.json);
}

static enum verdict is_text(struct probe *probe, const char *name, struct finding *finding)
{
	const json_t *value = json_object_get(probe->status.json, name);
	if (!has_status(probe, finding))
		return SKIPPED;
	if (!value)
		return failed(finding, "it is missing");
	if (!json_is_string(value))
		return failed(finding, "it is no string");
	if (json_string_length(value) == 0)
		return failed(finding, "it is empty");
	return passed(finding, "\"%.200s\"", json_string_value(value));
}

static enum verdict is_sae(struct probe *probe, const char *name, enum who who, struct finding *finding)
{
	enum verdict verdict = is_text(probe, name, finding);
	const char *value = json_string_value(json_object_get(probe->status.json, name));
	if (verdict == PASSED && strcmp(value, probe->parties[who].sae) != 0)
		return failed(finding, "\"%.100s\" instead of \"%.100s\"", value, probe->parties[who].sae);
	return verdict;
}

static enum verdict is_master(struct probe *probe, const char *name, struct finding *finding)
{
	return is_sae(probe, name, MASTER, finding);
}

static enum verdict is_slave(struct probe *probe, const char *name, struct finding *finding)
{
	return is_sae(probe, name, SLAVE, finding);
}

static enum verdict at_least(struct probe *probe, const char *name, json_int_t least, struct finding *finding)
{
	const json_t *value = json_object_get(probe->status.json, name);
	if (!has_status(probe, finding))
		return SKIPPED;
	if (!value)
		return failed(finding, "it is missing");
	if (!json_is_integer(value))
		return failed(finding, "it is no integer");
	if (json_integer_value(value) < least)
		return failed(finding, "%lld", (long long)json_integer_value(value));
	return passed(finding, "%lld", (long long)json_integer_value(value));
}

static enum verdict is_count(struct probe *probe, const char *name, struct finding *finding)
{
	return at_least(probe, name, 0, finding);
}

static enum verdict is_positive(struct probe *probe, const char *name, struct finding *finding)
{
	return at_least(probe, name, 1, finding);
}

static enum verdict sizes_ordered(struct probe *probe, const char *request, struct finding *finding)
{
	const struct limits *limits = &probe->limits;
	(void)request;
	if (limits->min_size < 0 || limits->key_size < 0 || limits->max_size < 0)
		return skipped(finding, "not all three are there (see 6.1-05, 6.1-09 and 6.1-10)");
	bool right = limits->min_size <= limits->key_size && limits->key_size <= limits->max_size;
	return (right ? passed : failed)(finding, "%lld, %lld, %lld", (long long)limits->min_size,
					 (long long)limits->key_size, (long long)limits->max_size);
}

static enum verdict stock_bounded(struct probe *probe, const char *request, struct finding *finding)
{
	const struct limits *limits = &probe->limits;
	(void)request;
	if (limits->stored < 0 || limits->max_stored < 0)
		return skipped(finding, "not both are there (see 6.1-06 and 6.1-07)");
	return (limits->stored <= limits->max_stored ? passed : failed)(
		finding, "%lld of %lld", (long long)limits->stored, (long long)limits->max_stored);
}

static enum verdict extension_object(struct probe *probe, const char *name, struct finding *finding)
{
	const json_t *value = json_object_get(probe->status.json, name);
	if (!has_status(probe, finding))
		return SKIPPED;
	if (value && !json_is_object(value))
		return failed(finding, "it is no object");
	return passed(finding, "%s", value ? "an object" : "none");
}

#define STRING   "a string that is not empty"
#define COUNT    "an integer from 0"
#define POSITIVE "an integer from 1"

const struct check checks_6_1[] = {
	{ "6.1-01", SHALL, 0, 0, "source_KME_ID is a string", STRING, is_text, "source_KME_ID" },
	{ "6.1-02", SHALL, 0, 0, "target_KME_ID is a string", STRING, is_text, "target_KME_ID" },
	{ "6.1-03", SHALL, 0, 0, "master_SAE_ID is the caller's", "the ID given as --master-sae", is_master,
	  "master_SAE_ID" },
	{ "6.1-04", SHALL, 0, 0, "slave_SAE_ID is the one in the URL", "the ID given as --slave-sae", is_slave,
	  "slave_SAE_ID" },
	{ "6.1-05", SHALL, 0, 0, "key_size is an integer", POSITIVE, is_positive, "key_size" },
	{ "6.1-06", SHALL, 0, 0, "stored_key_count is an integer", COUNT, is_count, "stored_key_count" },
	{ "6.1-07", SHALL, 0, 0, "max_key_count is an integer", COUNT, is_count, "max_key_count" },
	{ "6.1-08", SHALL, 0, 0, "max_key_per_request is an integer", POSITIVE, is_positive, "max_key_per_request" },
	{ "6.1-09", SHALL, 0, 0, "max_key_size is an integer", POSITIVE, is_positive, "max_key_size" },
	{ "6.1-10", SHALL, 0, 0, "min_key_size is an integer", POSITIVE, is_positive, "min_key_size" },
	{ "6.1-11", SHALL, 0, 0, "max_SAE_ID_count is an integer", COUNT, is_count, "max_SAE_ID_count" },
	{ "6.1-12", SHALL, 0, 0, "status_extension, if there is one, is an object", "none, or an object",
	  extension_object, "status_extension" },
	{ "6.1-13", SHALL, 0, 0, "key_size lies between min_key_size and max_key_size",
	  "min_key_size, key_size and max_key_size in ascending order", sizes_ordered, NULL },
	{ "6.1-14", SHALL, 0, 0, "no more keys are stored than max_key_count", "stored_key_count up to max_key_count",
	  stock_bounded, NULL },
	{ .number = NULL },
};
