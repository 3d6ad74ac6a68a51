/* SPDX-License-Identifier: Apache-2.0 */
/* Clause 5.4: Get key with key IDs. */
#include <stdio.h>
#include <string.h>

#include "checks.h"

static const char *master(const struct probe *probe)
{
	return probe->parties[MASTER].sae;
}

/* Claims as the slave, as it should be. */
static const struct answer *claim_right(struct probe *probe, const struct batch *batch, size_t count)
{
	return claim(probe, SLAVE, master(probe), batch, count, NULL);
}

static const struct answer *claim_by_get(struct probe *probe, const struct batch *batch)
{
	char rest[SAMPLE_ID_MAX + 32];
	snprintf(rest, sizeof rest, "dec_keys?key_ID=%s", batch->keys[0].id);
	return ask_once(probe, SLAVE, "GET", sae_path(probe, master(probe), rest), NULL);
}

static enum verdict posts(struct probe *probe, unsigned count, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	enum verdict verdict = fresh(probe, count, &batch, finding);
	if (verdict == PASSED)
		verdict = delivers(claim_right(probe, &batch, count), &batch, count, finding);
	batch_clear(&batch);
	return verdict;
}

static enum verdict posts_one(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return posts(probe, 1, finding);
}

static enum verdict posts_three(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return posts(probe, 3, finding);
}

static enum verdict has_type(struct probe *probe, const char *request, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	(void)request;
	enum verdict verdict = fresh(probe, 1, &batch, finding);
	if (verdict == PASSED) {
		const struct answer *answer = claim_right(probe, &batch, 1);
		verdict = answer->status == 200 ? check_type(answer, finding)
						: skipped(finding, "there is no key container (see 5.4-01)");
	}
	batch_clear(&batch);
	return verdict;
}

static enum verdict gets(struct probe *probe, const char *request, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	(void)request;
	enum verdict verdict = fresh(probe, 1, &batch, finding);
	if (verdict == PASSED)
		verdict = delivers(claim_by_get(probe, &batch), &batch, 1, finding);
	batch_clear(&batch);
	return verdict;
}

static enum verdict once(struct probe *probe, bool by_get, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	enum verdict verdict = fresh(probe, 1, &batch, finding);
	if (verdict == PASSED) {
		const struct answer *first = by_get ? claim_by_get(probe, &batch) : claim_right(probe, &batch, 1);
		if (first->code != CURLE_OK || first->status != 200)
			verdict = skipped(finding, "not even the first request is answered (see 5.4-01 and 5.4-03)");
		else
			verdict = expect_status(by_get ? claim_by_get(probe, &batch) : claim_right(probe, &batch, 1),
						400, finding);
	}
	batch_clear(&batch);
	return verdict;
}

static enum verdict once_by_post(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return once(probe, false, finding);
}

static enum verdict once_by_get(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return once(probe, true, finding);
}

static enum verdict unknown(struct probe *probe, const char *request, struct finding *finding)
{
	const char *path = sae_path(probe, master(probe), request[0] == '{' ? "dec_keys" : request);
	const char *body = request[0] == '{' ? request : NULL;
	return expect_status(ask(probe, SLAVE, body ? "POST" : "GET", path, body), 400, finding);
}

/* One key that is there and one that is not: first whether the request is refused, then whether the key survived. */
static enum verdict mixed(struct probe *probe, bool survives, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	enum verdict verdict = fresh(probe, 1, &batch, finding);
	if (verdict == PASSED) {
		const struct answer *answer =
			claim(probe, SLAVE, master(probe), &batch, 1, "{\"key_ID\":\"" UNKNOWN_ID "\"}");
		verdict = expect_status(answer, 400, finding);
		if (survives)
			verdict = answer->status == 200 ? skipped(finding, "it was not refused (see 5.4-09)")
							: delivers(claim_right(probe, &batch, 1), &batch, 1, finding);
	}
	batch_clear(&batch);
	return verdict;
}

static enum verdict mixed_refused(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return mixed(probe, false, finding);
}

static enum verdict mixed_survives(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return mixed(probe, true, finding);
}

static enum verdict third(struct probe *probe, bool survives, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	enum verdict verdict = fresh(probe, 1, &batch, finding);
	if (verdict == PASSED) {
		const struct answer *answer = claim(probe, THIRD, master(probe), &batch, 1, NULL);
		verdict = expect_status(answer, 401, finding);
		if (survives)
			verdict = answer->status == 200 ? skipped(finding, "it was not refused (see 5.4-11)")
							: delivers(claim_right(probe, &batch, 1), &batch, 1, finding);
	}
	batch_clear(&batch);
	return verdict;
}

static enum verdict third_refused(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return third(probe, false, finding);
}

static enum verdict third_takes_nothing(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return third(probe, true, finding);
}

/* The slave asks for the key as that of another master. */
static enum verdict other_master(struct probe *probe, const char *request, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	const char *other = probe->parties[THIRD].sae ? probe->parties[THIRD].sae : request;
	enum verdict verdict = fresh(probe, 1, &batch, finding);
	if (verdict == PASSED) {
		const struct answer *answer = claim(probe, SLAVE, other, &batch, 1, NULL);
		verdict = expect_status(answer, answer->status == 401 ? 401 : 400, finding);
	}
	batch_clear(&batch);
	return verdict;
}

/* The master asks at the slave's KME for the key that it has already. */
static enum verdict own_key(struct probe *probe, const char *request, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	struct qv_error err = QV_ERROR_INIT;
	struct party party = probe->parties[MASTER];
	(void)request;
	party.url = probe->parties[SLAVE].url;
	party.ca = probe->parties[SLAVE].ca;
	struct client *client = client_new(&party, NULL, probe->timeout_ms, &err);
	if (!client)
		return skipped(finding, "%s", err.message);
	enum verdict verdict = fresh(probe, 1, &batch, finding);
	if (verdict == PASSED) {
		char rest[SAMPLE_ID_MAX + 32];
		struct answer answer;
		snprintf(rest, sizeof rest, "dec_keys?key_ID=%s", batch.keys[0].id);
		client_ask(client, "GET", sae_path(probe, master(probe), rest), NULL, true, &answer);
		verdict = expect_status(&answer, 401, finding);
		if (answer.code != CURLE_OK)
			verdict = is_absent(answer.code) ? SKIPPED : PASSED;
		answer_clear(&answer);
	}
	client_free(client);
	batch_clear(&batch);
	return verdict;
}

#define SAME      "HTTP 200 with the same key"
#define NOT_FOUND "HTTP 400"

const struct check checks_5_4[] = {
	{ "5.4-01", SHALL, NEEDS_SLAVE, 1, "POST with a key_ID gives the slave the master's key", SAME, posts_one,
	  NULL },
	{ "5.4-02", SHALL, NEEDS_SLAVE, 1, "the slave's key container has the content type application/json",
	  "application/json", has_type, NULL },
	{ "5.4-03", SHALL, NEEDS_SLAVE, 1, "GET with a key_ID gives the slave the master's key", SAME, gets, NULL },
	{ "5.4-04", SHALL, NEEDS_SLAVE, 3, "POST with three key_IDs gives all three keys", SAME "s", posts_three,
	  NULL },
	{ "5.4-05", SHALL, NEEDS_SLAVE, 1, "a key that POST delivered is not delivered again", NOT_FOUND, once_by_post,
	  NULL },
	{ "5.4-06", SHALL, NEEDS_SLAVE, 1, "a key that GET delivered is not delivered again", NOT_FOUND, once_by_get,
	  NULL },
	{ "5.4-07", SHALL, NEEDS_SLAVE, 0, "POST with a key_ID that does not exist is refused", NOT_FOUND, unknown,
	  "{\"key_IDs\":[{\"key_ID\":\"" UNKNOWN_ID "\"}]}" },
	{ "5.4-08", SHALL, NEEDS_SLAVE, 0, "GET with a key_ID that does not exist is refused", NOT_FOUND, unknown,
	  "dec_keys?key_ID=" UNKNOWN_ID },
	{ "5.4-09", SHALL, NEEDS_SLAVE, 1, "a list with one key_ID that does not exist is refused as a whole",
	  NOT_FOUND, mixed_refused, NULL },
	{ "5.4-10", SHALL, NEEDS_SLAVE, 1, "a list that is refused uses up none of its keys",
	  SAME " when it is asked for alone", mixed_survives, NULL },
	{ "5.4-11", SHALL, NEEDS_SLAVE | NEEDS_THIRD, 1, "an SAE that the master did not name gets no key", "HTTP 401",
	  third_refused, NULL },
	{ "5.4-12", SHALL, NEEDS_SLAVE | NEEDS_THIRD, 1, "the request of an SAE that was not named uses up no key",
	  SAME " for the slave afterwards", third_takes_nothing, NULL },
	{ "5.4-13", SHALL, NEEDS_SLAVE, 1, "a key is not found under another master", "HTTP 400 or 401", other_master,
	  "no-such-sae-of-qkd-conformance" },
	{ "5.4-14", SHALL, NEEDS_SLAVE, 1, "the master gets no second copy in the slave's place",
	  "HTTP 401, or no session", own_key, NULL },
	{ .number = NULL },
};
