/* SPDX-License-Identifier: Apache-2.0 */
/* Clause 6.2: the Key request data format. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"

enum verdict check_enc_refused(struct probe *probe, const char *request, struct finding *finding)
{
	if (request[0] == '?')
		return expect_refusal(probe, enc_path(probe, request), NULL, finding);
	return expect_refusal(probe, enc_path(probe, ""), request, finding);
}

static enum verdict served(struct probe *probe, const char *request, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	enum verdict verdict = take(probe, enc_path(probe, ""), request, 1, &batch, finding);
	batch_clear(&batch);
	return verdict;
}

/* An extension that is optional: served without it, or refused in the words of the text. */
static enum verdict optional_extension(struct probe *probe, const char *request, struct finding *finding)
{
	if (charge(probe, 1, finding) != PASSED)
		return SKIPPED;
	const struct answer *answer = ask(probe, MASTER, "POST", enc_path(probe, ""), request);
	if (answer->code == CURLE_OK && answer->status == 400)
		return check_message(answer, "not all extension_optional request options handled", finding);
	return expect_status(answer, 200, finding);
}

/* `count` made-up additional slave SAEs. */
static enum verdict refuses_additional(struct probe *probe, unsigned count, struct finding *finding)
{
	size_t room = 64 + (size_t)count * 40, used;
	char *body = malloc(room);
	if (!body)
		return skipped(finding, "no memory");
	used = (size_t)snprintf(body, room, "{\"additional_slave_SAE_IDs\":[");
	for (unsigned i = 0; i < count; i++)
		used += (size_t)snprintf(body + used, room - used, "%s\"no-such-sae-%u\"", i ? "," : "", i);
	snprintf(body + used, room - used, "]}");
	enum verdict verdict = expect_refusal(probe, enc_path(probe, ""), body, finding);
	free(body);
	return verdict;
}

static enum verdict too_many_slaves(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (probe->limits.additional < 0)
		return skipped(finding, "max_SAE_ID_count is not known (see 6.1-11)");
	if (probe->limits.additional >= 1000)
		return skipped(finding, "max_SAE_ID_count is %lld, and the list would be too long",
			       (long long)probe->limits.additional);
	return refuses_additional(probe, (unsigned)probe->limits.additional + 1, finding);
}

/* Both slaves get the key, each once. */
static enum verdict claim_both(struct probe *probe, const struct batch *batch, struct finding *finding)
{
	static const enum who slaves[] = { SLAVE, ADDITIONAL };
	const char *master = probe->parties[MASTER].sae;
	for (size_t i = 0; i < 2; i++) {
		struct finding why;
		if (delivers(claim(probe, slaves[i], master, batch, 1, NULL), batch, 1, &why) != PASSED)
			return failed(finding, "to %s: %.300s", i ? "the additional slave" : "the slave", why.seen);
	}
	for (size_t i = 0; i < 2; i++)
		if (claim(probe, slaves[i], master, batch, 1, NULL)->status == 200)
			return failed(finding, "%s got it twice", i ? "the additional slave" : "the slave");
	return passed(finding, "both slaves got the key, each once");
}

static enum verdict multicast(struct probe *probe, const char *request, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	const char *additional = probe->parties[ADDITIONAL].sae;
	char *body;
	(void)request;
	if (probe->limits.additional < 0)
		return skipped(finding, "max_SAE_ID_count is not known (see 6.1-11)");
	if (probe->limits.additional == 0)
		return refuses_additional(probe, 1, finding);
	if (!additional || !probe->clients[ADDITIONAL])
		return skipped(finding, "give --additional-slave and --additional-cert (and --additional-url)");
	json_t *json = json_pack("{s:i,s:[s]}", "number", 1, "additional_slave_SAE_IDs", additional);
	body = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!body)
		return skipped(finding, "--additional-slave is no UTF-8");
	enum verdict verdict = take(probe, enc_path(probe, ""), body, 1, &batch, finding);
	if (verdict == PASSED)
		verdict = want_ids(&batch, finding);
	if (verdict == PASSED)
		verdict = probe->clients[SLAVE] ? claim_both(probe, &batch, finding)
						: skipped(finding, "give --slave-cert");
	json_text_free(body);
	batch_clear(&batch);
	return verdict;
}

#define REFUSED "HTTP 400"
#define SERVED  "HTTP 200 with a key"
#define REFUSAL(number, title, request)                                                                                \
	{                                                                                                              \
		number, SHALL, 0, 0, title, REFUSED, check_enc_refused, request                                        \
	}

const struct check checks_6_2[] = {
	REFUSAL("6.2-01", "a body that is no JSON is refused", "{\"number\":1"),
	REFUSAL("6.2-02", "a JSON body that is no object is refused", "[1]"),
	REFUSAL("6.2-03", "a number that is a string is refused", "{\"number\":\"1\"}"),
	REFUSAL("6.2-04", "a number that is no whole one is refused", "{\"number\":1.5}"),
	REFUSAL("6.2-05", "a negative number is refused", "{\"number\":-1}"),
	REFUSAL("6.2-06", "a size that is a string is refused", "{\"size\":\"256\"}"),
	REFUSAL("6.2-07", "a negative size is refused", "{\"size\":-256}"),
	REFUSAL("6.2-08", "a number in the URL that is no integer is refused", "?number=one"),
	REFUSAL("6.2-09", "a size in the URL that is no integer is refused", "?size=large"),
	REFUSAL("6.2-10", "additional_slave_SAE_IDs that is no array is refused",
		"{\"additional_slave_SAE_IDs\":\"no-such-sae\"}"),
	REFUSAL("6.2-11", "additional_slave_SAE_IDs with something that is no string is refused",
		"{\"additional_slave_SAE_IDs\":[{}]}"),
	{ "6.2-12", SHALL, 0, 1, "additional_slave_SAE_IDs works as max_SAE_ID_count says",
	  "with 0: HTTP 400; else every slave gets the key, each once", multicast, NULL },
	{ "6.2-13", SHALL, 0, 0, "more additional slaves than max_SAE_ID_count are refused", REFUSED, too_many_slaves,
	  NULL },
	REFUSAL("6.2-14", "an extension_mandatory that no KME knows is refused",
		"{\"extension_mandatory\":[{\"qkdconformance_none\":\"x\"}]}"),
	REFUSAL("6.2-15", "extension_mandatory that is no array is refused",
		"{\"extension_mandatory\":{\"qkdconformance_none\":\"x\"}}"),
	{ "6.2-16", SHALL, 0, 1, "an extension_optional that no KME knows is left out, or refused in the text's words",
	  "HTTP 200, or 400 with \"not all extension_optional request options handled\"", optional_extension,
	  "{\"extension_optional\":[{\"qkdconformance_none\":\"x\"}]}" },
	REFUSAL("6.2-17", "extension_optional that is no array is refused", "{\"extension_optional\":\"x\"}"),
	{ "6.2-18", SHALL, 0, 1, "arrays in a request may be empty", SERVED, served,
	  "{\"additional_slave_SAE_IDs\":[],\"extension_mandatory\":[],\"extension_optional\":[]}" },
	REFUSAL("6.2-19", "a number of 0 is refused", "{\"number\":0}"),
	REFUSAL("6.2-20", "a number beyond all integers is refused", "{\"number\":99999999999999999999}"),
	{ .number = NULL },
};
