/* SPDX-License-Identifier: Apache-2.0 */
/* jansson on protected memory: every piece is a secret, with a pointer to it in front. */
#include <string.h>

#include "client.h"

#define FRONT ((size_t)16)
#define GRAIN ((size_t)64)

/* With the zero byte that follows a secret, a multiple of the grain: the memory of a large one ends at a page. */
static size_t rounded(size_t size)
{
	return (FRONT + size + 1 + GRAIN - 1) / GRAIN * GRAIN - 1;
}

static void *take(size_t size)
{
	if (size > ANSWER_MAX * 2)
		return NULL;
	struct qv_secret *secret = qv_secret_new(rounded(size), NULL);
	if (!secret)
		return NULL;
	memcpy(qv_secret_edit(secret), &secret, sizeof secret);
	return qv_secret_edit(secret) + FRONT;
}

static void give(void *memory)
{
	struct qv_secret *secret;
	if (!memory)
		return;
	memcpy(&secret, (char *)memory - FRONT, sizeof secret);
	qv_secret_free(secret);
}

void client_protect_json(void)
{
	json_set_alloc_funcs(take, give);
}

void json_text_free(char *text)
{
	give(text);
}
