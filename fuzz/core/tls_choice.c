/* SPDX-License-Identifier: Apache-2.0 */
/* A server's reading of ClientHello extensions: byte 0 policy and mode, byte 1 and 2 sizes of two, the rest three. */
#include "../fuzz.h"

#include <stdlib.h>

#include <qvisio/tls_backend.h>

const char *const fuzz_corpus = "fuzz/core/corpus/tls_choice";

struct qv_tls_lookup {
	const uint8_t *start, *end; /* identities must lie within */
};

static int find(struct qv_tls_lookup *lookup, const uint8_t *identity, size_t size, struct qv_tls_psk *psk,
		struct qv_error *why)
{
	if (identity < lookup->start || size > (size_t)(lookup->end - identity) || size == 0)
		abort();
	psk->key = size % 2 ? qv_secret_new(32, why) : NULL;
	return psk->key ? 1 : 0;
}

static struct qv_tls_bytes take(const uint8_t **data, size_t *size, size_t wanted)
{
	struct qv_tls_bytes part = { *data, wanted < *size ? wanted : *size };
	*data += part.size;
	*size -= part.size;
	return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 4)
		return 0;
	struct qv_tls_common common = { .hashes = QV_TLS_HASH_BIT(QV_TLS_SHA256), .has_certificate = data[0] & 8 };
	common.settings.policy = (enum qv_tls_policy)(data[0] % 3);
	common.settings.kex = data[0] & 4 ? QV_TLS_PSK_KE : QV_TLS_PSK_DHE_KE;
	size_t versions = data[1], modes = data[2];
	data += 3;
	size -= 3;
	struct qv_tls_hello hello;
	hello.versions = take(&data, &size, versions);
	hello.psk_modes = take(&data, &size, modes);
	hello.psks = take(&data, &size, size);
	struct qv_tls_lookup lookup = { hello.psks.data, hello.psks.data + hello.psks.size };
	struct qv_tls_finder finder = { .find = find, .lookup = &lookup };
	struct qv_tls_choice choice = { .made = false };
	if (qv_tls_choose(&common, &finder, &hello, &choice, NULL) == 0) {
		if (common.settings.policy == QV_TLS_QKD_REQUIRE && !choice.psk.key)
			abort();
		if (qv_tls_choose(&common, &finder, &hello, &choice, NULL) != 0)
			abort();
	}
	qv_tls_choice_clear(&choice);
	return 0;
}
