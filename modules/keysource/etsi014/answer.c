/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lift.h"

bool etsi014_is_key_id(const char *id)
{
	size_t length = 0;
	for (; id[length]; length++)
		if (length == QV_KEY_ID_MAX || id[length] <= ' ' || id[length] > '~')
			return false;
	return length > 0;
}

static json_t *parse_object(const char *text, size_t length, struct qv_error *err)
{
	json_error_t why;
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
	if (!root) {
		/* jansson's text quotes the input, which is not ours to repeat. */
		qv_fail(err, QV_E_PROTOCOL, "the answer is not JSON (line %d, column %d)", why.line, why.column);
		return NULL;
	}
	if (!json_is_object(root)) {
		json_decref(root);
		qv_fail(err, QV_E_PROTOCOL, "the answer is JSON, but no object");
		return NULL;
	}
	return root;
}

static int read_key(const json_t *item, struct etsi014_lifted *lifted, size_t size, struct qv_key *key,
		    struct qv_error *err)
{
	const char *got_id = json_string_value(json_object_get(item, "key_ID"));
	const char *placeholder = json_string_value(json_object_get(item, "key"));
	if (!got_id || !etsi014_is_key_id(got_id))
		return qv_fail(err, QV_E_PROTOCOL,
			       "the key has no \"key_ID\" of 1 to %d printable ASCII characters without blanks",
			       QV_KEY_ID_MAX);
	struct qv_secret *secret = placeholder ? etsi014_lifted_key(lifted, placeholder) : NULL;
	if (!secret)
		return qv_fail(err, QV_E_PROTOCOL, "key %s has no \"key\" in base64", got_id);
	if (size && qv_secret_size(secret) != size)
		return qv_fail(err, QV_E_PROTOCOL, "key %s has %zu bits, %zu were asked for", got_id,
			       qv_secret_size(secret) * 8, size * 8);
	if (qv_secret_size(secret) < ETSI014_KEY_SIZE_MIN)
		return qv_fail(err, QV_E_PROTOCOL, "key %s has only %zu bits, %d are the least", got_id,
			       qv_secret_size(secret) * 8, ETSI014_KEY_SIZE_MIN * 8);
	key->secret = qv_secret_copy(qv_secret_bytes(secret), qv_secret_size(secret), err);
	if (!key->secret)
		return -1;
	snprintf(key->id, sizeof key->id, "%s", got_id);
	return 0;
}

/* Where the key goes: to the place of the one asked for, or next. */
static int place_of(const char *id, const char *const *ids, size_t count, size_t next, const struct qv_key *keys,
		    size_t *place, struct qv_error *err)
{
	*place = next;
	for (size_t i = 0; !ids && i < next; i++)
		if (strcmp(keys[i].id, id) == 0)
			return qv_fail(err, QV_E_PROTOCOL, "the answer holds key %s twice", id);
	if (!ids)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (strcmp(ids[i], id) == 0 && !keys[i].secret) {
			*place = i;
			return 0;
		}
	return qv_fail(err, QV_E_PROTOCOL, "the answer holds key %s, not the one asked for", id);
}

/* What the extension qvisio_route says; another KME says nothing, or what we do not understand. */
static enum qv_key_route read_route(const json_t *root)
{
	const json_t *extension = json_object_get(root, "key_container_extension");
	const char *text = json_string_value(json_object_get(extension, "qvisio_route"));
	if (text && strcmp(text, "direct") == 0)
		return QV_KEY_ROUTE_DIRECT;
	return text && strcmp(text, "relayed") == 0 ? QV_KEY_ROUTE_RELAYED : QV_KEY_ROUTE_UNTOLD;
}

static int read_keys(const json_t *root, struct etsi014_lifted *lifted, size_t size, const char *const *ids,
		     size_t count, struct qv_key *keys, size_t *got, struct qv_error *err)
{
	const json_t *array = json_object_get(root, "keys");
	size_t found = json_is_array(array) ? json_array_size(array) : 0;
	if (count == 1 && found != 1)
		return qv_fail(err, QV_E_PROTOCOL, "the answer has no array \"keys\" of one key");
	if (found < 1 || found > count || (ids && found != count))
		return qv_fail(err, QV_E_PROTOCOL, "the answer has an array \"keys\" of %zu keys, %zu were asked for",
			       found, count);
	for (size_t i = 0; i < found; i++) {
		struct qv_key key = { .route = read_route(root) };
		size_t place = 0;
		if (read_key(json_array_get(array, i), lifted, size, &key, err) != 0)
			return -1;
		if (place_of(key.id, ids, count, i, keys, &place, err) != 0) {
			qv_key_clear(&key);
			return -1;
		}
		keys[place] = key;
	}
	*got = found;
	return 0;
}

int etsi014_parse_keys(char *text, size_t length, size_t size, const char *const *ids, size_t count,
		       struct qv_key *keys, size_t *got, struct qv_error *err)
{
	struct etsi014_lifted lifted;
	etsi014_lift_keys(text, length, &lifted);
	json_t *root = parse_object(text, length, err);
	int result = root ? read_keys(root, &lifted, size, ids, count, keys, got, err) : -1;
	for (size_t i = 0; result != 0 && i < count; i++)
		qv_key_clear(&keys[i]);
	json_decref(root);
	etsi014_lifted_clear(&lifted);
	return result;
}

int etsi014_parse_key(char *text, size_t length, size_t size, const char *id, struct qv_key *key, struct qv_error *err)
{
	size_t got;
	return etsi014_parse_keys(text, length, size, id ? &id : NULL, 1, key, &got, err);
}

/* IDs are strings; the KME of the original Rust tools has integers. */
static int read_id(const json_t *root, const char *name, char *id, struct qv_error *err)
{
	const json_t *value = json_object_get(root, name);
	id[0] = '\0';
	if (!value || json_is_null(value))
		return 0;
	if (json_is_integer(value)) {
		snprintf(id, QV_SAE_ID_MAX + 1, "%lld", (long long)json_integer_value(value));
		return 0;
	}
	const char *string = json_string_value(value);
	if (!string || strlen(string) > QV_SAE_ID_MAX || json_string_length(value) != strlen(string))
		return qv_fail(err, QV_E_PROTOCOL, "\"%s\" is no string of at most %d bytes", name, QV_SAE_ID_MAX);
	for (const char *c = string; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return qv_fail(err, QV_E_PROTOCOL, "\"%s\" holds a control character", name);
	memcpy(id, string, strlen(string) + 1);
	return 0;
}

static int read_number(const json_t *root, const char *name, int64_t *number, struct qv_error *err)
{
	const json_t *value = json_object_get(root, name);
	*number = -1;
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return qv_fail(err, QV_E_PROTOCOL, "\"%s\" is no whole number from 0", name);
	*number = json_integer_value(value);
	return 0;
}

static int read_status(const json_t *root, struct qv_keysource_status *status, struct qv_error *err)
{
	const struct {
		const char *name;
		char *id;
	} ids[] = {
		{ "source_KME_ID", status->source_kme_id },
		{ "target_KME_ID", status->target_kme_id },
		{ "master_SAE_ID", status->master_sae_id },
		{ "slave_SAE_ID", status->slave_sae_id },
	};
	const struct {
		const char *name;
		int64_t *number;
	} numbers[] = {
		{ "key_size", &status->key_size },
		{ "stored_key_count", &status->stored_key_count },
		{ "max_key_count", &status->max_key_count },
		{ "max_key_per_request", &status->max_key_per_request },
		{ "max_key_size", &status->max_key_size },
		{ "min_key_size", &status->min_key_size },
		{ "max_SAE_ID_count", &status->max_sae_id_count },
	};
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		if (read_id(root, ids[i].name, ids[i].id, err) != 0)
			return -1;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (read_number(root, numbers[i].name, numbers[i].number, err) != 0)
			return -1;
	return 0;
}

int etsi014_parse_status(const char *text, size_t length, struct qv_keysource_status *status, struct qv_error *err)
{
	*status = (struct qv_keysource_status){ .key_size = -1 };
	json_t *root = parse_object(text, length, err);
	int result = root ? read_status(root, status, err) : -1;
	json_decref(root);
	return result;
}

int etsi014_parse_sae_info(const char *text, size_t length, char *id, struct qv_error *err)
{
	json_t *root = parse_object(text, length, err);
	int result = root ? read_id(root, "SAE_ID", id, err) : -1;
	if (result == 0 && !id[0])
		result = qv_fail(err, QV_E_PROTOCOL, "the answer has no \"SAE_ID\"");
	json_decref(root);
	return result;
}

void etsi014_parse_message(const char *text, size_t length, char *message, size_t room)
{
	json_t *root = parse_object(text, length, NULL);
	const char *string = json_string_value(json_object_get(root, "message"));
	size_t used = 0;
	for (; string && string[used] && used + 1 < room; used++)
		message[used] = (unsigned char)string[used] < ' ' || string[used] == 0x7f ? ' ' : string[used];
	/* Not in the middle of a UTF-8 sequence. */
	while (string && used > 0 && ((unsigned char)string[used] & 0xc0) == 0x80)
		used--;
	message[used] = '\0';
	json_decref(root);
}
