/* SPDX-License-Identifier: Apache-2.0 */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/psk_identity.h>

const char *const fuzz_corpus = "fuzz/core/corpus/psk_identity";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qv_psk_identity identity;
	uint8_t again[QV_TLS_PSK_IDENTITY_MAX];
	size_t length;
	if (qv_psk_identity_parse(data, size, &identity, NULL) != 0)
		return 0;
	/* What is accepted has exactly one written form. */
	if (qv_psk_identity_format(&identity, again, sizeof again, &length, NULL) != 0 || length != size ||
	    memcmp(again, data, size) != 0)
		abort();
	return 0;
}
