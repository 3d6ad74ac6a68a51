/* SPDX-License-Identifier: Apache-2.0 */
/* What the parsers of JSON bodies share. */
#ifndef KME_BODY_JSON_H
#define KME_BODY_JSON_H

#include <jansson.h>

#include <qvisio/error.h>
#include <qvisio/keysource.h>

#include "uuid.h"

/* A JSON object without members that occur twice; freed by the caller. */
json_t *body_object(const char *body, size_t size, struct qv_error *err);

/* A member that is an array of at most `max`; NULL when absent. */
int body_array(const json_t *object, const char *name, size_t max, const json_t **array, struct qv_error *err);

/* Copies an array of distinct non-empty strings. Freed with labels_free, also after a failure. */
int body_texts(const json_t *array, const char *name, size_t max_length, char ***texts, size_t *count,
	       struct qv_error *err);

/* Appends the labels of an array to a list that has room for them. */
int body_labels(const json_t *array, char **labels, size_t *count, struct qv_error *err);

/* Members that have to be there. base64: of exactly `size` bytes. */
int body_uuid(const json_t *object, const char *name, char uuid[UUID_TEXT], struct qv_error *err);
int body_sae(const json_t *object, const char *name, char sae[QV_SAE_ID_MAX + 1], struct qv_error *err);
int body_base64(const json_t *object, const char *name, uint8_t *bytes, size_t size, struct qv_error *err);

/* The other way; NULL without memory. */
json_t *body_texts_json(char *const *texts, size_t count);
json_t *body_base64_json(const uint8_t *bytes, size_t size);

#endif
