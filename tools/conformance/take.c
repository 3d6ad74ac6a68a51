/* SPDX-License-Identifier: Apache-2.0 */
/* Taking keys as the master SAE, and claiming them as another. */
#include <stdio.h>
#include <string.h>

#include "probe.h"

enum verdict charge(struct probe *probe, int64_t keys, struct finding *finding)
{
	if (keys > (int64_t)probe->budget - probe->taken)
		return skipped(finding, "%lld keys would be taken and --max-keys %u leaves %u; give a larger one",
			       (long long)keys, probe->budget, probe->budget - probe->taken);
	probe->taken += (unsigned)keys;
	return PASSED;
}

/* A sample of its own, since the batch goes when its check ends. */
static void keep(struct probe *probe, const json_t *entry)
{
	if (probe->sample_count < SAMPLES_MAX)
		sample_read(entry, &probe->samples[probe->sample_count++]);
}

static enum verdict read_container(struct probe *probe, const struct answer *answer, struct batch *batch,
				   struct finding *finding)
{
	const char *why;
	const json_t *keys = container_keys(answer->json, &why);
	if (!keys)
		return skipped(finding, "%s (see 6.3-01)", answer->json ? why : answer->json_why);
	batch->count = json_array_size(keys);
	for (size_t i = 0; i < batch->count && i < SAMPLES_MAX; i++) {
		keep(probe, json_array_get(keys, i));
		sample_read(json_array_get(keys, i), &batch->keys[i]);
	}
	return PASSED;
}

enum verdict take(struct probe *probe, const char *path, const char *body, unsigned count, struct batch *batch,
		  struct finding *finding)
{
	batch->count = 0;
	if (charge(probe, count, finding) != PASSED)
		return SKIPPED;
	const struct answer *answer = ask(probe, MASTER, body ? "POST" : "GET", path, body);
	if (expect_status(answer, 200, finding) != PASSED)
		return FAILED;
	enum verdict verdict = read_container(probe, answer, batch, finding);
	if (verdict == PASSED && batch->count != count)
		return failed(finding, "HTTP 200 with %zu keys", batch->count);
	return verdict == PASSED ? passed(finding, "HTTP 200 with %u key%s", count, count == 1 ? "" : "s") : verdict;
}

void batch_clear(struct batch *batch)
{
	for (size_t i = 0; i < batch->count && i < SAMPLES_MAX; i++)
		sample_clear(&batch->keys[i]);
	batch->count = 0;
}

enum verdict want_ids(const struct batch *batch, struct finding *finding)
{
	for (size_t i = 0; i < batch->count && i < SAMPLES_MAX; i++)
		if (!batch->keys[i].id_whole || !batch->keys[i].id[0] || strpbrk(batch->keys[i].id, "\"\\&#%+?/"))
			return skipped(finding, "its key_ID cannot be used (see 6.3-02)");
	return PASSED;
}

enum verdict fresh(struct probe *probe, unsigned count, struct batch *batch, struct finding *finding)
{
	char body[32];
	struct finding why;
	snprintf(body, sizeof body, "{\"number\":%u}", count);
	enum verdict verdict = take(probe, enc_path(probe, ""), count == 1 ? "{}" : body, count, batch, &why);
	if (verdict != PASSED)
		return skipped(finding, "%s%.300s",
			       verdict == FAILED ? "no key to go on with (see 5.3-04 and 5.3-05): " : "", why.seen);
	return want_ids(batch, finding);
}

enum verdict want_samples(struct probe *probe, size_t count, struct finding *finding)
{
	struct batch batch = { .count = 0 };
	enum verdict verdict = PASSED;
	if (probe->sample_count < count) {
		struct finding why;
		char body[32];
		unsigned missing = (unsigned)(count - probe->sample_count);
		snprintf(body, sizeof body, "{\"number\":%u}", missing);
		verdict = take(probe, enc_path(probe, ""), missing == 1 ? "{}" : body, missing, &batch, &why);
		if (verdict != PASSED)
			verdict = skipped(finding, "no key to look at: %.300s", why.seen);
	}
	batch_clear(&batch);
	return verdict;
}

const struct answer *claim(struct probe *probe, enum who who, const char *master, const struct batch *batch,
			   size_t count, const char *extra)
{
	char body[SAMPLES_MAX * (SAMPLE_ID_MAX + 16) + 256];
	size_t used = (size_t)snprintf(body, sizeof body, "{\"key_IDs\":[");
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(body + used, sizeof body - used, "%s{\"key_ID\":\"%s\"}", i ? "," : "",
					 batch->keys[i].id);
	snprintf(body + used, sizeof body - used, "%s%.128s]}", count && extra ? "," : "", extra ? extra : "");
	return ask_once(probe, who, "POST", sae_path(probe, master, "dec_keys"), body);
}
