/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore.h"

#include <string.h>
#include <sys/random.h>

static void open_instance(struct store *store)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(store->check, NULL);
	store->store = store->class->open(&store->check->host, options, &err);
	qv_options_free(options);
	if (!store->store)
		check_not_opened(store->check, &err);
}

void store_open(struct check *check, struct store *store)
{
	char uuid[QV_UUID_LENGTH + 1];
	check_uuid(check, uuid);
	*store = (struct store){ .check = check, .class = qv_keystore_class(check->class) };
	snprintf(store->link, sizeof store->link, "qvisio-check-%s", uuid);
	open_instance(store);
}

void store_close(struct store *store)
{
	store->class->close(store->store);
	store->store = NULL;
}

bool store_lasts(const struct store *store)
{
	return !(store->class->traits & QV_KEYSTORE_VOLATILE);
}

void store_reopen(struct store *store)
{
	store_close(store);
	open_instance(store);
}

void check_uuid(struct check *check, char *uuid)
{
	uint8_t bytes[16];
	REQUIRE(check, getrandom(bytes, sizeof bytes, 0) == sizeof bytes, "no random numbers");
	bytes[6] = (bytes[6] & 0x0f) | 0x40;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	for (size_t i = 0, at = 0; i < sizeof bytes; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			uuid[at++] = '-';
		at += (size_t)snprintf(uuid + at, 3, "%02x", bytes[i]);
	}
}

/* What stands for the sealed key of that name: bytes of all kinds, told apart by the name. */
static size_t seal(const char *name, uint8_t *sealed, size_t size)
{
	return (size_t)snprintf((char *)sealed, size, "%c\xff%s", 0, name);
}

static void check_sealed(struct check *check, const char *name, const struct qv_sealed *sealed)
{
	uint8_t expected[QV_QKDLINK_LABEL_MAX + 8];
	size_t size = seal(name, expected, sizeof expected);
	REQUIRE(check, sealed->size == size && memcmp(sealed->bytes, expected, size) == 0,
		"what is sealed under %s is not what was put in", name);
}

static int note(struct seen *seen, const char *name)
{
	REQUIRE(seen->check, seen->count < CHECK_SEEN && strlen(name) < sizeof seen->name[0],
		"the visitor got more than there is");
	snprintf(seen->name[seen->count++], sizeof seen->name[0], "%s", name);
	return 0;
}

static int see_key(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	struct seen *seen = (struct seen *)(void *)visit;
	(void)err;
	check_sealed(seen->check, key->label, &key->sealed);
	return note(seen, key->label);
}

static int see_promise(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	struct seen *seen = (struct seen *)(void *)visit;
	(void)err;
	check_sealed(seen->check, promise->key_id, &promise->sealed);
	REQUIRE(seen->check,
		strcmp(promise->slave, CHECK_SLAVE) == 0 && strcmp(promise->master, CHECK_MASTER) == 0 &&
			strcmp(promise->labels, "k0 k1") == 0 && promise->key_bytes == 24 &&
			promise->expires == CHECK_EXPIRES,
		"the promise of %s is not what was put in", promise->key_id);
	return note(seen, promise->key_id);
}

/* The store may hold reservations that are none of the suite's. */
static int see_reservation(struct qv_keystore_visit *visit, const char *request, const char *link, struct qv_error *err)
{
	struct seen *seen = (struct seen *)(void *)visit;
	(void)err;
	return strncmp(link, "qvisio-check-", 13) == 0 && seen->count < CHECK_SEEN ? note(seen, request) : 0;
}

void seen_init(struct seen *seen, struct check *check)
{
	*seen = (struct seen){ .visit = { see_key, see_promise, see_reservation }, .check = check };
}

bool seen_has(const struct seen *seen, const char *name)
{
	for (size_t i = 0; i < seen->count; i++)
		if (strcmp(seen->name[i], name) == 0)
			return true;
	return false;
}

void seen_expect(const struct seen *seen, const char *what, const char *names)
{
	char text[CHECK_SEEN * sizeof seen->name[0]] = "";
	size_t used = 0;
	for (size_t i = 0; i < seen->count; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", seen->name[i]);
	REQUIRE(seen->check, strcmp(text, names) == 0, "%s gave \"%s\" and not \"%s\"", what, text, names);
}

int64_t store_import(struct store *store, unsigned lane, unsigned first, unsigned count)
{
	struct qv_error err = QV_ERROR_INIT;
	char labels[16][16], cursor[16], from[QV_QKDLINK_CURSOR_MAX + 1];
	uint8_t sealed[16][32];
	struct qv_pool_key keys[16];
	REQUIRE(store->check, count <= 16, "the suite imports too much");
	for (unsigned i = 0; i < count; i++) {
		snprintf(labels[i], sizeof labels[i], "k%u", first + i);
		size_t size = seal(labels[i], sealed[i], sizeof sealed[i]);
		keys[i] = (struct qv_pool_key){ labels[i], { sealed[i], size } };
	}
	snprintf(cursor, sizeof cursor, "c%u", first + count);
	REQUIRE(store->check, store->class->cursor(store->store, store->link, lane, from, &err) == 0, "cursor: %s",
		err.message);
	int64_t added = store->class->import(store->store, store->link, lane, keys, count, from, cursor, &err);
	REQUIRE(store->check, added >= 0, "import: %s", err.message);
	return added;
}

void store_expect_stock(struct store *store, unsigned lane, int64_t expected, const char *when)
{
	struct qv_error err = QV_ERROR_INIT;
	int64_t stock = store->class->stock(store->store, store->link, lane, &err);
	REQUIRE(store->check, stock >= 0, "stock: %s", err.message);
	REQUIRE(store->check, stock == expected, "%s the stock is %lld and not %lld", when, (long long)stock,
		(long long)expected);
}

void store_reserve(struct store *store, const char *request, size_t count, const char *labels)
{
	struct qv_error err = QV_ERROR_INIT;
	struct seen seen;
	seen_init(&seen, store->check);
	int result = store->class->reserve(store->store, request, store->link, 0, count, CHECK_NOW, &seen.visit, &err);
	REQUIRE(store->check, result == 0, "reserve: %s", err.message);
	seen_expect(&seen, "reserve", labels);
}

void store_expect_none_to_reserve(struct store *store, size_t count, int64_t now)
{
	struct qv_error err = QV_ERROR_INIT;
	char request[QV_UUID_LENGTH + 1];
	struct seen seen;
	seen_init(&seen, store->check);
	check_uuid(store->check, request);
	int result = store->class->reserve(store->store, request, store->link, 0, count, now, &seen.visit, &err);
	REQUIRE(store->check, result != 0, "%zu keys were reserved where there are fewer", count);
	check_error_filled(store->check, "reserve", &err);
	REQUIRE(store->check, err.code == QV_E_NO_KEY, "reserve with too few keys says %s", qv_code_name(err.code));
	REQUIRE(store->check, seen.count == 0, "reserve failed and gave keys");
}

int store_settle(struct store *store, const char *request, const char *const *labels, size_t label_count,
		 char (*key_ids)[QV_UUID_LENGTH + 1], size_t key_count, struct qv_error *err)
{
	struct qv_promise promises[16];
	uint8_t sealed[16][64];
	*err = (struct qv_error)QV_ERROR_INIT;
	REQUIRE(store->check, key_count <= 16, "the suite promises too much");
	for (size_t i = 0; i < key_count; i++)
		promises[i] = (struct qv_promise){
			.key_id = key_ids[i],
			.slave = CHECK_SLAVE,
			.master = CHECK_MASTER,
			.labels = "k0 k1",
			.key_bytes = 24,
			.sealed = { sealed[i], seal(key_ids[i], sealed[i], sizeof sealed[i]) },
			.expires = CHECK_EXPIRES,
		};
	const struct qv_settlement settlement = { .request = request,
						  .link = store->link,
						  .take = labels,
						  .take_count = label_count,
						  .promises = promises,
						  .promise_count = key_count };
	return store->class->settle(store->store, &settlement, err);
}

void store_must_settle(struct store *store, const char *request, const char *const *labels, size_t label_count,
		       char (*key_ids)[QV_UUID_LENGTH + 1], size_t key_count)
{
	struct qv_error err;
	for (size_t i = 0; i < key_count; i++)
		check_uuid(store->check, key_ids[i]);
	int result = store_settle(store, request, labels, label_count, key_ids, key_count, &err);
	REQUIRE(store->check, result == 0, "settle returned %d: %s", result, err.message);
}

int store_deliver(struct store *store, const char *const *key_ids, size_t count, struct seen *seen,
		  struct qv_error *err)
{
	*err = (struct qv_error)QV_ERROR_INIT;
	seen_init(seen, store->check);
	int result = store->class->deliver(store->store, CHECK_SLAVE, CHECK_MASTER, key_ids, count, CHECK_NOW,
					   &seen->visit, err);
	REQUIRE(store->check, result == 0 || seen->count == 0, "deliver failed and gave keys");
	return result;
}

void store_must_deliver(struct store *store, const char *key_id)
{
	struct qv_error err;
	struct seen seen;
	REQUIRE(store->check, store_deliver(store, &key_id, 1, &seen, &err) == 0, "deliver: %s", err.message);
	seen_expect(&seen, "deliver", key_id);
}

void store_expect_undeliverable(struct store *store, const char *key_id, const char *why)
{
	struct qv_error err;
	struct seen seen;
	REQUIRE(store->check, store_deliver(store, &key_id, 1, &seen, &err) != 0, "a key was delivered that %s", why);
	check_error_filled(store->check, "deliver", &err);
	REQUIRE(store->check, err.code == QV_E_NOT_FOUND, "deliver of a key that %s says %s", why,
		qv_code_name(err.code));
}
