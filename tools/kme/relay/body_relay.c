/* SPDX-License-Identifier: Apache-2.0 */
#include "body_relay.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../body_json.h"

#define HEX "0123456789abcdef"

static int read_text(const json_t *object, const char *name, char *text, size_t room, struct qv_error *err)
{
	const json_t *value = json_object_get(object, name);
	const char *from = json_string_value(value);
	size_t length = from ? strlen(from) : 0;
	if (length == 0 || length >= room || length != json_string_length(value))
		return qv_fail(err, QV_E_INVALID, "%s is missing, or no text of 1 to %zu bytes", name, room - 1);
	memcpy(text, from, length + 1);
	return 0;
}

static int read_hex(const json_t *object, const char *name, char *text, size_t room, struct qv_error *err)
{
	if (read_text(object, name, text, room, err) != 0)
		return -1;
	if (strlen(text) != room - 1 || strspn(text, HEX) != room - 1)
		return qv_fail(err, QV_E_INVALID, "%s is not %zu hexadecimal digits", name, room - 1);
	return 0;
}

static int read_number(const json_t *object, const char *name, json_int_t min, json_int_t max, json_int_t *number,
		       struct qv_error *err)
{
	const json_t *value = json_object_get(object, name);
	*number = json_integer_value(value);
	if (!json_is_integer(value) || *number < min || *number > max)
		return qv_fail(err, QV_E_INVALID, "%s is no number from %lld to %lld", name, (long long)min,
			       (long long)max);
	return 0;
}

static int read_session(const json_t *object, char session[SESSION_TEXT], struct qv_error *err)
{
	return read_hex(object, "session", session, SESSION_TEXT, err);
}

static int read_key(const json_t *object, size_t stride, struct activation_key *key, struct qv_error *err)
{
	json_int_t bytes;
	if (body_uuid(object, "key_ID", key->id, err) != 0 ||
	    read_number(object, "bytes", 1, (json_int_t)stride, &bytes, err) != 0)
		return -1;
	key->bytes = (uint32_t)bytes;
	return 0;
}

static int read_keys(const json_t *object, struct relay_open *open, struct qv_error *err)
{
	const json_t *array;
	struct activation *activation = &open->activation;
	if (body_array(object, "keys", BODY_KEYS_MAX, &array, err) != 0)
		return -1;
	size_t count = json_array_size(array);
	if (count == 0)
		return qv_fail(err, QV_E_INVALID, "keys is missing or empty");
	activation->keys = calloc(count, sizeof *activation->keys);
	if (!activation->keys)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	for (size_t i = 0; i < count; i++) {
		if (read_key(json_array_get(array, i), open->size.key_bytes, &activation->keys[i], err) != 0)
			return -1;
		activation->key_count++;
	}
	open->size.keys = (uint16_t)confirm_session_keys(count, open->size.key_bytes);
	return 0;
}

static int read_slaves(const json_t *object, struct activation *activation, struct qv_error *err)
{
	const json_t *array;
	if (body_array(object, "slave_SAE_IDs", BODY_SLAVES_MAX + 1, &array, err) != 0)
		return -1;
	if (json_array_size(array) == 0)
		return qv_fail(err, QV_E_INVALID, "slave_SAE_IDs is missing or empty");
	return body_texts(array, "slave_SAE_IDs", QV_SAE_ID_MAX, &activation->slaves, &activation->slave_count, err);
}

static int read_open(const json_t *object, struct relay_open *open, struct qv_error *err)
{
	json_int_t attempt, stride;
	if (read_session(object, open->session, err) != 0 ||
	    read_text(object, "module", open->module, sizeof open->module, err) != 0 ||
	    read_hex(object, "digest", open->digest, sizeof open->digest, err) != 0 ||
	    read_number(object, "attempt", 0, 255, &attempt, err) != 0 ||
	    read_number(object, "stride", QV_QKDLINK_KEY_BYTES, 32 * QV_QKDLINK_KEY_BYTES, &stride, err) != 0)
		return -1;
	open->size.attempt = (uint8_t)attempt;
	open->size.key_bytes = (uint16_t)stride;
	if (stride % QV_QKDLINK_KEY_BYTES != 0)
		return qv_fail(err, QV_E_INVALID, "stride is no multiple of %d", QV_QKDLINK_KEY_BYTES);
	if (body_uuid(object, "request", open->activation.request, err) != 0 ||
	    body_sae(object, "master_SAE_ID", open->activation.master, err) != 0 ||
	    read_slaves(object, &open->activation, err) != 0 || read_keys(object, open, err) != 0)
		return -1;
	struct qv_error why = QV_ERROR_INIT;
	if (qv_relay_session_check(&open->size, &why) != 0)
		return qv_fail(err, QV_E_INVALID, "%s", why.message);
	return 0;
}

int relay_open_json(struct relay_open *open, const char *body, size_t size, struct qv_error *err)
{
	*open = (struct relay_open){ .size = { .keys = 0 } };
	json_t *json = body_object(body, size, err);
	int result = json ? read_open(json, open, err) : -1;
	json_decref(json);
	return result;
}

/* Takes over `json`. */
static char *dump(json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

char *relay_open_text(const struct relay_open *open)
{
	const struct activation *activation = &open->activation;
	json_t *keys = json_array();
	for (size_t i = 0; i < activation->key_count; i++)
		json_array_append_new(keys, json_pack("{s:s,s:i}", "key_ID", activation->keys[i].id, "bytes",
						      (int)activation->keys[i].bytes));
	if (json_array_size(keys) != activation->key_count) {
		json_decref(keys);
		return NULL;
	}
	return dump(json_pack("{s:s,s:s,s:s,s:i,s:i,s:s,s:s,s:o,s:o}", "session", open->session, "module", open->module,
			      "digest", open->digest, "attempt", (int)open->size.attempt, "stride",
			      (int)open->size.key_bytes, "request", activation->request, "master_SAE_ID",
			      activation->master, "slave_SAE_IDs",
			      body_texts_json(activation->slaves, activation->slave_count), "keys", keys));
}

void relay_open_clear(struct relay_open *open)
{
	activation_clear(&open->activation);
}

int relay_news_json(struct relay_news *news, const char *body, size_t size, struct qv_error *err)
{
	json_t *json = body_object(body, size, err);
	int result = json ? read_session(json, news->session, err) : -1;
	news->rebuilt = json_is_true(json_object_get(json, "rebuilt"));
	news->last = json_is_true(json_object_get(json, "last"));
	json_decref(json);
	return result;
}

char *relay_news_text(const struct relay_news *news)
{
	return dump(json_pack("{s:s,s:b,s:b}", "session", news->session, "rebuilt", news->rebuilt, "last", news->last));
}

static const char *const names[TROUBLE_CAUSES] = { "no_keys", "unreachable", "refused", "queue" };

const char *trouble_name(enum trouble_cause cause)
{
	return names[cause];
}

bool trouble_parse(const char *name, enum trouble_cause *cause)
{
	for (size_t i = 0; i < TROUBLE_CAUSES; i++)
		if (strcmp(names[i], name) == 0) {
			*cause = (enum trouble_cause)i;
			return true;
		}
	return false;
}

int relay_trouble_json(struct relay_trouble *trouble, const char *body, size_t size, struct qv_error *err)
{
	char cause[16];
	json_t *json = body_object(body, size, err);
	int result = -1;
	if (json && read_session(json, trouble->session, err) == 0 &&
	    read_text(json, "from", trouble->from, sizeof trouble->from, err) == 0 &&
	    read_text(json, "to", trouble->to, sizeof trouble->to, err) == 0 &&
	    read_text(json, "cause", cause, sizeof cause, err) == 0)
		result = trouble_parse(cause, &trouble->cause) ? 0 : qv_fail(err, QV_E_INVALID, "an unknown cause");
	json_decref(json);
	return result;
}

int relay_confirm_json(struct relay_confirm *confirm, const char *body, size_t size, struct qv_error *err)
{
	json_int_t time = 0;
	json_t *json = body_object(body, size, err);
	int result = -1;
	if (json && read_session(json, confirm->session, err) == 0 &&
	    read_number(json, "time", 0, CONFIRM_TIMES - 1, &time, err) == 0)
		result = body_base64(json, "challenge", confirm->challenge, sizeof confirm->challenge, err);
	confirm->time = (unsigned)time;
	json_decref(json);
	return result;
}

char *relay_confirm_text(const struct relay_confirm *confirm)
{
	return dump(json_pack("{s:s,s:i,s:o}", "session", confirm->session, "time", (int)confirm->time, "challenge",
			      body_base64_json(confirm->challenge, sizeof confirm->challenge)));
}

int relay_tag_json(uint8_t tag[CONFIRM_TAG], const char *body, size_t size, struct qv_error *err)
{
	json_t *json = body_object(body, size, err);
	int result = json ? body_base64(json, "tag", tag, CONFIRM_TAG, err) : -1;
	json_decref(json);
	return result;
}

int relay_commit_json(struct relay_commit *commit, const char *body, size_t size, struct qv_error *err)
{
	json_t *json = body_object(body, size, err);
	int result = -1;
	if (json && read_session(json, commit->session, err) == 0 &&
	    body_uuid(json, "request", commit->request, err) == 0)
		result = body_base64(json, "token", commit->token, sizeof commit->token, err);
	json_decref(json);
	return result;
}

char *relay_commit_text(const struct relay_commit *commit)
{
	return dump(json_pack("{s:s,s:s,s:o}", "session", commit->session, "request", commit->request, "token",
			      body_base64_json(commit->token, sizeof commit->token)));
}

int relay_close_json(char session[SESSION_TEXT], const char *body, size_t size, struct qv_error *err)
{
	json_t *json = body_object(body, size, err);
	int result = json ? read_session(json, session, err) : -1;
	json_decref(json);
	return result;
}
