/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/keystore.h>

#include "mutant.h"

#include <stdio.h>

static struct qv_keystore_class __mutant;
static struct qv_keystore_class __good;

/* As if nothing were kept: each instance has a file of its own. */
static struct qv_keystore *forgetful_open(const struct qv_host *host, const struct qv_options *options,
					  struct qv_error *err)
{
	static unsigned __number;
	char file[512];
	snprintf(file, sizeof file, "%s.%d.%u", qv_options_string(options, "file"), (int)getpid(), __number++);
	if (qv_options_assign((struct qv_options *)(uintptr_t)options, "file", file, err) != 0)
		return NULL;
	return __good.open(host, options, err);
}

static int changing_property_get(struct qv_keystore *store, const char *name, uint8_t *value, size_t *size,
				 struct qv_error *err)
{
	int result = __good.property_get(store, name, value, size, err);
	if (result == 1)
		value[0] ^= 1;
	return result;
}

static char __late_name[128];
static uint8_t __late_value[64];
static size_t __late_size;

/* Written when the store is closed. */
static int late_property_set(struct qv_keystore *store, const char *name, const uint8_t *value, size_t size,
			     struct qv_error *err)
{
	uint8_t old[64];
	size_t old_size = sizeof old;
	if (__late_name[0] || __good.property_get(store, name, old, &old_size, err) == 1)
		return 0;
	snprintf(__late_name, sizeof __late_name, "%s", name);
	memcpy(__late_value, value, size);
	__late_size = size;
	return 0;
}

static int late_property_get(struct qv_keystore *store, const char *name, uint8_t *value, size_t *size,
			     struct qv_error *err)
{
	if (strcmp(name, __late_name) != 0)
		return __good.property_get(store, name, value, size, err);
	memcpy(value, __late_value, __late_size);
	*size = __late_size;
	return 1;
}

static void late_close(struct qv_keystore *store)
{
	if (__late_name[0])
		__good.property_set(store, __late_name, __late_value, __late_size, NULL);
	__late_name[0] = 0;
	__good.close(store);
}

static int64_t generous_stock(struct qv_keystore *store, const char *link, unsigned lane, struct qv_error *err)
{
	(void)link;
	return 1 + __good.stock(store, "other", lane, err);
}

static int64_t boasting_import(struct qv_keystore *store, const char *link, unsigned lane,
			       const struct qv_pool_key *keys, size_t count, const char *from, const char *cursor,
			       struct qv_error *err)
{
	return __good.import(store, link, lane, keys, count, from, cursor, err) < 0 ? -1 : (int64_t)count;
}

static int64_t import_from_anywhere(struct qv_keystore *store, const char *link, unsigned lane,
				    const struct qv_pool_key *keys, size_t count, const char *from, const char *cursor,
				    struct qv_error *err)
{
	char at[QV_QKDLINK_CURSOR_MAX + 1];
	(void)from;
	return __good.cursor(store, link, lane, at, err) != 0
		       ? -1
		       : __good.import(store, link, lane, keys, count, at, cursor, err);
}

static char __own_request[64];

static int note_own_reserve(struct qv_keystore *store, const char *request, const char *link, unsigned lane,
			    size_t count, int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	snprintf(__own_request, sizeof __own_request, "%s", request);
	return __good.reserve(store, request, link, lane, count, now, visit, err);
}

static int own_reservations(struct qv_keystore *store, struct qv_keystore_visit *visit, struct qv_error *err)
{
	if (__own_request[0])
		visit->reservation(visit, __own_request, "qvisio-check-own", err);
	__own_request[0] = 0;
	return __good.reservations(store, visit, err);
}

static int no_reservations(struct qv_keystore *store, struct qv_keystore_visit *visit, struct qv_error *err)
{
	(void)store, (void)visit, (void)err;
	return 0;
}

static int find_in_lane_0(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels,
			  size_t count, struct qv_keystore_visit *visit, struct qv_error *err)
{
	(void)lane;
	return __good.find(store, link, 0, labels, count, visit, err);
}

static int visit_nobody(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	(void)visit;
	(void)key;
	(void)err;
	return 0;
}

static int reserve_part(struct qv_keystore *store, const char *request, const char *link, unsigned lane, size_t count,
			int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct qv_keystore_visit nobody = { .pool_key = visit_nobody };
	int result = __good.reserve(store, request, link, lane, count, now, visit, err);
	if (result != 0)
		__good.reserve(store, request, link, lane, 1, now, &nobody, NULL);
	return result;
}

static int reserve_held(struct qv_keystore *store, const char *request, const char *link, unsigned lane, size_t count,
			int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	(void)now;
	return __good.reserve(store, request, link, lane, count, INT64_MAX, visit, err);
}

/* What a thread other than the first gets, all others get. */
static int reserve_for_all(struct qv_keystore *store, const char *request, const char *link, unsigned lane,
			   size_t count, int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	static const uint8_t __sealed[] = { 0, 0xff, 'k', '2' };
	const struct qv_pool_key key = { "k2", { __sealed, sizeof __sealed } };
	if (gettid() == getpid())
		return __good.reserve(store, request, link, lane, count, now, visit, err);
	return visit->pool_key(visit, &key, err);
}

static int keep_reserved(struct qv_keystore *store, const char *request, const char *const *held, size_t held_count,
			 int64_t discard_before, int64_t hold_until, struct qv_error *err)
{
	(void)store, (void)request, (void)held, (void)held_count, (void)discard_before, (void)hold_until, (void)err;
	return 0;
}

static int never_discard(struct qv_keystore *store, const char *request, const char *const *held, size_t held_count,
			 int64_t discard_before, int64_t hold_until, struct qv_error *err)
{
	(void)discard_before;
	return __good.release(store, request, held, held_count, 0, hold_until, err);
}

static int finish_by_release(struct qv_keystore *store, const struct qv_settlement *settlement, struct qv_error *err)
{
	if (settlement->finish)
		return __good.release(store, settlement->request, NULL, 0, 0, 0, err);
	return __good.settle(store, settlement, err);
}

static int settle_part(struct qv_keystore *store, const struct qv_settlement *settlement, struct qv_error *err)
{
	int result = __good.settle(store, settlement, err);
	struct qv_settlement part = *settlement;
	part.take_count = 1;
	part.promise_count = 0;
	if (result < 0 && settlement->take_count)
		__good.settle(store, &part, NULL);
	return result;
}

static int settle_again(struct qv_keystore *store, const struct qv_settlement *settlement, struct qv_error *err)
{
	int result = __good.settle(store, settlement, err);
	return result == 1 ? 0 : result;
}

/* The first key that it delivers it delivers again. */
struct copier {
	struct qv_keystore_visit visit; /* first */
	struct qv_keystore_visit *to;
};

static char __copied_id[64];

static int copy_promise(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	struct copier *copier = (struct copier *)(void *)visit;
	if (!__copied_id[0])
		snprintf(__copied_id, sizeof __copied_id, "%s", promise->key_id);
	return copier->to->promise(copier->to, promise, err);
}

static int deliver_twice(struct qv_keystore *store, const char *slave, const char *master, const char *const *key_ids,
			 size_t count, int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct copier copier = { { .promise = copy_promise }, visit };
	int result = __good.deliver(store, slave, master, key_ids, count, now, &copier.visit, err);
	if (result == 0 || count != 1 || strcmp(key_ids[0], __copied_id) != 0)
		return result;
	return 0;
}

static int deliver_in_turn(struct qv_keystore *store, const char *slave, const char *master, const char *const *key_ids,
			   size_t count, int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	int result = 0;
	for (size_t i = 0; result == 0 && i < count; i++)
		result = __good.deliver(store, slave, master, &key_ids[i], 1, now, visit, err);
	return result;
}

static int deliver_to_anyone(struct qv_keystore *store, const char *slave, const char *master,
			     const char *const *key_ids, size_t count, int64_t now, struct qv_keystore_visit *visit,
			     struct qv_error *err)
{
	(void)slave;
	return __good.deliver(store, "qvisio-check-slave", master, key_ids, count, now, visit, err);
}

static int deliver_expired(struct qv_keystore *store, const char *slave, const char *master, const char *const *key_ids,
			   size_t count, int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	(void)now;
	return __good.deliver(store, slave, master, key_ids, count, 0, visit, err);
}

static int64_t keep_expired(struct qv_keystore *store, int64_t now, int64_t forget_before, size_t max,
			    struct qv_keystore_visit *visit, struct qv_error *err)
{
	(void)now;
	return __good.purge(store, 0, forget_before, max, visit, err);
}

static int ignore_promise(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	(void)visit;
	(void)promise;
	(void)err;
	return 0;
}

static int64_t hide_expired(struct qv_keystore *store, int64_t now, int64_t forget_before, size_t max,
			    struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct qv_keystore_visit nobody = { .promise = ignore_promise };
	(void)visit;
	return __good.purge(store, now, forget_before, max, &nobody, err);
}

static int64_t discard_any(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels,
			   size_t count, struct qv_error *err)
{
	const char *const other = "k4";
	(void)labels;
	(void)count;
	return __good.discard(store, link, lane, &other, 1, err);
}

static int lack_nothing(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels,
			size_t count, struct qv_keystore_visit *visit, struct qv_error *err)
{
	(void)count;
	return __good.lacking(store, link, lane, labels, 0, visit, err);
}

static int lose_undone(struct qv_keystore *store, const char *request, const char *link, unsigned lane,
		       const struct qv_pool_key *keys, size_t count, int64_t now, struct qv_error *err)
{
	(void)count;
	return __good.undo(store, request, link, lane, keys, 0, now, err);
}

static int undo_delivered(struct qv_keystore *store, const char *request, const char *link, unsigned lane,
			  const struct qv_pool_key *keys, size_t count, int64_t now, struct qv_error *err)
{
	int result = __good.undo(store, request, link, lane, keys, count, now, err);
	return result < 0 && err->code == QV_E_BUSY ? 0 : result;
}

static int undo_known_only(struct qv_keystore *store, const char *request, const char *link, unsigned lane,
			   const struct qv_pool_key *keys, size_t count, int64_t now, struct qv_error *err)
{
	return count ? __good.undo(store, request, link, lane, keys, count, now, err) : 0;
}

static void mutate(void)
{
	if (mutation("FORGETFUL"))
		__mutant.open = forgetful_open;
	if (mutation("PROPERTY"))
		__mutant.property_get = changing_property_get;
	if (mutation("LATE")) {
		__mutant.property_get = late_property_get;
		__mutant.property_set = late_property_set;
		__mutant.close = late_close;
	}
	if (mutation("STOCK"))
		__mutant.stock = generous_stock;
	if (mutation("IMPORT"))
		__mutant.import = boasting_import;
	if (mutation("CURSOR"))
		__mutant.import = import_from_anywhere;
	if (mutation("OWN")) {
		__mutant.reserve = note_own_reserve;
		__mutant.reservations = own_reservations;
	}
	if (mutation("ORPHANS"))
		__mutant.reservations = no_reservations;
	if (mutation("VOLATILE"))
		__mutant.traits |= QV_KEYSTORE_VOLATILE;
	if (mutation("FIND"))
		__mutant.find = find_in_lane_0;
	if (mutation("RESERVE_PART"))
		__mutant.reserve = reserve_part;
	if (mutation("RESERVE_HELD"))
		__mutant.reserve = reserve_held;
	if (mutation("RESERVE_FOR_ALL"))
		__mutant.reserve = reserve_for_all;
	if (mutation("KEEP_RESERVED"))
		__mutant.release = keep_reserved;
	if (mutation("NEVER_DISCARD"))
		__mutant.release = never_discard;
	if (mutation("FINISH"))
		__mutant.settle = finish_by_release;
	if (mutation("SETTLE_PART"))
		__mutant.settle = settle_part;
	if (mutation("SETTLE_AGAIN"))
		__mutant.settle = settle_again;
	if (mutation("DELIVER_TWICE"))
		__mutant.deliver = deliver_twice;
	if (mutation("DELIVER_IN_TURN"))
		__mutant.deliver = deliver_in_turn;
	if (mutation("DELIVER_TO_ANYONE"))
		__mutant.deliver = deliver_to_anyone;
	if (mutation("DELIVER_EXPIRED"))
		__mutant.deliver = deliver_expired;
	if (mutation("PURGE"))
		__mutant.purge = keep_expired;
	if (mutation("PURGE_HIDES"))
		__mutant.purge = hide_expired;
	if (mutation("DISCARD_OTHERS"))
		__mutant.discard = discard_any;
	if (mutation("LACKS_NOTHING"))
		__mutant.lacking = lack_nothing;
	if (mutation("UNDO_LOSES"))
		__mutant.undo = lose_undone;
	if (mutation("UNDO_DELIVERED"))
		__mutant.undo = undo_delivered;
	if (mutation("UNDO_KNOWN"))
		__mutant.undo = undo_known_only;
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_keystore_class(original_class());
	__mutant = __good;
	mutate();
}

MUTANT_MODULE
