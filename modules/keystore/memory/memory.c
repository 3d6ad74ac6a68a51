/* SPDX-License-Identifier: Apache-2.0 */
/* Key store that keeps everything in memory, and nothing beyond the process. */
#include <config.h>

#include "store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct qv_option options[] = {
	{ .name = NULL },
};

int64_t wall_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * QV_NS_PER_SECOND + now.tv_nsec;
}

int no_memory(struct qv_error *err)
{
	return qv_fail(err, QV_E_NOMEM, "no memory for more keys");
}

struct link *link_get(struct qv_keystore *store, const char *name, struct qv_error *err)
{
	struct link *link = store->links;
	while (link && strcmp(link->name, name) != 0)
		link = link->next;
	if (link)
		return link;
	size_t size = strlen(name) + 1;
	link = calloc(1, sizeof *link + size);
	if (!link) {
		no_memory(err);
		return NULL;
	}
	memcpy(link->name, name, size);
	link->number = store->link_count++;
	link->next = store->links;
	store->links = link;
	return link;
}

static struct property *property_find(struct qv_keystore *store, const char *name)
{
	struct property *property = store->properties;
	while (property && strcmp(property->name, name) != 0)
		property = property->next;
	return property;
}

int store_property_get(struct qv_keystore *store, const char *name, uint8_t *value, size_t *size, struct qv_error *err)
{
	int result = 0;
	pthread_mutex_lock(&store->lock);
	const struct property *property = property_find(store, name);
	if (property) {
		result = property->size <= *size ? 1 : qv_fail(err, QV_E_INVALID, "property \"%s\" is too large", name);
		if (result == 1 && property->size)
			memcpy(value, property->value, property->size);
		*size = property->size;
	}
	pthread_mutex_unlock(&store->lock);
	return result;
}

int store_property_set(struct qv_keystore *store, const char *name, const uint8_t *value, size_t size,
		       struct qv_error *err)
{
	size_t name_size = strlen(name) + 1;
	struct property *property = malloc(sizeof *property + name_size + size);
	if (!property)
		return no_memory(err);
	property->size = size;
	property->value = (uint8_t *)property->name + name_size;
	memcpy(property->name, name, name_size);
	if (size)
		memcpy(property->value, value, size);
	pthread_mutex_lock(&store->lock);
	if (!property_find(store, name)) {
		property->next = store->properties;
		store->properties = property;
		property = NULL;
	}
	pthread_mutex_unlock(&store->lock);
	free(property);
	return 0;
}

static void free_node(struct table_node *node)
{
	free(node);
}

static void free_promise(struct table_node *node)
{
	promise_free((struct promise *)node);
}

static void close_store(struct qv_keystore *store)
{
	if (!store)
		return;
	table_drain(&store->promises, free_promise);
	table_drain(&store->requests, free_node);
	table_drain(&store->keys, free_node);
	heap_free(&store->expiries);
	heap_free(&store->noted);
	for (struct link *link = store->links, *next; link; link = next) {
		next = link->next;
		free(link);
	}
	for (struct property *property = store->properties, *next; property; property = next) {
		next = property->next;
		free(property);
	}
	pthread_mutex_destroy(&store->lock);
	free(store);
}

static struct qv_keystore *open_store(const struct qv_host *host, const struct qv_options *given, struct qv_error *err)
{
	(void)host;
	(void)given;
	struct qv_keystore *store = calloc(1, sizeof *store);
	if (!store) {
		no_memory(err);
		return NULL;
	}
	pthread_mutex_init(&store->lock, NULL);
	if (table_init(&store->keys) == 0 && table_init(&store->requests) == 0 && table_init(&store->promises) == 0)
		return store;
	no_memory(err);
	close_store(store);
	return NULL;
}

static const struct qv_keystore_class memory = {
	.head = { .kind = "keystore",
		  .name = "memory",
		  .summary = "KME key store in memory, lost when the KME ends",
		  .abi_major = QV_KEYSTORE_ABI_MAJOR,
		  .abi_minor = QV_KEYSTORE_ABI_MINOR,
		  .size = sizeof(struct qv_keystore_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = open_store,
	.close = close_store,
	STORE_SLOTS,
	.traits = QV_KEYSTORE_VOLATILE,
};

static const struct qv_class *const classes[] = { &memory.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = PACKAGE_VERSION,
	.license = "Apache-2.0",
	.classes = classes,
};
