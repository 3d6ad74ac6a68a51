/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that every key store module has, under the same names, and the slots of its class that they fill; what
 * they do stands at the slots in <qvisio/keystore.h>.
 */
#ifndef KEYSTORE_COMMON_CLASS_H
#define KEYSTORE_COMMON_CLASS_H

#include <qvisio/keystore.h>

int64_t store_import(struct qv_keystore *store, const char *link, unsigned lane, const struct qv_pool_key *keys,
		     size_t count, const char *from, const char *cursor, struct qv_error *err);
int store_cursor(struct qv_keystore *store, const char *link, unsigned lane, char *cursor, struct qv_error *err);
int64_t store_stock(struct qv_keystore *store, const char *link, unsigned lane, struct qv_error *err);
int store_find(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels, size_t count,
	       struct qv_keystore_visit *visit, struct qv_error *err);
int store_reserve(struct qv_keystore *store, const char *request, const char *link, unsigned lane, size_t count,
		  int64_t now, struct qv_keystore_visit *visit, struct qv_error *err);
int store_release(struct qv_keystore *store, const char *request, const char *const *held, size_t held_count,
		  int64_t discard_before, int64_t hold_until, struct qv_error *err);
int store_reservations(struct qv_keystore *store, struct qv_keystore_visit *visit, struct qv_error *err);
int store_settle(struct qv_keystore *store, const struct qv_settlement *settlement, struct qv_error *err);
int store_undo(struct qv_keystore *store, const char *request, const char *link, unsigned lane,
	       const struct qv_pool_key *keys, size_t count, int64_t now, struct qv_error *err);
int store_deliver(struct qv_keystore *store, const char *slave, const char *master, const char *const *key_ids,
		  size_t count, int64_t now, struct qv_keystore_visit *visit, struct qv_error *err);
int store_promises(struct qv_keystore *store, const char *request, struct qv_keystore_visit *visit,
		   struct qv_error *err);
int store_walk(struct qv_keystore *store, const char *link, unsigned lane, int64_t before, size_t max,
	       int64_t *position, struct qv_keystore_visit *visit, struct qv_error *err);
int store_lacking(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels, size_t count,
		  struct qv_keystore_visit *visit, struct qv_error *err);
int64_t store_discard(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels,
		      size_t count, struct qv_error *err);
int64_t store_purge(struct qv_keystore *store, int64_t now, int64_t forget_before, size_t max,
		    struct qv_keystore_visit *visit, struct qv_error *err);
int store_property_get(struct qv_keystore *store, const char *name, uint8_t *value, size_t *size, struct qv_error *err);
int store_property_set(struct qv_keystore *store, const char *name, const uint8_t *value, size_t size,
		       struct qv_error *err);

/* clang-format off */
#define STORE_SLOTS \
	.property_get = store_property_get, .property_set = store_property_set, .import = store_import, \
	.cursor = store_cursor, .stock = store_stock, .reserve = store_reserve, .release = store_release, \
	.reservations = store_reservations, .find = store_find, .settle = store_settle, .deliver = store_deliver, \
	.promises = store_promises, .undo = store_undo, .purge = store_purge, .walk = store_walk, \
	.lacking = store_lacking, .discard = store_discard
/* clang-format on */

#endif
