/* SPDX-License-Identifier: Apache-2.0 */
#include "lift.h"

#include <stdbool.h>
#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes \uXXXX at text[0…3] if it is ASCII, else -1. */
static int ascii_escape(const char *text, size_t size)
{
	int value = 0;
	if (size < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(text[i]);
		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value > 0 && value < 0x80 ? value : -1;
}

/*
 * Resolves in place the escapes that base64 or the name "key" may be written with ("\/", "\u003d"). Any other keeps
 * its backslash, which neither has. Returns the new size; the rest is wiped.
 */
static size_t unescape(char *text, size_t size)
{
	size_t out = 0;
	for (size_t i = 0; i < size; i++) {
		int ascii = -1;
		if (text[i] == '\\' && i + 1 < size) {
			if (text[i + 1] == 'u')
				ascii = ascii_escape(text + i + 2, size - i - 2);
			else if (text[i + 1] == '/')
				ascii = '/';
		}
		if (ascii < 0) {
			text[out++] = text[i];
			continue;
		}
		i += text[i + 1] == 'u' ? 5 : 1;
		text[out++] = (char)ascii;
	}
	qv_wipe(text + out, size - out);
	return out;
}

static bool is_key_name(const char *name, size_t size)
{
	char copy[3 * 6]; /* each letter as \uXXXX at most */
	if (size < 3 || size > sizeof copy)
		return false;
	memcpy(copy, name, size);
	return unescape(copy, size) == 3 && memcmp(copy, "key", 3) == 0;
}

/* The index of the quotation mark that ends the string which starts at text[at]; size if there is none. */
static size_t string_end(const char *text, size_t size, size_t at)
{
	while (at < size && text[at] != '"')
		at += text[at] == '\\' ? 2 : 1;
	return at < size ? at : size;
}

static size_t skip_blanks(const char *text, size_t size, size_t at)
{
	while (at < size && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
		at++;
	return at;
}

/* Where the string value of a member starts whose name ends before text[at]; 0 if it has none. */
static size_t string_value(const char *text, size_t size, size_t at)
{
	at = skip_blanks(text, size, at);
	if (at >= size || text[at] != ':')
		return 0;
	at = skip_blanks(text, size, at + 1);
	return at < size && text[at] == '"' ? at + 1 : 0;
}

/* Lifts text[start, end); text[end] is the closing quotation mark, or end is the end of the text. */
static void lift(char *text, size_t size, size_t start, size_t end, struct etsi014_lifted *lifted)
{
	size_t index = lifted->count++, length = end - start;
	size_t plain = unescape(text + start, length);
	if (index < ETSI014_LIFT_MAX)
		lifted->keys[index] = qv_secret_from_base64(text + start, plain, NULL);
	qv_wipe(text + start, length);
	memset(text + start, ' ', length);
	if (length == 0 || end >= size)
		return;
	text[end] = ' ';
	if (index < ETSI014_LIFT_MAX)
		text[start++] = (char)('0' + index);
	text[start] = '"';
}

void etsi014_lift_keys(char *text, size_t size, struct etsi014_lifted *lifted)
{
	*lifted = (struct etsi014_lifted){ .count = 0 };
	for (size_t at = 0; at < size; at++) {
		if (text[at] != '"')
			continue;
		size_t name = at + 1;
		at = string_end(text, size, name);
		if (at >= size || !is_key_name(text + name, at - name))
			continue;
		size_t start = string_value(text, size, at + 1);
		if (!start)
			continue;
		at = string_end(text, size, start);
		lift(text, size, start, at, lifted);
	}
}

struct qv_secret *etsi014_lifted_key(struct etsi014_lifted *lifted, const char *placeholder)
{
	size_t index = (size_t)(unsigned char)placeholder[0] - '0';
	if (!placeholder[0] || placeholder[1] || index >= ETSI014_LIFT_MAX || index >= lifted->count)
		return NULL;
	return lifted->keys[index];
}

void etsi014_lifted_clear(struct etsi014_lifted *lifted)
{
	for (size_t i = 0; i < ETSI014_LIFT_MAX; i++)
		qv_secret_free(lifted->keys[i]);
	*lifted = (struct etsi014_lifted){ .count = 0 };
}
