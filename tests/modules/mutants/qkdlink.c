/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/qkdlink.h>

#include "mutant.h"

static struct qv_qkdlink_class __mutant;
static struct qv_qkdlink_class __good;

static int read_mutant(struct qv_qkdlink *link, unsigned lane, size_t max, struct qv_qkdlink_batch *batch,
		       struct qv_error *err)
{
	static int __reads;
	int result = __good.read(link, lane, max, batch, err);
#ifdef MUTATE_KEY
	if (result == 1)
		qv_secret_edit((struct qv_secret *)(uintptr_t)batch->keys)[0] ^= (uint8_t)(__reads & 1);
#endif
	__reads++;
	return result;
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_qkdlink_class(original_class());
	__mutant = __good;
	__mutant.read = read_mutant;
}

MUTANT_MODULE
