/* SPDX-License-Identifier: Apache-2.0 */
/* What a KME may answer, read by the checkers of qkd-conformance. The first byte chooses the HTTP status. */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../tools/conformance/checks.h"
#include "../../tools/conformance/hello.h"
#include "../../tools/conformance/limits.h"

const char *const fuzz_corpus = "fuzz/tools/corpus/conformance";

static void check_finding(const struct finding *finding)
{
	if (!memchr(finding->seen, '\0', sizeof finding->seen))
		abort();
	for (const char *at = finding->seen; *at; at++)
		if (*at < 0x20 || *at > 0x7e)
			abort();
}

/* What could be read is what its text says. */
static void check_sample(const struct sample *sample)
{
	unsigned char id[16];
	char text[96];
	if (sample->key && (!sample->encoded || qv_secret_size(sample->key) == 0))
		abort();
	if (uuid_read(sample->id, id) && strlen(sample->id) != 36)
		abort();
	if (!sample->key || !uuid_read(sample->id, id))
		return;
	key_flaw(sample->key);
	const char *how = qv_secret_size(sample->key) <= 64 ? id_from_key(id, sample->key, text) : NULL;
	if (how && !how[0])
		abort();
}

/* A container delivers itself, unless something in it cannot be told apart or is no ID. */
static void check_container(const struct answer *answer)
{
	struct batch batch = { .count = 0 };
	struct finding finding;
	const char *why;
	const json_t *keys = container_keys(answer->json, &why);
	if (!keys != (why != NULL))
		abort();
	for (size_t i = 0; i < json_array_size(keys) && i < SAMPLES_MAX; i++) {
		sample_read(json_array_get(keys, i), &batch.keys[i]);
		check_sample(&batch.keys[i]);
		batch.count = i + 1;
	}
	enum verdict verdict = delivers(answer, &batch, batch.count, &finding);
	check_finding(&finding);
	if (verdict == PASSED && (answer->status != 200 || batch.count == 0))
		abort();
	for (size_t i = 0; i < batch.count; i++)
		sample_clear(&batch.keys[i]);
}

static void check_answer(const struct answer *answer)
{
	struct finding finding;
	struct limits limits;
	char text[64];
	check_error_object(answer->json, &finding);
	check_finding(&finding);
	check_error_details(answer->json, &finding);
	check_finding(&finding);
	check_message(answer, "x", &finding);
	check_finding(&finding);
	check_type(answer, &finding);
	check_finding(&finding);
	describe(answer, text, sizeof text);
	limits_read(answer, &limits);
	if (limits.key_size == 0 || limits.stored < -1)
		abort();
	check_container(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello hello;
	struct answer answer = { .code = CURLE_OK };
	hello_read(data, size, &hello);
	if (size == 0)
		return 0;
	answer.status = data[0] & 1 ? 200 : 400;
	answer.json = json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	memcpy(answer.type, data, size < 127 ? size : 127);
	check_answer(&answer);
	json_decref(answer.json);
	return 0;
}
