/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body_json.h"

json_t *body_object(const char *body, size_t size, struct qv_error *err)
{
	json_error_t where;
	json_t *json = json_loadb(body ? body : "", body ? size : 0, JSON_REJECT_DUPLICATES, &where);
	if (!json) {
		qv_fail(err, QV_E_INVALID, "the request body is no JSON (line %d, column %d)", where.line,
			where.column);
		return NULL;
	}
	if (json_is_object(json))
		return json;
	json_decref(json);
	qv_fail(err, QV_E_INVALID, "the request body is no JSON object");
	return NULL;
}

int body_array(const json_t *object, const char *name, size_t max, const json_t **array, struct qv_error *err)
{
	*array = json_object_get(object, name);
	if (*array && !json_is_array(*array))
		return qv_fail(err, QV_E_INVALID, "%s is no array", name);
	if (json_array_size(*array) > max)
		return qv_fail(err, QV_E_INVALID, "%s has more than %zu entries", name, max);
	return 0;
}

static int read_number(const json_t *object, const char *name, int64_t *number, struct qv_error *err)
{
	const json_t *value = json_object_get(object, name);
	*number = -1;
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return qv_fail(err, QV_E_INVALID, "%s is no positive whole number", name);
	*number = json_integer_value(value);
	return 0;
}

static enum route_choice route_choice(const json_t *value)
{
	const char *text = json_string_value(value);
	if (text && strcmp(text, "any") == 0)
		return ROUTE_ANY;
	if (text && strcmp(text, "direct") == 0)
		return ROUTE_DIRECT;
	return text && strcmp(text, "relayed") == 0 ? ROUTE_RELAYED : ROUTE_INVALID;
}

/* An array of objects whose members are extensions. `unknown` (64 bytes) may be NULL. */
static int read_extensions(const json_t *object, const char *name, enum route_choice *route, char *unknown,
			   struct qv_error *err)
{
	const json_t *array;
	if (body_array(object, name, BODY_KEYS_MAX, &array, err) != 0)
		return -1;
	for (size_t i = 0; i < json_array_size(array); i++) {
		json_t *extension = json_array_get(array, i), *value;
		const char *key;
		if (!json_is_object(extension))
			return qv_fail(err, QV_E_INVALID, "%s holds something that is no object", name);
		json_object_foreach(extension, key, value)
		{
			if (strcmp(key, "qvisio_route") == 0) {
				enum route_choice choice = route_choice(value);
				*route = *route == ROUTE_NONE || *route == choice ? choice : ROUTE_INVALID;
			} else if (unknown && !unknown[0]) {
				snprintf(unknown, 64, "%s", key[0] ? key : "(empty)");
			}
		}
	}
	return 0;
}

int body_texts(const json_t *array, const char *name, size_t max_length, char ***texts, size_t *count,
	       struct qv_error *err)
{
	size_t size = json_array_size(array);
	*count = 0;
	*texts = calloc(size + 1, sizeof **texts);
	if (!*texts)
		return qv_fail(err, QV_E_NOMEM, "no memory for a request");
	for (size_t i = 0; i < size; i++) {
		const json_t *value = json_array_get(array, i);
		const char *text = json_string_value(value);
		size_t length = text ? strlen(text) : 0;
		if (!text)
			return qv_fail(err, QV_E_INVALID, "%s holds something that is no string", name);
		if (length == 0 || length > max_length || length != json_string_length(value))
			return qv_fail(err, QV_E_INVALID, "%s holds something that is no ID", name);
		for (size_t j = 0; j < i; j++)
			if (strcmp((*texts)[j], text) == 0)
				return qv_fail(err, QV_E_INVALID, "%s holds the same twice", name);
		(*texts)[i] = strdup(text);
		if (!(*texts)[i])
			return qv_fail(err, QV_E_NOMEM, "no memory for a request");
		++*count;
	}
	return 0;
}

static int read_slaves(const json_t *object, struct key_request *request, struct qv_error *err)
{
	static const char name[] = "additional_slave_SAE_IDs";
	const json_t *array;
	if (body_array(object, name, BODY_SLAVES_MAX, &array, err) != 0)
		return -1;
	return body_texts(array, name, QV_SAE_ID_MAX, &request->slaves, &request->slave_count, err);
}

int key_request_json(struct key_request *request, const char *body, size_t size, struct qv_error *err)
{
	*request = (struct key_request){ .number = -1, .size = -1 };
	if (size == 0)
		return 0;
	json_t *json = body_object(body, size, err);
	if (!json)
		return -1;
	int result = -1;
	if (read_number(json, "number", &request->number, err) == 0 &&
	    read_number(json, "size", &request->size, err) == 0 && read_slaves(json, request, err) == 0 &&
	    read_extensions(json, "extension_mandatory", &request->mandatory, request->unknown, err) == 0 &&
	    read_extensions(json, "extension_optional", &request->optional, NULL, err) == 0)
		result = 0;
	json_decref(json);
	return result;
}

void key_request_clear(struct key_request *request)
{
	labels_free(request->slaves, request->slave_count);
	request->slaves = NULL;
	request->slave_count = 0;
}

static int query_number(const struct uri *uri, const char *name, int64_t *number, struct qv_error *err)
{
	const char *text;
	*number = -1;
	int found = uri_param(uri, name, &text, err);
	if (found <= 0)
		return found;
	if (!text[0] || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
		return qv_fail(err, QV_E_INVALID, "%s is no positive whole number", name);
	*number = strtoll(text, NULL, 10);
	return 0;
}

/* Clause 5.3: what else a request may ask for needs POST. Left out in silence, it would give keys of another kind. */
static int refuse_posted(const struct uri *uri, struct qv_error *err)
{
	static const char *const names[] = { "additional_slave_SAE_IDs", "extension_mandatory", "extension_optional" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value;
		if (uri_param(uri, names[i], &value, err) != 0)
			return qv_fail(err, QV_E_INVALID, "%s is not taken from the URL: use POST", names[i]);
	}
	return 0;
}

int key_request_query(struct key_request *request, const struct uri *uri, struct qv_error *err)
{
	*request = (struct key_request){ .number = -1, .size = -1 };
	if (refuse_posted(uri, err) != 0)
		return -1;
	return query_number(uri, "number", &request->number, err) == 0 ? query_number(uri, "size", &request->size, err)
								       : -1;
}

static void add_id(struct key_ids *ids, const char *text)
{
	if (uuid_parse(text, ids->ids[ids->count]))
		ids->count++;
	else
		ids->unknown = true;
}

static int read_ids(struct key_ids *ids, const json_t *array, struct qv_error *err)
{
	if (json_array_size(array) == 0)
		return qv_fail(err, QV_E_INVALID, "key_IDs is missing or empty");
	ids->ids = calloc(json_array_size(array), sizeof *ids->ids);
	if (!ids->ids)
		return qv_fail(err, QV_E_NOMEM, "no memory for key IDs");
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_object_get(json_array_get(array, i), "key_ID"));
		if (!text)
			return qv_fail(err, QV_E_INVALID, "key_IDs holds something that is no object with a key_ID");
		add_id(ids, text);
	}
	return 0;
}

int key_ids_json(struct key_ids *ids, const char *body, size_t size, size_t max, struct qv_error *err)
{
	*ids = (struct key_ids){ .count = 0 };
	json_t *json = body_object(body, size, err);
	if (!json)
		return -1;
	const json_t *array;
	int result = body_array(json, "key_IDs", max, &array, err);
	if (result == 0)
		result = read_ids(ids, array, err);
	ids->tell_route = json_object_get(json_object_get(json, "key_IDs_extension"), "qvisio_route") != NULL;
	json_decref(json);
	return result;
}

int key_ids_query(struct key_ids *ids, const struct uri *uri, struct qv_error *err)
{
	const char *text;
	*ids = (struct key_ids){ .count = 0 };
	int found = uri_param(uri, "key_ID", &text, err);
	if (found < 0)
		return -1;
	if (found == 0)
		return qv_fail(err, QV_E_INVALID, "the URL parameter key_ID is missing");
	ids->ids = calloc(1, sizeof *ids->ids);
	if (!ids->ids)
		return qv_fail(err, QV_E_NOMEM, "no memory for key IDs");
	add_id(ids, text);
	return 0;
}

void key_ids_clear(struct key_ids *ids)
{
	free(ids->ids);
	*ids = (struct key_ids){ .count = 0 };
}
