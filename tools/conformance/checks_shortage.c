/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clauses 5.3 and 6.5: a request for more keys than there are. Brings the KME to where one request may ask for that
 * many, asks once, and looks at what came. Runs last, since it uses the stored keys up.
 */
#include <stdio.h>
#include <string.h>

#include "checks.h"
#include "limits.h"

#define ATTEMPTS 3 /* while the link makes new keys in between */

static int64_t stored_now(struct probe *probe)
{
	struct limits limits;
	limits_read(ask(probe, MASTER, "GET", sae_path(probe, probe->parties[SLAVE].sae, "status"), NULL), &limits);
	return limits.stored;
}

static const struct answer *ask_for(struct probe *probe, int64_t number)
{
	char body[64];
	snprintf(body, sizeof body, "{\"number\":%lld}", (long long)number);
	return ask(probe, MASTER, "POST", enc_path(probe, ""), body);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Takes keys until fewer than `limit` are left. false with the reason in why_not. */
static bool drain(struct probe *probe, int64_t limit, char *why_not, size_t room)
{
	struct finding finding;
	int64_t stored = stored_now(probe);
	if (stored - limit + 1 > (int64_t)probe->budget - probe->taken) {
		snprintf(why_not, room, "%lld keys are stored; to use them up, give --max-keys %lld or more",
			 (long long)stored, (long long)stored + probe->taken + 1);
		return false;
	}
	while (stored >= limit) {
		int64_t number = least(stored - limit + 1, limit);
		if (charge(probe, number, &finding) != PASSED || ask_for(probe, number)->status != 200) {
			snprintf(why_not, room, "the stored keys cannot be used up");
			return false;
		}
		probe_forget(probe);
		stored = stored_now(probe);
	}
	if (stored < 0)
		snprintf(why_not, room, "stored_key_count is not known (see 6.1-06)");
	return stored >= 0;
}

/* Whether the answer is as many keys as were asked for: new ones came in time. */
static bool is_whole(const struct answer *answer, int64_t asked)
{
	const char *why;
	return answer->status == 200 && (int64_t)json_array_size(container_keys(answer->json, &why)) == asked;
}

static void provoke(struct probe *probe, struct shortage *shortage)
{
	int64_t limit = probe->limits.per_request;
	if (limit < 1 || probe->limits.stored < 0) {
		snprintf(shortage->why_not, sizeof shortage->why_not,
			 "max_key_per_request or stored_key_count is not known (see 6.1-06 and 6.1-08)");
		return;
	}
	for (int i = 0; i < ATTEMPTS; i++) {
		struct finding finding;
		if (!drain(probe, limit, shortage->why_not, sizeof shortage->why_not))
			return;
		shortage->before = stored_now(probe);
		shortage->asked = shortage->before + 1;
		if (charge(probe, shortage->asked, &finding) != PASSED) {
			snprintf(shortage->why_not, sizeof shortage->why_not, "%.250s", finding.seen);
			return;
		}
		const struct answer *answer = ask_for(probe, shortage->asked);
		if (!is_whole(answer, shortage->asked)) {
			/* The check that runs would free it. */
			probe->answer_count--;
			shortage->answer = *answer;
			if (answer->status != 200)
				probe->taken -= (unsigned)shortage->asked;
			shortage->after = stored_now(probe);
			return;
		}
		probe_forget(probe);
	}
	snprintf(shortage->why_not, sizeof shortage->why_not, "the link makes keys as fast as they are taken");
}

static const struct shortage *shortage_of(struct probe *probe, struct finding *finding)
{
	struct shortage *shortage = &probe->shortage;
	if (!shortage->tried) {
		shortage->tried = true;
		provoke(probe, shortage);
	}
	if (!shortage->why_not[0])
		return shortage;
	skipped(finding, "%s", shortage->why_not);
	return NULL;
}

static enum verdict all_or_nothing(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	const struct shortage *shortage = shortage_of(probe, finding);
	const char *why;
	if (!shortage)
		return SKIPPED;
	const json_t *keys = container_keys(shortage->answer.json, &why);
	if (shortage->answer.status == 200)
		return failed(finding, "HTTP 200 with %zu of %lld keys", json_array_size(keys),
			      (long long)shortage->asked);
	return expect_status(&shortage->answer, 503, finding);
}

static enum verdict consumes_nothing(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	const struct shortage *shortage = shortage_of(probe, finding);
	if (!shortage)
		return SKIPPED;
	if (shortage->answer.status == 200)
		return skipped(finding, "keys were delivered (see 5.3-21)");
	if (shortage->before < 0 || shortage->after < 0)
		return skipped(finding, "stored_key_count is not known (see 6.1-06)");
	return (shortage->after >= shortage->before ? passed : failed)(finding, "%lld stored keys before, %lld after",
								       (long long)shortage->before,
								       (long long)shortage->after);
}

static enum verdict shortage_error(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	const struct shortage *shortage = shortage_of(probe, finding);
	if (!shortage)
		return SKIPPED;
	if (shortage->answer.code != CURLE_OK || shortage->answer.status != 503)
		return skipped(finding, "it is not answered with 503 (see 5.3-21)");
	enum verdict verdict = check_error_object(shortage->answer.json, finding);
	return verdict == PASSED ? check_error_details(shortage->answer.json, finding) : verdict;
}

const struct check checks_shortage[] = {
	{ "5.3-21", SHALL, 0, KEYS_SHORTAGE, "a request for more keys than are stored gets none", "HTTP 503",
	  all_or_nothing, NULL },
	{ "5.3-22", SHALL, 0, KEYS_SHORTAGE, "a request for more keys than are stored uses up none",
	  "stored_key_count does not fall", consumes_nothing, NULL },
	{ "6.5-09", SHALL, 0, KEYS_SHORTAGE, "a 503 answer is an Error object", "an object with a string message",
	  shortage_error, NULL },
	{ .number = NULL },
};
