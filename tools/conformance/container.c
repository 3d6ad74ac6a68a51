/* SPDX-License-Identifier: Apache-2.0 */
#include "container.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

const json_t *container_keys(const json_t *json, const char **why)
{
	const json_t *keys = json_object_get(json, "keys");
	*why = NULL;
	if (!json_is_object(json))
		*why = "the answer is no JSON object";
	else if (!keys)
		*why = "the container has no member keys";
	else if (!json_is_array(keys))
		*why = "keys is no array";
	else if (json_array_size(keys) == 0)
		*why = "keys is empty";
	for (size_t i = 0; !*why && i < json_array_size(keys); i++)
		if (!json_is_object(json_array_get(keys, i)))
			*why = "keys holds something that is no object";
	return *why ? NULL : keys;
}

void sample_read(const json_t *entry, struct sample *sample)
{
	const json_t *id = json_object_get(entry, "key_ID"), *key = json_object_get(entry, "key");
	*sample = (struct sample){ .encoded = json_is_string(key) };
	const char *text = json_string_value(id);
	size_t length = 0;
	for (; text && text[length] && length < SAMPLE_ID_MAX; length++)
		sample->id[length] = (char)(isgraph((unsigned char)text[length]) ? text[length] : '?');
	sample->id_whole = text && strcmp(text, sample->id) == 0 && strlen(text) == json_string_length(id);
	if (sample->encoded && base64_strict(json_string_value(key)))
		sample->key = qv_secret_from_base64(json_string_value(key), json_string_length(key), NULL);
}

void sample_clear(struct sample *sample)
{
	qv_secret_free(sample->key);
	*sample = (struct sample){ .key = NULL };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool uuid_read(const char *text, unsigned char bytes[16])
{
	unsigned digits = 0;
	if (strlen(text) != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return false;
			continue;
		}
		int digit = hex_digit(text[i]);
		if (digit < 0)
			return false;
		if (bytes)
			bytes[digits / 2] = (unsigned char)(digits % 2 ? bytes[digits / 2] | digit : digit << 4);
		digits++;
	}
	return true;
}

static int base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, c) : NULL;
	return found ? (int)(found - digits) : -1;
}

bool base64_strict(const char *text)
{
	size_t length = strlen(text), padding = 0;
	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	if (length == 0 || length % 4 != 0)
		return false;
	for (size_t i = 0; i < length - padding; i++)
		if (base64_value(text[i]) < 0)
			return false;
	int last = base64_value(text[length - padding - 1]);
	return padding == 0 || (last & (padding == 1 ? 0x03 : 0x0f)) == 0;
}

static unsigned ones_in(const unsigned char *bytes, size_t size)
{
	unsigned ones = 0;
	for (size_t i = 0; i < size; i++)
		ones += (unsigned)__builtin_popcount(bytes[i]);
	return ones;
}

const char *key_flaw(const struct qv_secret *key)
{
	const unsigned char *bytes = qv_secret_bytes(key);
	size_t size = qv_secret_size(key);
	bool constant = size >= 8, counts = size >= 8, halves = size >= 16 && size % 2 == 0;
	for (size_t i = 1; i < size; i++) {
		constant = constant && bytes[i] == bytes[0];
		counts = counts && bytes[i] == (unsigned char)(bytes[i - 1] + 1);
	}
	if (constant)
		return "all its bytes are the same";
	if (counts)
		return "each byte is the one before it plus one";
	if (halves && memcmp(bytes, bytes + size / 2, size / 2) == 0)
		return "its second half repeats the first";
	/* Of n random bits n/2 are ones, give or take half a root of n; six of these are exceeded once in 10^9 keys. */
	double bits = 8.0 * (double)size;
	if (size >= 8 && fabs((double)ones_in(bytes, size) - bits / 2) > 3 * sqrt(bits))
		return "it has far too many ones, or zeros";
	return NULL;
}
