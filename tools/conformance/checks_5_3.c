/* SPDX-License-Identifier: Apache-2.0 */
/* Clause 5.3: Get key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"

/* `request`: "GET", URL parameters, "POST" for one without a body, or the body. */
static enum verdict gives(struct probe *probe, const char *request, unsigned count, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	bool parameters = request[0] == '?';
	const char *body = strcmp(request, "POST") == 0 ? "" : request;
	if (parameters || strcmp(request, "GET") == 0)
		body = NULL;
	enum verdict verdict = take(probe, enc_path(probe, parameters ? request : ""), body, count, &batch, finding);
	batch_clear(&batch);
	return verdict;
}

static enum verdict gives_one(struct probe *probe, const char *request, struct finding *finding)
{
	return gives(probe, request, 1, finding);
}

static enum verdict gives_two(struct probe *probe, const char *request, struct finding *finding)
{
	return gives(probe, request, 2, finding);
}

static enum verdict has_type(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	if (charge(probe, 1, finding) != PASSED)
		return SKIPPED;
	const struct answer *answer = ask(probe, MASTER, "POST", enc_path(probe, ""), "{}");
	if (answer->status != 200)
		return skipped(finding, "there is no key container (see 5.3-04)");
	return check_type(answer, finding);
}

/* All keys of the batch have so many bits. */
static enum verdict have_size(const struct batch *batch, int64_t bits, struct finding *finding)
{
	for (size_t i = 0; i < batch->count && i < SAMPLES_MAX; i++) {
		if (!batch->keys[i].key)
			return skipped(finding, "a key cannot be read (see 6.3-04)");
		if ((int64_t)qv_secret_size(batch->keys[i].key) * 8 != bits)
			return failed(finding, "a key of %zu bits instead of %lld",
				      qv_secret_size(batch->keys[i].key) * 8, (long long)bits);
	}
	return passed(finding, "%zu key%s of %lld bits", batch->count, batch->count == 1 ? "" : "s", (long long)bits);
}

static enum verdict gives_sized(struct probe *probe, const char *path, const char *body, unsigned count, int64_t bits,
				struct finding *finding)
{
	struct batch batch = { .count = 0 };
	enum verdict verdict = take(probe, path, body, count, &batch, finding);
	if (verdict == PASSED)
		verdict = have_size(&batch, bits, finding);
	batch_clear(&batch);
	return verdict;
}

static enum verdict default_size(struct probe *probe, const char *request, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	(void)request;
	if (probe->limits.key_size < 0)
		return skipped(finding, "key_size is not known (see 6.1-05)");
	enum verdict verdict = fresh(probe, 1, &batch, finding);
	if (verdict == PASSED)
		verdict = have_size(&batch, probe->limits.key_size, finding);
	batch_clear(&batch);
	return verdict;
}

/* A multiple of 8 within the limits, another than the default if there is one; 0 when there is none. */
static int64_t other_size(const struct limits *limits)
{
	int64_t low = (limits->min_size + 7) / 8 * 8, high = limits->max_size / 8 * 8;
	if (limits->min_size < 0 || limits->max_size < 0 || low > high || high < 8)
		return 0;
	low = low ? low : 8;
	const int64_t tries[] = { limits->key_size / 8 * 8 - 8, limits->key_size / 8 * 8 + 8 };
	for (size_t i = 0; i < 2; i++)
		if (tries[i] >= low && tries[i] <= high)
			return tries[i];
	return high;
}

/* `request`: "POST" or "GET", and after a blank how many keys are asked for. */
static enum verdict obeys_size(struct probe *probe, const char *request, struct finding *finding)
{
	char text[96];
	bool post = strncmp(request, "POST", 4) == 0;
	unsigned number = strchr(request, '2') ? 2 : 1;
	long long size = other_size(&probe->limits);
	if (size == 0)
		return skipped(finding, "no size is known to be possible (see 6.1-05, 6.1-09 and 6.1-10)");
	if (post && number == 2)
		snprintf(text, sizeof text, "{\"number\":2,\"size\":%lld}", size);
	else if (post)
		snprintf(text, sizeof text, "{\"size\":%lld}", size);
	else
		snprintf(text, sizeof text, number == 2 ? "?number=2&size=%lld" : "?size=%lld", size);
	return gives_sized(probe, enc_path(probe, post ? "" : text), post ? text : NULL, number, size, finding);
}

static enum verdict gives_limit(struct probe *probe, int64_t size, struct finding *finding)
{
	char body[64];
	if (size <= 0 || size % 8 != 0)
		return skipped(finding, "the limit is not known or no multiple of 8 (see 6.1-09 and 6.1-10)");
	snprintf(body, sizeof body, "{\"size\":%lld}", (long long)size);
	return gives_sized(probe, enc_path(probe, ""), body, 1, size, finding);
}

static enum verdict smallest(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return gives_limit(probe, probe->limits.min_size, finding);
}

static enum verdict largest(struct probe *probe, const char *request, struct finding *finding)
{
	(void)request;
	return gives_limit(probe, probe->limits.max_size, finding);
}

static enum verdict most_keys(struct probe *probe, const char *request, struct finding *finding)
{
	char body[64];
	struct batch batch = { .count = 0 };
	int64_t most = probe->limits.per_request;
	(void)request;
	if (most <= 0 || most > UINT16_MAX)
		return skipped(finding, "max_key_per_request is not known, or too large (see 6.1-08)");
	snprintf(body, sizeof body, "{\"number\":%lld}", (long long)most);
	enum verdict verdict = take(probe, enc_path(probe, ""), body, (unsigned)most, &batch, finding);
	batch_clear(&batch);
	return verdict;
}

int64_t odd_size(const struct limits *limits)
{
	int64_t low = limits->min_size > 0 ? limits->min_size : 1, size = limits->key_size;
	if (limits->min_size < 0 || limits->max_size < 0 || size < 0)
		return 0;
	size = size / 8 * 8 + 1;
	return size <= limits->max_size ? size : size - 2 >= low ? size - 2 : size;
}

/* A KME may have keys of any number of bits; what it must not do is deliver another size. */
static enum verdict odd_bits(struct probe *probe, const char *request, struct finding *finding)
{
	char body[64];
	const char *why;
	struct sample sample;
	int64_t size = odd_size(&probe->limits);
	(void)request;
	if (size <= 0)
		return skipped(finding, "the sizes are not known (see 6.1-05, 6.1-09 and 6.1-10)");
	snprintf(body, sizeof body, "{\"size\":%lld}", (long long)size);
	const struct answer *answer = ask(probe, MASTER, "POST", enc_path(probe, ""), body);
	if (answer->code != CURLE_OK || answer->status != 200)
		return expect_status(answer, 400, finding);
	const json_t *keys = container_keys(answer->json, &why);
	if (!keys)
		return skipped(finding, "%s (see 6.3-01)", answer->json ? why : answer->json_why);
	sample_read(json_array_get(keys, 0), &sample);
	size_t bytes = qv_secret_size(sample.key);
	sample_clear(&sample);
	return ((int64_t)bytes == (size + 7) / 8 ? passed : failed)(finding, "HTTP 200 with a key of %zu bytes", bytes);
}

static enum verdict refuses_value(struct probe *probe, const char *name, int64_t value, bool known,
				  struct finding *finding)
{
	char body[64];
	if (!known)
		return skipped(finding, "the limit is not known (see 6.1-08 to 6.1-10)");
	snprintf(body, sizeof body, "{\"%s\":%lld}", name, (long long)value);
	return check_enc_refused(probe, body, finding);
}

static enum verdict too_large(struct probe *probe, const char *request, struct finding *finding)
{
	int64_t max = probe->limits.max_size;
	(void)request;
	return refuses_value(probe, "size", max / 8 * 8 + 8, max >= 0, finding);
}

static enum verdict too_small(struct probe *probe, const char *request, struct finding *finding)
{
	int64_t min = probe->limits.min_size;
	(void)request;
	return refuses_value(probe, "size", (min + 7) / 8 * 8 - 8, min >= 1, finding);
}

static enum verdict too_many(struct probe *probe, const char *request, struct finding *finding)
{
	int64_t most = probe->limits.per_request;
	(void)request;
	return refuses_value(probe, "number", most + 1, most >= 0 && most < UINT32_MAX, finding);
}

static enum verdict too_many_get(struct probe *probe, const char *request, struct finding *finding)
{
	char parameters[64];
	int64_t most = probe->limits.per_request;
	(void)request;
	if (most < 0 || most >= UINT32_MAX)
		return skipped(finding, "max_key_per_request is not known (see 6.1-08)");
	snprintf(parameters, sizeof parameters, "?number=%lld", (long long)most + 1);
	return check_enc_refused(probe, parameters, finding);
}

static enum verdict refuses_unknown(struct probe *probe, const char *request, struct finding *finding)
{
	const struct answer *answer = ask(probe, MASTER, "POST", sae_path(probe, request, "enc_keys"), "{}");
	if (answer->code == CURLE_OK && (answer->status == 401 || answer->status == 404))
		return expect_status(answer, answer->status, finding);
	return expect_status(answer, 400, finding);
}

#define ONE "HTTP 200 with 1 key"
#define TWO "HTTP 200 with 2 keys"

const struct check checks_5_3[] = {
	{ "5.3-01", SHALL, 0, 1, "GET without parameters gives one key", ONE, gives_one, "GET" },
	{ "5.3-02", SHALL, 0, 1, "a key container has the content type application/json", "application/json", has_type,
	  NULL },
	{ "5.3-03", SHALL, 0, 1, "POST with an empty body gives one key", ONE, gives_one, "POST" },
	{ "5.3-04", SHALL, 0, 1, "POST with an empty object gives one key", ONE, gives_one, "{}" },
	{ "5.3-05", SHALL, 0, 2, "POST obeys number", TWO, gives_two, "{\"number\":2}" },
	{ "5.3-06", SHALL, 0, 2, "GET obeys number", TWO, gives_two, "?number=2" },
	{ "5.3-07", SHALL, 0, 1, "a key has key_size bits when no size is asked for", "a key of key_size bits",
	  default_size, NULL },
	{ "5.3-08", SHALL, 0, 1, "POST obeys size", "a key of that size", obeys_size, "POST" },
	{ "5.3-09", SHALL, 0, 1, "GET obeys size", "a key of that size", obeys_size, "GET" },
	{ "5.3-10", SHALL, 0, 2, "POST obeys number and size together", "2 keys of that size", obeys_size, "POST 2" },
	{ "5.3-11", SHALL, 0, 2, "GET obeys number and size together", "2 keys of that size", obeys_size, "GET 2" },
	{ "5.3-12", SHALL, 0, 1, "a key of min_key_size can be had", "a key of min_key_size bits", smallest, NULL },
	{ "5.3-13", SHALL, 0, 1, "a key of max_key_size can be had", "a key of max_key_size bits", largest, NULL },
	{ "5.3-14", SHALL, 0, 0, "a size that is no multiple of 8 is refused, or given exactly",
	  "HTTP 400, or 200 with a key of that size", odd_bits, NULL },
	{ "5.3-15", SHALL, 0, 0, "a size above max_key_size is refused", "HTTP 400", too_large, NULL },
	{ "5.3-16", SHALL, 0, 0, "a size below min_key_size is refused", "HTTP 400", too_small, NULL },
	{ "5.3-17", SHALL, 0, 0, "POST for more keys than max_key_per_request is refused", "HTTP 400", too_many, NULL },
	{ "5.3-18", SHALL, 0, 0, "GET for more keys than max_key_per_request is refused", "HTTP 400", too_many_get,
	  NULL },
	{ "5.3-19", SHALL, 0, KEYS_LIMIT, "max_key_per_request keys can be had at once", "HTTP 200 with that many keys",
	  most_keys, NULL },
	{ "5.3-20", SHOULD, 0, 0, "keys for an SAE that does not exist are refused", "HTTP 400, 401 or 404",
	  refuses_unknown, "no-such-sae-of-qkd-conformance" },
	{ .number = NULL },
};
