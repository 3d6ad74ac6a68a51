/* SPDX-License-Identifier: Apache-2.0 */
/* Record PAD. */
#include <qvisio/pad.h>

#include "../session/bytes.h"

static bool is_key_id(const char *id, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (id[i] <= ' ' || id[i] > '~')
			return false;
	return length > 0 && length <= QV_KEY_ID_MAX;
}

int qv_pad_record_encode(const struct qv_pad_record *record, uint8_t *bytes, size_t room, struct qv_error *err)
{
	struct writer out = { .bytes = bytes, .room = room < QV_PAD_RECORD_SIZE_MAX ? room : QV_PAD_RECORD_SIZE_MAX };
	if (record->count < 1 || record->count > QV_PAD_BATCH_MAX || record->position > QV_PAD_POSITION_MAX)
		return qv_fail(err, QV_E_INVALID, "a PAD record tells of 1 to %d keys, not %zu", QV_PAD_BATCH_MAX,
			       record->count);
	put_number(&out, record->kind, 1);
	put_number(&out, record->position, 8);
	put_number(&out, record->count, 1);
	for (size_t i = 0; record->kind == QV_PAD_KEYS && i < record->count; i++) {
		size_t length = strlen(record->key[i].id);
		if (!is_key_id(record->key[i].id, length) || record->key[i].size < 1 ||
		    record->key[i].size > QV_PAD_KEY_MAX)
			return qv_fail(err, QV_E_INVALID, "key %zu of a PAD record is none", i);
		put_number(&out, record->key[i].size, 2);
		put_number(&out, length, 1);
		put_bytes(&out, record->key[i].id, length);
	}
	if (record->kind == QV_PAD_HELD)
		put_number(&out, record->held, 4);
	return out.overflow ? qv_fail(err, QV_E_INVALID, "a PAD record does not fit into %zu bytes", out.room)
			    : (int)out.used;
}

static int decode_keys(struct reader *in, struct qv_pad_record *record, struct qv_error *err)
{
	uint64_t end = record->position;
	for (size_t i = 0; i < record->count; i++) {
		record->key[i].size = (uint32_t)get_number(in, 2);
		size_t length = (size_t)get_number(in, 1);
		const uint8_t *id = get_bytes(in, length);
		if (!id || record->key[i].size < 1 || !is_key_id((const char *)id, length))
			return qv_fail(err, QV_E_PROTOCOL, "key %zu of a PAD record is malformed", i);
		memcpy(record->key[i].id, id, length);
		end += record->key[i].size;
	}
	if (end > QV_PAD_POSITION_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "a PAD record leads beyond the end of any pad");
	return 0;
}

int qv_pad_record_decode(const uint8_t *bytes, size_t size, struct qv_pad_record *record, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	*record = (struct qv_pad_record){ .kind = (enum qv_pad_record_kind)get_number(&in, 1) };
	if (in.underflow || size > QV_PAD_RECORD_SIZE_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "a PAD record of %zu bytes is malformed", size);
	if (record->kind != QV_PAD_KEYS && record->kind != QV_PAD_HELD)
		return 0;
	record->position = get_number(&in, 8);
	record->count = (size_t)get_number(&in, 1);
	if (in.underflow || record->position > QV_PAD_POSITION_MAX || record->count < 1 ||
	    record->count > QV_PAD_BATCH_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "a PAD record of %zu bytes is malformed", size);
	if (record->kind == QV_PAD_KEYS)
		return decode_keys(&in, record, err);
	record->held = (uint32_t)get_number(&in, 4);
	if (in.underflow || record->held >> record->count)
		return qv_fail(err, QV_E_PROTOCOL, "a PAD record tells of keys that were not asked for");
	return 0;
}
