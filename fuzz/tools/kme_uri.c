/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets of SAEs, and the parameters that requests take from them. */
#include "../fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/kme/body.h"
#include "../../tools/kme/utf8.h"

const char *const fuzz_corpus = "fuzz/tools/corpus/kme_uri";

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const char *text)
{
	require(utf8_valid(text, strlen(text)));
}

static void check_uri(const struct uri *uri)
{
	struct key_request request;
	struct key_ids ids;
	for (size_t i = 0; i < uri->segment_count; i++)
		check_text(uri->segments[i]);
	for (size_t i = 0; i < uri->param_count; i++) {
		check_text(uri->params[i].name);
		check_text(uri->params[i].value);
	}
	if (key_request_query(&request, uri, NULL) == 0)
		require(request.number >= -1 && request.size >= -1);
	if (key_ids_query(&ids, uri, NULL) == 0)
		require(ids.count == 1 || ids.unknown);
	key_ids_clear(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uri uri;
	char *target = malloc(size + 1);
	if (!target)
		return 0;
	if (size)
		memcpy(target, data, size);
	target[size] = '\0';
	if (uri_parse(&uri, target, NULL) == 0)
		check_uri(&uri);
	uri_clear(&uri);
	free(target);
	return 0;
}
