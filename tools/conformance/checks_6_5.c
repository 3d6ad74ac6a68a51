/* SPDX-License-Identifier: Apache-2.0 */
/* Clause 6.5: the Error data format, and the messages that the text fixes. */
#include <stdio.h>
#include <string.h>

#include "checks.h"

#define NO_JSON   "{\"number\":1"
#define NO_NUMBER "{\"number\":\"1\"}"

/* The n-th of some requests that are refused; NULL after the last. Those of the slave only when there is one. */
static const struct answer *provoke(struct probe *probe, size_t n)
{
	static const char *const bodies[] = { NO_JSON, NO_NUMBER, "{\"size\":-8}" };
	const size_t count = sizeof bodies / sizeof bodies[0];
	if (n < count)
		return ask(probe, MASTER, "POST", enc_path(probe, ""), bodies[n]);
	if (n > count || !probe->clients[SLAVE])
		return NULL;
	return ask(probe, SLAVE, "POST", sae_path(probe, probe->parties[MASTER].sae, "dec_keys"),
		   "{\"key_IDs\":[{\"key_ID\":\"" UNKNOWN_ID "\"}]}");
}

/* Judges all that are answered with 400. */
static enum verdict judge_errors(struct probe *probe,
				 enum verdict (*judge)(const struct answer *answer, struct finding *finding),
				 struct finding *finding)
{
	const struct answer *answer;
	enum verdict verdict = skipped(finding, "nothing is answered with 400 (see 6.2-01, 6.2-03, 6.2-07 and 5.4-07)");
	for (size_t n = 0; verdict != FAILED && (answer = provoke(probe, n)) != NULL; n++)
		if (answer->code == CURLE_OK && answer->status == 400)
			verdict = judge(answer, finding);
	return verdict;
}

static enum verdict judge_object(const struct answer *answer, struct finding *finding)
{
	return check_error_object(answer->json, finding);
}

static enum verdict judge_details(const struct answer *answer, struct finding *finding)
{
	return check_error_details(answer->json, finding);
}

static enum verdict are_objects(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return judge_errors(probe, judge_object, finding);
}

static enum verdict have_type(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return judge_errors(probe, check_type, finding);
}

static enum verdict have_details(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return judge_errors(probe, judge_details, finding);
}

/* Only what is refused has a message to look at. */
static enum verdict says(const struct answer *answer, const char *message, const char *see, struct finding *finding)
{
	if (answer->code != CURLE_OK || answer->status != 400)
		return skipped(finding, "it is not refused with 400 (see %s)", see);
	return check_message(answer, message, finding);
}

static enum verdict size_message(struct probe *probe, const char *message, struct finding *finding)
{
	char body[64];
	int64_t size = odd_size(&probe->limits);
	if (size <= 0)
		return skipped(finding, "the sizes are not known (see 6.1-05, 6.1-09 and 6.1-10)");
	if (size < probe->limits.min_size || size > probe->limits.max_size)
		return skipped(finding, "all keys have one size, so that another reason to refuse it is as good");
	snprintf(body, sizeof body, "{\"size\":%lld}", (long long)size);
	return says(ask(probe, MASTER, "POST", enc_path(probe, ""), body), message, "5.3-14", finding);
}

static enum verdict extension_message(struct probe *probe, const char *message, struct finding *finding)
{
	return says(ask(probe, MASTER, "POST", enc_path(probe, ""),
			"{\"extension_mandatory\":[{\"qkdconformance_none\":\"x\"}]}"),
		    message, "6.2-14", finding);
}

static enum verdict unknown_message(struct probe *probe, const char *message, struct finding *finding)
{
	return says(ask(probe, SLAVE, "POST", sae_path(probe, probe->parties[MASTER].sae, "dec_keys"),
			"{\"key_IDs\":[{\"key_ID\":\"" UNKNOWN_ID "\"}]}"),
		    message, "5.4-07", finding);
}

static enum verdict repeated_message(struct probe *probe, const char *message, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	enum verdict verdict = fresh(probe, 1, &batch, finding);
	if (verdict == PASSED) {
		const char *master = probe->parties[MASTER].sae;
		claim(probe, SLAVE, master, &batch, 1, NULL);
		verdict = says(claim(probe, SLAVE, master, &batch, 1, NULL), message, "5.4-05", finding);
	}
	batch_clear(&batch);
	return verdict;
}

static enum verdict unauthorized_is_empty(struct probe *probe, const char *request, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	(void)request;
	enum verdict verdict = fresh(probe, 1, &batch, finding);
	if (verdict == PASSED) {
		const struct answer *answer = claim(probe, THIRD, probe->parties[MASTER].sae, &batch, 1, NULL);
		if (answer->code != CURLE_OK || answer->status != 401)
			verdict = skipped(finding, "it is not refused with 401 (see 5.4-11)");
		else
			verdict =
				(answer->length == 0 ? passed : failed)(finding, "a body of %zu bytes", answer->length);
	}
	batch_clear(&batch);
	return verdict;
}

#define NOT_FOUND "one or more keys specified are not found on KME"
#define OBJECT    "an object with a string message"

const struct check checks_6_5[] = {
	{ "6.5-01", SHALL, 0, 0, "a 400 answer is an Error object", OBJECT, are_objects, NULL },
	{ "6.5-02", SHALL, 0, 0, "an Error has the content type application/json", "application/json", have_type,
	  NULL },
	{ "6.5-03", SHALL, 0, 0, "the details of an Error, if there are any, are an array of objects",
	  "none, or an array of objects", have_details, NULL },
	{ "6.5-04", SHALL, NEEDS_SLAVE | NEEDS_THIRD, 1, "a 401 answer has no body", "a body of 0 bytes",
	  unauthorized_is_empty, NULL },
	{ "6.5-05", SHALL, 0, 0, "the message for a size that is no multiple of 8 is the text's",
	  "message \"size shall be a multiple of 8\"", size_message, "size shall be a multiple of 8" },
	{ "6.5-06", SHALL, 0, 0, "the message for an extension_mandatory that is not known is the text's",
	  "message \"not all extension_mandatory parameters are supported\"", extension_message,
	  "not all extension_mandatory parameters are supported" },
	{ "6.5-07", SHALL, NEEDS_SLAVE, 0, "the message for a key_ID that does not exist is the text's",
	  "message \"" NOT_FOUND "\"", unknown_message, NOT_FOUND },
	{ "6.5-08", SHALL, NEEDS_SLAVE, 1, "the message for a key that was delivered before is the text's",
	  "message \"" NOT_FOUND "\"", repeated_message, NOT_FOUND },
	{ .number = NULL },
};
