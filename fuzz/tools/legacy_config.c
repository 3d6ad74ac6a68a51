/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON configuration of the original tools. */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../tools/visio/legacy_config.h"

const char *const fuzz_corpus = "fuzz/tools/corpus/legacy_config";

static void parse(const char *text, enum visio_role role)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_config *config = legacy_config_parse(text, "fuzz.json", role, &err);
	/* A file is taken whole, or refused with a message that names it. */
	if (!config && strncmp(err.message, "fuzz.json:", 10) != 0)
		abort();
	qv_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (legacy_config_is_json(text)) {
		parse(text, VISIO_CLIENT);
		parse(text, VISIO_SERVER);
	}
	free(text);
	return 0;
}
