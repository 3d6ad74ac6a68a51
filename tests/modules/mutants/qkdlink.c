/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/qkdlink.h>

#include "mutant.h"

static struct qv_qkdlink_class __mutant;
static struct qv_qkdlink_class __good;

static int uneven_read(struct qv_qkdlink *link, unsigned lane, size_t max, struct qv_qkdlink_batch *batch,
		       struct qv_error *err)
{
	static int __reads;
	int result = __good.read(link, lane, max, batch, err);
	if (result == 1)
		qv_secret_edit((struct qv_secret *)(uintptr_t)batch->keys)[0] ^= (uint8_t)(__reads & 1);
	__reads++;
	return result;
}

static int greedy_read(struct qv_qkdlink *link, unsigned lane, size_t max, struct qv_qkdlink_batch *batch,
		       struct qv_error *err)
{
	return __good.read(link, lane, max + 1, batch, err);
}

/* The last key of lane 0 is the first of lane 1 as well. */
static int mixing_read(struct qv_qkdlink *link, unsigned lane, size_t max, struct qv_qkdlink_batch *batch,
		       struct qv_error *err)
{
	static struct qv_secret *__kept;
	int result = __good.read(link, lane, max, batch, err);
	if (result == 1 && lane == 0) {
		size_t last = (batch->count - 1) * QV_QKDLINK_KEY_BYTES;
		qv_secret_free(__kept);
		__kept = qv_secret_copy(qv_secret_bytes(batch->keys) + last, QV_QKDLINK_KEY_BYTES, NULL);
	} else if (result == 1 && __kept) {
		memcpy(qv_secret_edit((struct qv_secret *)(uintptr_t)batch->keys), qv_secret_bytes(__kept),
		       QV_QKDLINK_KEY_BYTES);
		qv_secret_free(__kept);
		__kept = NULL;
	}
	return result;
}

static int constant_read(struct qv_qkdlink *link, unsigned lane, size_t max, struct qv_qkdlink_batch *batch,
			 struct qv_error *err)
{
	int result = __good.read(link, lane, max, batch, err);
	if (result == 1)
		memset(qv_secret_edit((struct qv_secret *)(uintptr_t)batch->keys), 7,
		       batch->count * QV_QKDLINK_KEY_BYTES);
	return result;
}

static int same_labels_read(struct qv_qkdlink *link, unsigned lane, size_t max, struct qv_qkdlink_batch *batch,
			    struct qv_error *err)
{
	static const char *const __labels[] = { "a", "b", "c", "d" };
	int result = __good.read(link, lane, max, batch, err);
	batch->labels = __labels;
	return result;
}

static struct qv_qkdlink *rewinding_open(const struct qv_host *host, const struct qv_options *options,
					 const struct qv_qkdlink_ends *ends, struct qv_error *err)
{
	struct qv_qkdlink_ends from_start = *ends;
	from_start.cursor[0] = from_start.cursor[1] = "";
	return __good.open(host, options, &from_start, err);
}

static struct qv_qkdlink *silent_open(const struct qv_host *host, const struct qv_options *options,
				      const struct qv_qkdlink_ends *ends, struct qv_error *err)
{
	struct qv_qkdlink *link = __good.open(host, options, ends, err);
	if (!link && ends->cursor[0][0])
		*err = (struct qv_error)QV_ERROR_INIT;
	return link;
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_qkdlink_class(original_class());
	__mutant = __good;
	if (mutation("KEY"))
		__mutant.read = uneven_read;
	if (mutation("GREEDY"))
		__mutant.read = greedy_read;
	if (mutation("MIXED"))
		__mutant.read = mixing_read;
	if (mutation("CONSTANT"))
		__mutant.read = constant_read;
	if (mutation("SAME_LABELS"))
		__mutant.read = same_labels_read;
	if (mutation("REWIND"))
		__mutant.open = rewinding_open;
	if (mutation("NO_ERROR"))
		__mutant.open = silent_open;
}

MUTANT_MODULE
