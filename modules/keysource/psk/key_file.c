/* SPDX-License-Identifier: Apache-2.0 */
#include "key_file.h"

#include <stdlib.h>
#include <string.h>

bool psk_is_key_id(const char *text, size_t length)
{
	if (length == 0 || length > QV_KEY_ID_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts the next word off [*at, end). */
static size_t next_word(const char **at, const char *end, const char **word)
{
	while (*at < end && is_blank(**at))
		(*at)++;
	*word = *at;
	while (*at < end && !is_blank(**at))
		(*at)++;
	return (size_t)(*at - *word);
}

static struct qv_secret *decode(const char *word, size_t length, struct qv_error *err)
{
	static const char hex[] = "hex:";
	if (length >= sizeof hex - 1 && memcmp(word, hex, sizeof hex - 1) == 0)
		return qv_secret_from_hex(word + sizeof hex - 1, length - (sizeof hex - 1), err);
	return qv_secret_from_base64(word, length, err);
}

static int parse_line(const char *line, const char *end, struct psk_entry *entry, struct qv_error *err)
{
	const char *id, *value, *rest;
	size_t id_length = next_word(&line, end, &id);
	size_t value_length = next_word(&line, end, &value);
	if (value_length == 0)
		return qv_fail(err, QV_E_INVALID,
			       "no key after the key_ID; a line is: key_ID, blank, key in base64 or "
			       "\"hex:\" and digits");
	if (next_word(&line, end, &rest) != 0)
		return qv_fail(err, QV_E_INVALID, "more than a key_ID and a key on one line");
	if (!psk_is_key_id(id, id_length))
		return qv_fail(err, QV_E_INVALID, "the key_ID is longer than %d bytes or not printable ASCII",
			       QV_KEY_ID_MAX);
	memcpy(entry->key.id, id, id_length);
	entry->key.id[id_length] = '\0';
	entry->key.secret = decode(value, value_length, err);
	if (!entry->key.secret)
		return qv_error_prefix(err, "the key");
	size_t size = qv_secret_size(entry->key.secret);
	if (size < PSK_KEY_SIZE_MIN || size > PSK_KEY_SIZE_MAX)
		return qv_fail(err, QV_E_INVALID, "the key has %zu bits; a key has %d to %d", size * 8,
			       PSK_KEY_SIZE_MIN * 8, PSK_KEY_SIZE_MAX * 8);
	return 0;
}

static int add_line(struct psk_keys *keys, size_t *room, const char *line, const char *end, unsigned number,
		    struct qv_error *err)
{
	if (keys->count == PSK_KEYS_MAX)
		return qv_fail(err, QV_E_INVALID, "more than %d keys in one file", PSK_KEYS_MAX);
	if (keys->count == *room) {
		size_t more = *room ? *room * 2 : 16;
		struct psk_entry *entries = realloc(keys->entries, more * sizeof *entries);
		if (!entries)
			return qv_fail(err, QV_E_NOMEM, "no memory for %zu keys", more);
		keys->entries = entries;
		*room = more;
	}
	struct psk_entry *entry = &keys->entries[keys->count];
	*entry = (struct psk_entry){ .line = number };
	if (parse_line(line, end, entry, err) != 0) {
		qv_key_clear(&entry->key);
		return -1;
	}
	keys->count++;
	return 0;
}

static int parse_lines(const char *text, size_t size, struct psk_keys *keys, unsigned *number, struct qv_error *err)
{
	size_t room = 0;
	const char *stop = text + size;
	while (text < stop) {
		const char *end = memchr(text, '\n', (size_t)(stop - text));
		const char *line = text;
		if (!end)
			end = stop;
		++*number;
		while (line < end && is_blank(*line))
			line++;
		if (line < end && *line != '#' && add_line(keys, &room, line, end, *number, err) != 0)
			return -1;
		text = end < stop ? end + 1 : stop;
	}
	return 0;
}

static int compare_id(const void *a, const void *b)
{
	const struct psk_entry *const *x = a, *const *y = b;
	return strcmp((*x)->key.id, (*y)->key.id);
}

static int compare_secret(const void *a, const void *b)
{
	const struct psk_entry *const *x = a, *const *y = b;
	size_t m = qv_secret_size((*x)->key.secret), n = qv_secret_size((*y)->key.secret);
	if (m != n)
		return m < n ? -1 : 1;
	return memcmp(qv_secret_bytes((*x)->key.secret), qv_secret_bytes((*y)->key.secret), m);
}

/* Sorts by `compare` and refuses two equal neighbours; *number becomes the later one's line. */
static int unique(struct psk_keys *keys, int (*compare)(const void *, const void *), const char *what, unsigned *number,
		  struct qv_error *err)
{
	qsort(keys->by_id, keys->count, sizeof(struct psk_entry *), compare);
	for (size_t i = 1; i < keys->count; i++) {
		if (compare(&keys->by_id[i - 1], &keys->by_id[i]) != 0)
			continue;
		unsigned a = keys->by_id[i - 1]->line, b = keys->by_id[i]->line;
		*number = a > b ? a : b;
		return qv_fail(err, QV_E_INVALID, "the same %s as in line %u; each key is for one use", what,
			       a < b ? a : b);
	}
	return 0;
}

static int index_keys(struct psk_keys *keys, unsigned *number, struct qv_error *err)
{
	keys->by_id = calloc(keys->count ? keys->count : 1, sizeof(struct psk_entry *));
	if (!keys->by_id)
		return qv_fail(err, QV_E_NOMEM, "no memory for %zu keys", keys->count);
	for (size_t i = 0; i < keys->count; i++)
		keys->by_id[i] = &keys->entries[i];
	if (unique(keys, compare_secret, "key", number, err) != 0)
		return -1;
	return unique(keys, compare_id, "key_ID", number, err);
}

int psk_keys_parse(const uint8_t *text, size_t size, const char *name, struct psk_keys *keys, struct qv_error *err)
{
	unsigned number = 0;
	*keys = (struct psk_keys){ .entries = NULL };
	if (parse_lines((const char *)text, size, keys, &number, err) == 0 && index_keys(keys, &number, err) == 0)
		return 0;
	psk_keys_clear(keys);
	return qv_error_prefix(err, "%s:%u", name, number);
}

int psk_keys_load(const char *path, struct psk_keys *keys, struct qv_error *err)
{
	*keys = (struct psk_keys){ .entries = NULL };
	struct qv_secret *text = qv_secret_from_file(path, QV_SECRET_MAX, err);
	if (!text)
		return -1;
	int result = psk_keys_parse(qv_secret_bytes(text), qv_secret_size(text), path, keys, err);
	qv_secret_free(text);
	return result;
}

struct psk_entry *psk_keys_find(const struct psk_keys *keys, const char *id)
{
	size_t low = 0, high = keys->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(id, keys->by_id[middle]->key.id);
		if (order == 0)
			return keys->by_id[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

void psk_keys_clear(struct psk_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		qv_key_clear(&keys->entries[i].key);
	free(keys->entries);
	free(keys->by_id);
	*keys = (struct psk_keys){ .entries = NULL };
}
