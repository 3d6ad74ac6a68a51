/* SPDX-License-Identifier: Apache-2.0 */
#include "../fuzz.h"

#include <qvisio/relay.h>

#include <stdlib.h>
#include <string.h>

const char *const fuzz_corpus = "fuzz/core/corpus/relay_envelope";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qv_relay_envelope envelope;
	struct qv_error err = QV_ERROR_INIT;
	int length = qv_relay_envelope_read(&envelope, data, size, &err);
	if (length < 0) {
		if (err.code != QV_E_PROTOCOL || !err.message[0])
			abort();
		return 0;
	}
	/* What is accepted has exactly one written form. */
	uint8_t *again = malloc(size);
	if (!again)
		return 0;
	if ((size_t)length > size || qv_relay_envelope_size(&envelope) != (size_t)length ||
	    qv_relay_envelope_write(&envelope, again, size, NULL) != length || memcmp(again, data, (size_t)length) != 0)
		abort();
	free(again);
	return 0;
}
