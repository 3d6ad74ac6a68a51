/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/keystore.h>

#include "mutant.h"

static struct qv_keystore_class __mutant;
static struct qv_keystore_class __good;

static int property_get(struct qv_keystore *store, const char *name, uint8_t *value, size_t *size, struct qv_error *err)
{
	int result = __good.property_get(store, name, value, size, err);
#ifdef MUTATE_PROPERTY
	if (result == 1)
		value[0] ^= 1;
#endif
	return result;
}

static int64_t stock(struct qv_keystore *store, const char *link, unsigned lane, struct qv_error *err)
{
#ifdef MUTATE_STOCK
	link = "other";
	return 1 + __good.stock(store, link, lane, err);
#else
	return __good.stock(store, link, lane, err);
#endif
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_keystore_class(original_class());
	__mutant = __good;
	__mutant.property_get = property_get;
	__mutant.stock = stock;
}

MUTANT_MODULE
