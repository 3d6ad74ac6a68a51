/* SPDX-License-Identifier: Apache-2.0 */
/* The psk module's key file and record of used keys: the first line is a key file, and all of it is both. */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../modules/keysource/psk/record.h"

const char *const fuzz_corpus = "fuzz/modules/corpus/psk_keys";

static void check_keys(const struct psk_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		const struct psk_entry *entry = &keys->entries[i];
		size_t size = qv_secret_size(entry->key.secret);
		if (psk_keys_find(keys, entry->key.id) != entry || size < PSK_KEY_SIZE_MIN || size > PSK_KEY_SIZE_MAX)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct psk_keys keys;
	size_t used, line = 0;
	if (psk_keys_parse(data, size, "fuzz", &keys, NULL) == 0) {
		check_keys(&keys);
		psk_keys_clear(&keys);
	}
	while (line < size && data[line] != '\n')
		line++;
	if (psk_keys_parse(data, line, "fuzz", &keys, NULL) == 0) {
		psk_record_parse((const char *)data, size, &keys, &used);
		if (used > size || (used && data[used - 1] != '\n'))
			abort();
		psk_keys_clear(&keys);
	}
	return 0;
}
