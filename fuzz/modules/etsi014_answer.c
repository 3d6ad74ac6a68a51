/* SPDX-License-Identifier: Apache-2.0 */
/* What a KME may answer, read as each of the things it may be. */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../modules/keysource/etsi014/answer.h"
#include "../../modules/keysource/etsi014/lift.h"

const char *const fuzz_corpus = "fuzz/modules/corpus/etsi014_answer";

static void check_key(char *text, size_t size, size_t key_size)
{
	struct qv_key key = { .secret = NULL };
	int result = etsi014_parse_key(text, size, key_size, NULL, &key, NULL);
	size_t got = qv_secret_size(key.secret);
	if ((result == 0) != (key.secret != NULL) || (result == 0) != etsi014_is_key_id(key.id))
		abort();
	if (result == 0 && (got < ETSI014_KEY_SIZE_MIN || (key_size && got != key_size)))
		abort();
	qv_key_clear(&key);
}

/* Every member "key" is lifted; a second pass finds placeholders only, each of which is no base64. */
static void check_lift(char *text, size_t size)
{
	struct etsi014_lifted first, second;
	etsi014_lift_keys(text, size, &first);
	etsi014_lift_keys(text, size, &second);
	for (size_t i = 0; i < ETSI014_LIFT_MAX; i++)
		if (second.keys[i] && qv_secret_size(second.keys[i]) > 0)
			abort();
	if (second.count > first.count)
		abort();
	etsi014_lifted_clear(&first);
	etsi014_lifted_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qv_keysource_status status;
	char id[QV_SAE_ID_MAX + 1], message[64];
	char *text = malloc(size ? size : 1);
	if (!text)
		return 0;
	for (size_t key_size = 0; key_size <= 32; key_size += 32) {
		memcpy(text, data, size);
		check_key(text, size, key_size);
	}
	memcpy(text, data, size);
	check_lift(text, size);
	memcpy(text, data, size);
	etsi014_parse_status(text, size, &status, NULL);
	etsi014_parse_sae_info(text, size, id, NULL);
	memset(message, 'x', sizeof message);
	etsi014_parse_message(text, size, message, sizeof message);
	if (!memchr(message, '\0', sizeof message))
		abort();
	free(text);
	return 0;
}
