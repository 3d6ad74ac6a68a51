/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of kind keystore: what two KMEs compare their pools with. */
#include "keystore.h"

#include <string.h>

static int note_label(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	struct seen *seen = (struct seen *)(void *)visit;
	(void)err;
	REQUIRE(seen->check, key->sealed.size == 0, "key %s came with what is sealed", key->label);
	REQUIRE(seen->check, seen->count < CHECK_SEEN, "more labels than there are");
	snprintf(seen->name[seen->count++], sizeof seen->name[0], "%s", key->label);
	return 0;
}

static void watch(struct seen *seen, struct check *check)
{
	*seen = (struct seen){ .visit.pool_key = note_label, .check = check };
}

/* All of a lane, two at a time. */
static void expect_walk(struct store *store, unsigned lane, int64_t before, const char *labels)
{
	struct qv_error err = QV_ERROR_INIT;
	struct seen seen;
	int64_t position = 0;
	size_t count;
	watch(&seen, store->check);
	do {
		count = seen.count;
		REQUIRE(store->check,
			store->class->walk(store->store, store->link, lane, before, 2, &position, &seen.visit, &err) ==
				0,
			"walk: %s", err.message);
		REQUIRE(store->check, seen.count - count <= 2, "walk gave more than it was to");
	} while (seen.count > count);
	seen_expect(&seen, "walk", labels);
}

static void expect_lacking(struct store *store, unsigned lane, const char *expected)
{
	static const char *const labels[] = { "k4", "none", "k0", "k2" };
	struct qv_error err = QV_ERROR_INIT;
	struct seen seen;
	watch(&seen, store->check);
	REQUIRE(store->check, store->class->lacking(store->store, store->link, lane, labels, 4, &seen.visit, &err) == 0,
		"lacking: %s", err.message);
	seen_expect(&seen, "lacking", expected);
}

static void expect_discard(struct store *store, int64_t expected)
{
	static const char *const labels[] = { "k0", "k1", "k3", "none" };
	struct qv_error err = QV_ERROR_INIT;
	int64_t gone = store->class->discard(store->store, store->link, 0, labels, 4, &err);
	REQUIRE(store->check, gone == expected, "discard took %lld keys and not %lld: %s", (long long)gone,
		(long long)expected, err.message);
}

void check_store_compare(struct check *check)
{
	char request[QV_UUID_LENGTH + 1];
	struct store store;
	check_uuid(check, request);
	store_open(check, &store);
	if (!store.class->walk) {
		store_close(&store);
		check_skip(check, "it has no walk");
	}
	REQUIRE(check, store.class->lacking && store.class->discard, "it has walk, but not lacking and discard");
	store_import(&store, 0, 0, 5);
	store_reserve(&store, request, 1, "k0");
	expect_walk(&store, 0, INT64_MAX, "k1 k2 k3 k4");
	expect_walk(&store, 1, INT64_MAX, "");
	expect_walk(&store, 0, 1, "");
	expect_lacking(&store, 0, "none");
	expect_lacking(&store, 1, "k4 none k0 k2");
	expect_discard(&store, 2);
	expect_discard(&store, 0);
	expect_walk(&store, 0, INT64_MAX, "k2 k4");
	store_expect_stock(&store, 0, 2, "after keys were discarded");
	store_close(&store);
}
