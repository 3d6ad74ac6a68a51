/* SPDX-License-Identifier: Apache-2.0 */
/* Key store in a PostgreSQL database, which several KME processes of one site share. */
#include <config.h>

#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

#define PASSWORD_MAX 1024

static const struct qv_option options[] = {
	{ .name = "connection",
	  .type = QV_OPTION_STRING,
	  .fallback = "",
	  .help = "How to reach the database, as libpq takes it: \"host=… dbname=… user=… sslmode=verify-full\", a "
		  "postgresql:// URI, or \"service=NAME\" of a service file; without a password. What it leaves out "
		  "comes "
		  "from the PG… environment variables." },
	{ .name = "password_file",
	  .type = QV_OPTION_PATH,
	  .help = "A file with the password alone, that only this user can read. Without it libpq looks into "
		  "PGPASSFILE "
		  "or ~/.pgpass." },
	{ .name = "schema",
	  .type = QV_OPTION_STRING,
	  .fallback = "qvisio",
	  .help = "The schema for all tables, made if absent; a-z, 0-9 and _. One for each KME, shared by its "
		  "processes." },
	{ .name = "connections",
	  .type = QV_OPTION_INT,
	  .fallback = "8",
	  .min = 1,
	  .max = 64,
	  .help = "The most connections at once; they are made when needed." },
	{ .name = "timeout",
	  .type = QV_OPTION_INT,
	  .fallback = "5000",
	  .min = 100,
	  .max = 60000,
	  .unit = "ms",
	  .help = "How long a statement may take, waiting for others included." },
	{ .name = NULL },
};

/* In the configuration it would lie beside what anybody may read. */
static int check_connection(const struct qv_options *given, struct qv_error *err)
{
	char *why = NULL, text[256];
	PQconninfoOption *parsed = PQconninfoParse(qv_options_string(given, "connection"), &why);
	int result = 0;
	if (!parsed) {
		say(text, sizeof text, why ? why : "no memory");
		/* It may quote what it does not understand, and that may be a password. */
		const char *given_text = qv_options_string(given, "connection");
		bool quotes = strstr(given_text, "pass") || strstr(given_text, "://");
		result = qv_options_fail(given, "connection", err, "%s", quotes ? "it cannot be parsed" : text);
	}
	for (PQconninfoOption *one = parsed; one && one->keyword && result == 0; one++)
		if (one->val && one->val[0] &&
		    (strcmp(one->keyword, "password") == 0 || strcmp(one->keyword, "sslpassword") == 0))
			result = qv_options_fail(given, "connection", err,
						 "it holds a password; put that into a file and name it with "
						 "password_file");
	PQconninfoFree(parsed);
	PQfreemem(why);
	return result;
}

static int read_password(struct qv_keystore *store, const struct qv_options *given, struct qv_error *err)
{
	const char *path = qv_options_string(given, "password_file");
	if (!path)
		return 0;
	struct qv_secret *file = qv_secret_from_file(path, PASSWORD_MAX, err);
	if (!file)
		return -1;
	size_t size = strcspn((const char *)qv_secret_bytes(file), "\r\n");
	store->password = qv_secret_new(size, err);
	if (store->password && size)
		memcpy(qv_secret_edit(store->password), qv_secret_bytes(file), size);
	qv_secret_free(file);
	if (store->password && size == 0)
		return qv_options_fail(given, "password_file", err, "%s: no password in the first line", path);
	return store->password ? 0 : -1;
}

static int read_schema(struct qv_keystore *store, const struct qv_options *given, struct qv_error *err)
{
	const char *name = qv_options_string(given, "schema");
	size_t length = strlen(name);
	if (length == 0 || length > SCHEMA_NAME_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length || strspn(name, "0123456789") > 0 ||
	    strncmp(name, "pg_", 3) == 0)
		return qv_options_fail(given, "schema", err,
				       "it takes a-z, 0-9 and _, at most %d, starting with a letter, and not with pg_",
				       SCHEMA_NAME_MAX);
	snprintf(store->schema, sizeof store->schema, "\"%s\"", name);
	/* FNV-1a: locks of different schemas shall not meet. */
	uint32_t hash = 2166136261u;
	for (const char *at = name; *at; at++)
		hash = (hash ^ (uint8_t)*at) * 16777619u;
	store->space = (int32_t)hash;
	return 0;
}

static void leave(struct qv_keystore *store)
{
	struct arguments arguments = { 0 };
	arg_int4(&arguments, store->instance);
	/* If it fails, the others see that its connections are gone. */
	store_change(store, ST_LEAVE, &arguments, NULL);
}

static void close_store(struct qv_keystore *store)
{
	if (!store)
		return;
	if (store->instance && store->idle)
		leave(store);
	while (store->idle) {
		struct connection *connection = store->idle;
		store->idle = connection->next;
		connection_close(connection);
	}
	for (size_t i = 0; i < FEEDS_MAX; i++)
		free(store->feeds[i].link);
	qv_secret_free(store->password);
	pthread_cond_destroy(&store->freed);
	pthread_mutex_destroy(&store->lock);
	free(store->conninfo);
	free(store);
}

static int configure(struct qv_keystore *store, const struct qv_options *given, struct qv_error *err)
{
	store->timeout_ms = (int)qv_options_int(given, "timeout");
	store->connections = (unsigned)qv_options_int(given, "connections");
	store->conninfo = strdup(qv_options_string(given, "connection"));
	if (!store->conninfo)
		return qv_fail(err, QV_E_NOMEM, "no memory for the key store");
	if (check_connection(given, err) != 0 || read_schema(store, given, err) != 0)
		return -1;
	return read_password(store, given, err);
}

static struct qv_keystore *open_store(const struct qv_host *host, const struct qv_options *given, struct qv_error *err)
{
	struct qv_keystore *store = calloc(1, sizeof *store);
	if (!store) {
		qv_fail(err, QV_E_NOMEM, "no memory for the key store");
		return NULL;
	}
	store->log = host->log;
	pthread_mutex_init(&store->lock, NULL);
	pthread_cond_init(&store->freed, NULL);
	if (configure(store, given, err) == 0 && schema_open(store, err) == 0)
		return store;
	close_store(store);
	return NULL;
}

int store_property_get(struct qv_keystore *store, const char *name, uint8_t *value, size_t *size, struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, name);
	PGresult *result = store_call(store, ST_PROPERTY_GET, &arguments, err);
	if (!result)
		return -1;
	int got = PQntuples(result);
	struct qv_sealed kept = { NULL, 0 };
	if (got) {
		kept = column_sealed(result, 0, 0);
		if (kept.size > *size)
			got = qv_fail(err, QV_E_INVALID, "property \"%s\" is too large", name);
		else if (kept.size)
			memcpy(value, kept.bytes, kept.size);
		*size = kept.size;
	}
	PQclear(result);
	return got;
}

int store_property_set(struct qv_keystore *store, const char *name, const uint8_t *value, size_t size,
		       struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, name);
	arg_bytes(&arguments, value, size);
	return store_change(store, ST_PROPERTY_SET, &arguments, err);
}

static const struct qv_keystore_class postgres = {
	.head = { .kind = "keystore",
		  .name = "postgres",
		  .summary = "KME key store in PostgreSQL, shared by the processes of a KME",
		  .abi_major = QV_KEYSTORE_ABI_MAJOR,
		  .abi_minor = QV_KEYSTORE_ABI_MINOR,
		  .size = sizeof(struct qv_keystore_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = open_store,
	.close = close_store,
	STORE_SLOTS,
	.traits = QV_KEYSTORE_SHARED,
	.feeds = store_feeds,
};

static const struct qv_class *const classes[] = { &postgres.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = PACKAGE_VERSION,
	.license = "Apache-2.0",
	.classes = classes,
};
