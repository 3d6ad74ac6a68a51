/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of the inter-KME API. */
#include "body.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "body_json.h"

#define LABEL_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-"

int body_uuid(const json_t *object, const char *name, char uuid[UUID_TEXT], struct qv_error *err)
{
	const char *text = json_string_value(json_object_get(object, name));
	if (!text || !uuid_parse(text, uuid))
		return qv_fail(err, QV_E_INVALID, "%s is missing or no UUID", name);
	return 0;
}

int body_sae(const json_t *object, const char *name, char sae[QV_SAE_ID_MAX + 1], struct qv_error *err)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	size_t length = text ? strlen(text) : 0;
	if (length == 0 || length > QV_SAE_ID_MAX || length != json_string_length(value))
		return qv_fail(err, QV_E_INVALID, "%s is missing or no SAE ID", name);
	memcpy(sae, text, length + 1);
	return 0;
}

static bool is_label(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t length = text ? strlen(text) : 0;
	return length > 0 && length <= QV_QKDLINK_LABEL_MAX && length == json_string_length(value) &&
	       strspn(text, LABEL_CHARACTERS) == length;
}

int body_labels(const json_t *array, char **labels, size_t *count, struct qv_error *err)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *value = json_array_get(array, i);
		if (!is_label(value))
			return qv_fail(err, QV_E_INVALID, "a label is no label of a link key");
		labels[*count] = strdup(json_string_value(value));
		if (!labels[*count])
			return qv_fail(err, QV_E_NOMEM, "no memory for labels");
		++*count;
	}
	return 0;
}

static int read_key(struct activation *activation, struct activation_key *key, const json_t *object,
		    struct qv_error *err)
{
	const json_t *labels, *bytes = json_object_get(object, "bytes");
	if (body_uuid(object, "key_ID", key->id, err) != 0 ||
	    body_array(object, "labels", BODY_LABELS_MAX - 1 - activation->label_count, &labels, err) != 0)
		return -1;
	size_t count = json_array_size(labels);
	json_int_t size = json_is_integer(bytes) ? json_integer_value(bytes) : 0;
	json_int_t room = (json_int_t)count * QV_QKDLINK_KEY_BYTES;
	if (count == 0 || size <= room - QV_QKDLINK_KEY_BYTES || size > room)
		return qv_fail(err, QV_E_INVALID, "bytes and the number of labels of key %s do not fit", key->id);
	key->bytes = (uint32_t)size;
	key->first_label = activation->label_count;
	key->label_count = count;
	return body_labels(labels, activation->labels, &activation->label_count, err);
}

static size_t count_labels(const json_t *keys)
{
	size_t count = 0;
	for (size_t i = 0; i < json_array_size(keys); i++)
		count += json_array_size(json_object_get(json_array_get(keys, i), "labels"));
	return count < BODY_LABELS_MAX ? count : BODY_LABELS_MAX;
}

static int read_keys(struct activation *activation, const json_t *array, struct qv_error *err)
{
	size_t count = json_array_size(array);
	if (count == 0)
		return qv_fail(err, QV_E_INVALID, "keys is missing or empty");
	activation->keys = calloc(count, sizeof *activation->keys);
	activation->labels = calloc(count_labels(array) + 1, sizeof *activation->labels);
	if (!activation->keys || !activation->labels)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	for (size_t i = 0; i < count; i++) {
		if (read_key(activation, &activation->keys[i], json_array_get(array, i), err) != 0)
			return -1;
		activation->key_count++;
	}
	return 0;
}

static int read_slaves(struct activation *activation, const json_t *object, struct qv_error *err)
{
	const json_t *array;
	if (body_array(object, "slave_SAE_IDs", BODY_SLAVES_MAX + 1, &array, err) != 0)
		return -1;
	if (json_array_size(array) == 0)
		return qv_fail(err, QV_E_INVALID, "slave_SAE_IDs is missing or empty");
	return body_texts(array, "slave_SAE_IDs", QV_SAE_ID_MAX, &activation->slaves, &activation->slave_count, err);
}

int body_base64(const json_t *object, const char *name, uint8_t *bytes, size_t size, struct qv_error *err)
{
	const json_t *value = json_object_get(object, name);
	size_t got;
	if (!json_is_string(value) ||
	    sodium_base642bin(bytes, size, json_string_value(value), json_string_length(value), NULL, &got, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    got != size)
		return qv_fail(err, QV_E_INVALID, "%s is missing or not base64 of %zu bytes", name, size);
	return 0;
}

static int read_carried(struct activation *activation, const json_t *object, struct qv_error *err)
{
	const json_t *carried = json_object_get(object, "carried");
	if (!carried)
		return 0;
	const json_t *label = json_object_get(carried, "label");
	if (!is_label(label))
		return qv_fail(err, QV_E_INVALID, "label of carried is missing or no label of a link key");
	char *copy = strdup(json_string_value(label));
	if (!copy)
		return qv_fail(err, QV_E_NOMEM, "no memory for labels");
	activation->labels[activation->label_count++] = copy;
	activation->carried = true;
	if (activation->check)
		return 0;
	size_t size = activation_carried_size(activation);
	activation->ciphertext = malloc(size);
	if (!activation->ciphertext)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	return body_base64(carried, "ciphertext", activation->ciphertext, size, err) == 0
		       ? body_base64(carried, "tag", activation->tag, ACTIVATION_TAG, err)
		       : -1;
}

int activation_json(struct activation *activation, const char *body, size_t size, struct qv_error *err)
{
	*activation = (struct activation){ .key_count = 0 };
	json_t *json = body_object(body, size, err);
	if (!json)
		return -1;
	const json_t *keys;
	int result = -1;
	activation->check = json_is_true(json_object_get(json, "check"));
	if (body_uuid(json, "request", activation->request, err) == 0 &&
	    body_sae(json, "master_SAE_ID", activation->master, err) == 0 && read_slaves(activation, json, err) == 0 &&
	    body_array(json, "keys", BODY_KEYS_MAX, &keys, err) == 0 && read_keys(activation, keys, err) == 0)
		result = read_carried(activation, json, err);
	json_decref(json);
	return result;
}

size_t activation_carried_size(const struct activation *activation)
{
	return activation->carried ? (activation->label_count - 1) * QV_QKDLINK_KEY_BYTES : 0;
}

json_t *body_texts_json(char *const *texts, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(texts[i]));
	return array;
}

json_t *body_base64_json(const uint8_t *bytes, size_t size)
{
	size_t room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(room);
	json_t *json = NULL;
	if (text)
		json = json_string(sodium_bin2base64(text, room, bytes, size, sodium_base64_VARIANT_ORIGINAL));
	free(text);
	return json;
}

static json_t *carried_json(const struct activation *activation)
{
	const char *label = activation->labels[activation->label_count - 1];
	if (activation->check)
		return json_pack("{s:s}", "label", label);
	return json_pack("{s:s,s:o,s:o}", "label", label, "ciphertext",
			 body_base64_json(activation->ciphertext, activation_carried_size(activation)), "tag",
			 body_base64_json(activation->tag, ACTIVATION_TAG));
}

char *activation_text(const struct activation *activation)
{
	json_t *keys = json_array();
	for (size_t i = 0; i < activation->key_count; i++) {
		const struct activation_key *key = &activation->keys[i];
		json_array_append_new(
			keys, json_pack("{s:s,s:I,s:o}", "key_ID", key->id, "bytes", (json_int_t)key->bytes, "labels",
					body_texts_json(activation->labels + key->first_label, key->label_count)));
	}
	json_t *json =
		json_pack("{s:s,s:s,s:o,s:o}", "request", activation->request, "master_SAE_ID", activation->master,
			  "slave_SAE_IDs", body_texts_json(activation->slaves, activation->slave_count), "keys", keys);
	bool whole = json && json_array_size(keys) == activation->key_count;
	if (whole && activation->check)
		whole = json_object_set_new(json, "check", json_true()) == 0;
	if (whole && activation->carried)
		whole = json_object_set_new(json, "carried", carried_json(activation)) == 0;
	char *text = whole ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

void activation_clear(struct activation *activation)
{
	free(activation->keys);
	free(activation->ciphertext);
	labels_free(activation->slaves, activation->slave_count);
	labels_free(activation->labels, activation->label_count);
	*activation = (struct activation){ .key_count = 0 };
}

int undo_json(char request[UUID_TEXT], const char *body, size_t size, struct qv_error *err)
{
	json_t *json = body_object(body, size, err);
	if (!json)
		return -1;
	int result = body_uuid(json, "request", request, err);
	json_decref(json);
	return result;
}

int missing_json(char ***labels, size_t *count, size_t max, const char *body, size_t size, struct qv_error *err)
{
	*labels = NULL;
	*count = 0;
	json_t *json = body_object(body, size, err);
	if (!json)
		return -1;
	const json_t *array;
	int result = body_array(json, "missing", max, &array, err);
	if (result == 0 && json_array_size(array) == 0)
		result = qv_fail(err, QV_E_INVALID, "missing is absent or empty");
	if (result == 0) {
		*labels = calloc(json_array_size(array), sizeof **labels);
		result = *labels ? body_labels(array, *labels, count, err)
				 : qv_fail(err, QV_E_NOMEM, "no memory for labels");
	}
	json_decref(json);
	if (result != 0) {
		labels_free(*labels, *count);
		*labels = NULL;
		*count = 0;
	}
	return result;
}

void labels_free(char **labels, size_t count)
{
	for (size_t i = 0; labels && i < count; i++)
		free(labels[i]);
	free(labels);
}
