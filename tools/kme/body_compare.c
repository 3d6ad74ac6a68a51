/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of the inter-KME API by which two KMEs compare their pools. */
#include <stdlib.h>

#include "body.h"
#include "body_json.h"

static int read_list(const json_t *json, const char *name, char ***labels, size_t *count, struct qv_error *err)
{
	const json_t *array;
	if (body_array(json, name, BODY_COMPARE_MAX, &array, err) != 0)
		return -1;
	*labels = calloc(json_array_size(array) + 1, sizeof **labels);
	if (!*labels)
		return qv_fail(err, QV_E_NOMEM, "no memory for labels");
	if (body_labels(array, *labels, count, err) == 0)
		return 0;
	labels_free(*labels, *count);
	*labels = NULL;
	*count = 0;
	return -1;
}

int lacking_json(unsigned *lane, char ***labels, size_t *count, const char *body, size_t size, struct qv_error *err)
{
	*labels = NULL;
	*count = 0;
	json_t *json = body_object(body, size, err);
	if (!json)
		return -1;
	const json_t *number = json_object_get(json, "lane");
	json_int_t value = json_is_integer(number) ? json_integer_value(number) : -1;
	int result = value == 0 || value == 1 ? read_list(json, "labels", labels, count, err)
					      : qv_fail(err, QV_E_INVALID, "lane is neither 0 nor 1");
	*lane = value == 1;
	json_decref(json);
	return result;
}

int lacking_answer_json(char ***labels, size_t *count, const char *body, size_t size, struct qv_error *err)
{
	*labels = NULL;
	*count = 0;
	json_t *json = body_object(body, size, err);
	if (!json)
		return -1;
	int result = read_list(json, "lacking", labels, count, err);
	json_decref(json);
	return result;
}

char *lacking_text(unsigned lane, char *const *labels, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(labels[i]));
	json_t *json = json_pack("{s:i,s:o}", "lane", (int)lane, "labels", array);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}
