/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

struct request *request_new(const char *id, struct qv_error *err)
{
	size_t size = strlen(id) + 1;
	struct request *request = calloc(1, sizeof *request + size);
	if (request)
		memcpy(request->id, id, size);
	else
		no_memory(err);
	return request;
}

struct request *request_find(struct qv_keystore *store, const char *id)
{
	struct table_node *node = table_first(&store->requests, table_hash(&store->requests, "", 0, id));
	while (node && strcmp(((struct request *)node)->id, id) != 0)
		node = table_next(node);
	return (struct request *)node;
}

void request_add(struct qv_keystore *store, struct request *request)
{
	table_add(&store->requests, &request->node, table_hash(&store->requests, "", 0, request->id));
}

void request_settle_up(struct qv_keystore *store, struct request *request)
{
	if (request->is_noted || request->reserved.first || request->promises)
		return;
	table_remove(&store->requests, &request->node);
	free(request);
}
