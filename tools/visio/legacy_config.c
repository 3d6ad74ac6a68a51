/* SPDX-License-Identifier: Apache-2.0 */
#include "legacy_config.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_lines.h"

enum value_kind { TEXT, SECRET, WHOLE, FLAG, SAE_ID, RATE, GROUP };

struct legacy_key {
	const char *parent; /* of a member of an inner object */
	const char *name;
	enum value_kind kind;
	bool required;
	const char *group; /* where it goes in our configuration */
	const char *setting;
};

static const struct legacy_key client_keys[] = {
	{ NULL, "kme_address", TEXT, true, "key_source", "kme" },
	{ NULL, "kme_authentication_certificate_path", TEXT, true, "key_source", "certificate" },
	{ NULL, "kme_authentication_certificate_password", SECRET, true, "key_source", "password" },
	{ NULL, "danger_accept_invalid_kme_cert", FLAG, true, "key_source", "accept_invalid_kme_certificate" },
	{ NULL, "target_sae_host", TEXT, true, "peer", "host" },
	{ NULL, "target_sae_port", WHOLE, true, "peer", "port" },
	{ NULL, "target_sae_id", SAE_ID, true, "peer", "sae_id" },
	{ NULL, "override_default_format", GROUP, false, NULL, NULL },
	{ "override_default_format", "width", WHOLE, true, "video.source", "width" },
	{ "override_default_format", "height", WHOLE, true, "video.source", "height" },
	{ NULL, "override_default_camera_fps", RATE, false, "video.source", "fps" },
	{ NULL, "override_default_camera_device", TEXT, false, "video.source", "device" },
	{ NULL, "override_default_video_jpeg_quality", WHOLE, false, "video.codec", "quality" },
	{ NULL, "override_default_audio_frame_accumulator_length", WHOLE, false, "audio.codec", "accumulate" },
	{ NULL, NULL, TEXT, false, NULL, NULL },
};

static const struct legacy_key server_keys[] = {
	{ NULL, "kme_address", TEXT, true, "key_source", "kme" },
	{ NULL, "kme_authentication_certificate_path", TEXT, true, "key_source", "certificate" },
	{ NULL, "kme_authentication_certificate_password", SECRET, true, "key_source", "password" },
	{ NULL, "danger_accept_invalid_kme_cert", FLAG, true, "key_source", "accept_invalid_kme_certificate" },
	{ NULL, "binding_address", TEXT, true, "listen", "address" },
	{ NULL, NULL, TEXT, false, NULL, NULL },
};

/* What the original has built in: camera, JPEG, the default sound device at 16 kHz mono, a window. */
struct legacy_group {
	const char *outer; /* NULL: at the top */
	const char *name;
	const char *module;
};

static const struct legacy_group client_groups[] = {
	{ NULL, "key_source", "etsi014" }, { NULL, "tls", "openssl" },    { NULL, "peer", NULL },
	{ "video", "source", "v4l2" },     { "video", "codec", "mjpeg" }, { "audio", "source", "alsa" },
	{ "audio", "codec", "pcm" },       { NULL, NULL, NULL },
};

static const struct legacy_group server_groups[] = {
	{ NULL, "key_source", "etsi014" }, { NULL, "tls", "openssl" },    { NULL, "listen", NULL },
	{ "video", "sink", "sdl" },        { "video", "codec", "mjpeg" }, { "audio", "sink", "alsa" },
	{ "audio", "codec", "pcm" },       { NULL, NULL, NULL },
};

/* Our configuration as it grows, with the JSON line that each of its lines comes from. */
struct text {
	char *bytes;
	size_t size;
	unsigned *lines;
	size_t count;
	bool failed;
};

struct translation {
	const char *json; /* the file's text */
	const char *path;
	const json_t *top;
	const struct legacy_key *keys;
	struct text out;
};

static void text_clear(struct text *text)
{
	if (text->bytes)
		qv_wipe(text->bytes, text->size);
	free(text->bytes);
	free(text->lines);
	*text = (struct text){ NULL, 0, NULL, 0, false };
}

/* Grows by copying, so that the old bytes, which may hold a password, can be wiped. */
static void append(struct text *text, const char *bytes, size_t size)
{
	char *longer = text->failed ? NULL : malloc(text->size + size + 1);
	if (!longer) {
		text->failed = true;
		return;
	}
	if (text->bytes) {
		memcpy(longer, text->bytes, text->size);
		qv_wipe(text->bytes, text->size);
		free(text->bytes);
	}
	memcpy(longer + text->size, bytes, size);
	text->bytes = longer;
	text->size += size;
	text->bytes[text->size] = '\0';
}

static void end_line(struct text *text, unsigned line)
{
	append(text, "\n", 1);
	unsigned *longer = realloc(text->lines, (text->count + 1) * sizeof *longer);
	if (!longer) {
		text->failed = true;
		return;
	}
	text->lines = longer;
	text->lines[text->count++] = line;
}

__attribute__((format(printf, 3, 4))) static void add_line(struct text *text, unsigned line, const char *format, ...)
{
	char bytes[512];
	va_list args;
	va_start(args, format);
	int length = vsnprintf(bytes, sizeof bytes, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof bytes) {
		text->failed = true;
		return;
	}
	append(text, bytes, (size_t)length);
	end_line(text, line);
}

/* `setting = "string";` with what libconfig wants escaped. */
static void add_string(struct text *text, unsigned line, const char *setting, const char *string)
{
	append(text, setting, strlen(setting));
	append(text, " = \"", 4);
	for (const char *c = string; *c; c++) {
		char escaped[8];
		if (*c == '"' || *c == '\\')
			snprintf(escaped, sizeof escaped, "\\%c", *c);
		else if ((unsigned char)*c < 0x20)
			snprintf(escaped, sizeof escaped, "\\x%02x", (unsigned char)*c);
		else
			snprintf(escaped, sizeof escaped, "%c", *c);
		append(text, escaped, strlen(escaped));
		qv_wipe(escaped, sizeof escaped);
	}
	append(text, "\";", 2);
	end_line(text, line);
}

static unsigned line_of(const struct translation *t, const struct legacy_key *key)
{
	unsigned line = json_line_of(t->json, key->parent, key->name);
	return line ? line : 1;
}

static const json_t *value_of(const struct translation *t, const struct legacy_key *key)
{
	const json_t *object = key->parent ? json_object_get(t->top, key->parent) : t->top;
	return json_object_get(object, key->name);
}

static int wrong(const struct translation *t, const struct legacy_key *key, const char *expected, struct qv_error *err)
{
	return qv_fail(err, QV_E_CONFIG, "%s:%u: %s%s%s: expected %s", t->path, line_of(t, key),
		       key->parent ? key->parent : "", key->parent ? "." : "", key->name, expected);
}

static int add_value(struct translation *t, const struct legacy_key *key, const json_t *value, struct qv_error *err)
{
	unsigned line = line_of(t, key);
	switch (key->kind) {
	case TEXT:
	case SECRET:
		if (!json_is_string(value))
			return wrong(t, key, "a string", err);
		add_string(&t->out, line, key->setting, json_string_value(value));
		return 0;
	case WHOLE:
		if (!json_is_integer(value))
			return wrong(t, key, "a whole number", err);
		add_line(&t->out, line, "%s = %lldL;", key->setting, (long long)json_integer_value(value));
		return 0;
	case FLAG:
		if (!json_is_boolean(value))
			return wrong(t, key, "true or false", err);
		add_line(&t->out, line, "%s = %s;", key->setting, json_is_true(value) ? "true" : "false");
		return 0;
	case SAE_ID:
		if (json_is_string(value))
			add_string(&t->out, line, key->setting, json_string_value(value));
		else if (json_is_integer(value))
			add_line(&t->out, line, "%s = \"%lld\";", key->setting, (long long)json_integer_value(value));
		else
			return wrong(t, key, "a SAE ID: a whole number or a string", err);
		return 0;
	case RATE:
		/* The document calls it a boolean; true asks the camera for the usual 30 frames a second. */
		if (json_is_integer(value))
			add_line(&t->out, line, "%s = %lldL;", key->setting, (long long)json_integer_value(value));
		else if (json_is_true(value))
			add_line(&t->out, line, "%s = 30;", key->setting);
		else if (!json_is_false(value))
			return wrong(t, key, "true, false or frames per second", err);
		return 0;
	case GROUP:
		return json_is_object(value) ? 0 : wrong(t, key, "an object with width and height", err);
	}
	return 0;
}

/* A key that is null is as good as absent when it is optional. */
static bool is_absent(const json_t *value, const struct legacy_key *key)
{
	return !value || (!key->required && json_is_null(value));
}

static int check_keys(const struct translation *t, struct qv_error *err)
{
	for (const struct legacy_key *key = t->keys; key->name; key++) {
		const json_t *value = value_of(t, key);
		bool parent_absent = key->parent && !json_is_object(json_object_get(t->top, key->parent));
		if (key->kind == GROUP && !is_absent(value, key) && !json_is_object(value))
			return wrong(t, key, "an object with width and height", err);
		if (key->required && !parent_absent && !value)
			return qv_fail(err, QV_E_CONFIG, "%s: %s%s%s: missing; it is required", t->path,
				       key->parent ? key->parent : "", key->parent ? "." : "", key->name);
	}
	return 0;
}

static const struct legacy_key *find_key(const struct translation *t, const char *parent, const char *name)
{
	for (const struct legacy_key *key = t->keys; key->name; key++) {
		bool same_parent = parent ? key->parent && strcmp(key->parent, parent) == 0 : !key->parent;
		if (same_parent && strcmp(key->name, name) == 0)
			return key;
	}
	return NULL;
}

static int check_unknown(const struct translation *t, const char *parent, const json_t *object, struct qv_error *err)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		const struct legacy_key *key = find_key(t, parent, name);
		if (!key)
			return qv_fail(err, QV_E_CONFIG, "%s:%u: %s%s%s: unknown setting", t->path,
				       json_line_of(t->json, parent, name), parent ? parent : "", parent ? "." : "",
				       name);
		if (key->kind == GROUP && json_is_object(value) && check_unknown(t, name, value, err) != 0)
			return -1;
	}
	return 0;
}

static int add_group(struct translation *t, const struct legacy_group *group, struct qv_error *err)
{
	char path[64];
	snprintf(path, sizeof path, "%s%s%s", group->outer ? group->outer : "", group->outer ? "." : "", group->name);
	add_line(&t->out, 1, "%s: {", group->name);
	if (group->module)
		add_line(&t->out, 1, "module = \"%s\";", group->module);
	for (const struct legacy_key *key = t->keys; key->name; key++) {
		const json_t *value = value_of(t, key);
		if (!key->group || strcmp(key->group, path) != 0 || is_absent(value, key))
			continue;
		if (add_value(t, key, value, err) != 0)
			return -1;
	}
	add_line(&t->out, 1, "};");
	return 0;
}

static bool same_outer(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int add_groups(struct translation *t, const struct legacy_group *groups, struct qv_error *err)
{
	const char *outer = NULL;
	for (const struct legacy_group *group = groups;; group++) {
		if (outer && !same_outer(outer, group->outer))
			add_line(&t->out, 1, "};");
		if (!group->name)
			return 0;
		if (group->outer && !same_outer(outer, group->outer))
			add_line(&t->out, 1, "%s: {", group->outer);
		outer = group->outer;
		if (add_group(t, group, err) != 0)
			return -1;
	}
}

static void wipe_secrets(const struct translation *t)
{
	for (const struct legacy_key *key = t->keys; key->name; key++) {
		const char *string = key->kind == SECRET ? json_string_value(value_of(t, key)) : NULL;
		if (string)
			qv_wipe((char *)(uintptr_t)string, strlen(string));
	}
}

static struct qv_config *translate(struct translation *t, const struct legacy_group *groups, struct qv_error *err)
{
	if (!json_is_object(t->top)) {
		qv_fail(err, QV_E_CONFIG, "%s:1: expected a JSON object: { … }", t->path);
		return NULL;
	}
	if (check_unknown(t, NULL, t->top, err) != 0 || check_keys(t, err) != 0 || add_groups(t, groups, err) != 0)
		return NULL;
	if (t->out.failed) {
		qv_fail(err, QV_E_NOMEM, "%s: no memory for the configuration", t->path);
		return NULL;
	}
	return qv_config_parse_from(t->out.bytes, t->path, ".", t->out.lines, t->out.count, err);
}

bool legacy_config_is_json(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '{';
}

struct qv_config *legacy_config_parse(const char *text, const char *path, enum visio_role role, struct qv_error *err)
{
	json_error_t why;
	json_t *top = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	if (!top) {
		qv_fail(err, QV_E_CONFIG, "%s:%d: not valid JSON: %s", path, why.line, why.text);
		return NULL;
	}
	struct translation t = {
		.json = text,
		.path = path,
		.top = top,
		.keys = role == VISIO_CLIENT ? client_keys : server_keys,
	};
	struct qv_config *config = translate(&t, role == VISIO_CLIENT ? client_groups : server_groups, err);
	wipe_secrets(&t);
	text_clear(&t.out);
	json_decref(top);
	return config;
}
