/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_line.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "utf8.h"

#define TEXT_MAX     256 /* bytes of a text, before it is escaped */
#define PREVIOUS     ",\"previous\":\""
#define MAC          ",\"mac\":\""
#define LINE_END     "\"}"
#define HASH_DIGITS  (AUDIT_HASH_TEXT - 1)
#define MAC_PART     (sizeof MAC - 1 + HASH_DIGITS + sizeof LINE_END - 1)
#define CHAIN_PART   (sizeof PREVIOUS - 1 + HASH_DIGITS + 1 + MAC_PART)
#define LINE_START   "{\"sequence\":"
#define SEQUENCE_MAX INT64_C(9007199254740991) /* exact in every JSON reader */

/* Text with room for the worst that a record can become. */
struct writer {
	char *text;
	size_t size;
};

static void put(struct writer *out, const char *text)
{
	size_t length = strlen(text);
	memcpy(out->text + out->size, text, length);
	out->size += length;
}

/* Control bytes and whatever JSON gives a meaning; the rest of UTF-8 stays as it is. */
static void put_escaped(struct writer *out, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < TEXT_MAX && text[i]; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f) {
			put(out, "\\u00");
			out->text[out->size++] = digits[byte >> 4];
			out->text[out->size++] = digits[byte & 15];
		} else {
			out->text[out->size++] = (char)byte;
		}
	}
}

static size_t utf8_cut(const char *text)
{
	size_t length = strnlen(text, TEXT_MAX + 1);
	if (length <= TEXT_MAX)
		return length;
	length = TEXT_MAX;
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

/* Whatever comes, a line is UTF-8. */
static void replace_if_broken(char *text, size_t length)
{
	if (utf8_valid(text, length))
		return;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80)
			text[i] = '?';
}

static void put_member(struct writer *out, const char *name, const char *value)
{
	char cut[TEXT_MAX + 1];
	if (!value)
		return;
	size_t length = utf8_cut(value);
	memcpy(cut, value, length);
	cut[length] = '\0';
	replace_if_broken(cut, length);
	put(out, ",\"");
	put(out, name);
	put(out, "\":\"");
	put_escaped(out, cut);
	put(out, "\"");
}

static void put_number(struct writer *out, const char *name, int64_t value)
{
	char text[64];
	if (value == 0)
		return;
	snprintf(text, sizeof text, ",\"%s\":%" PRId64, name, value);
	put(out, text);
}

static void put_time(struct writer *out, int64_t ns)
{
	char text[64];
	struct tm tm;
	time_t seconds = (time_t)(ns / 1000000000);
	gmtime_r(&seconds, &tm);
	size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + length, sizeof text - length, ".%06dZ", (int)(ns % 1000000000 / 1000));
	put_member(out, "time", text);
}

void audit_hash_text(char out[AUDIT_HASH_TEXT], const uint8_t hash[AUDIT_HASH])
{
	sodium_bin2hex(out, AUDIT_HASH_TEXT, hash, AUDIT_HASH);
}

bool audit_hash_parse(uint8_t hash[AUDIT_HASH], const char *text)
{
	for (size_t i = 0; i < AUDIT_HASH; i++) {
		unsigned byte = 0;
		for (size_t j = 0; j < 2; j++) {
			char c = text[2 * i + j];
			if (c >= '0' && c <= '9')
				byte = byte << 4 | (unsigned)(c - '0');
			else if (c >= 'a' && c <= 'f')
				byte = byte << 4 | (unsigned)(c - 'a' + 10);
			else
				return false;
		}
		hash[i] = (uint8_t)byte;
	}
	return true;
}

static void mac_of(uint8_t mac[AUDIT_HASH], const char *text, size_t size, const struct qv_secret *key)
{
	crypto_generichash(mac, AUDIT_HASH, (const uint8_t *)text, size, qv_secret_bytes(key), AUDIT_KEY);
}

static void hash_of(uint8_t hash[AUDIT_HASH], const char *text, size_t size)
{
	crypto_generichash(hash, AUDIT_HASH, (const uint8_t *)text, size, NULL, 0);
}

size_t audit_line_make(char *text, struct audit_head *head, const struct qv_secret *key,
		       const struct audit_record *record)
{
	char roomy[8 * (6 * TEXT_MAX + 64) + 512], hash[AUDIT_HASH_TEXT], number[64];
	uint8_t mac[AUDIT_HASH];
	struct writer out = { .text = roomy };
	snprintf(number, sizeof number, LINE_START "%" PRIu64, head->sequence + 1);
	put(&out, number);
	put_time(&out, record->time);
	put_member(&out, "event", record->event);
	put_member(&out, "to", record->to);
	put_member(&out, "api", record->api);
	put_member(&out, "master", record->master);
	put_member(&out, "slave", record->slave);
	put_member(&out, "peer", record->peer);
	put_member(&out, "key_ID", record->key_id);
	put_number(&out, "status", record->status);
	put_number(&out, "count", record->count);
	if (out.size + 6 * TEXT_MAX + CHAIN_PART + 16 <= AUDIT_LINE_MAX)
		put_member(&out, "cause", record->cause);
	if (out.size + CHAIN_PART > AUDIT_LINE_MAX) {
		/* IDs full of control bytes: what is left is still a line that says what happened. */
		struct audit_record bare = { .time = record->time,
					     .event = record->event,
					     .to = record->to,
					     .api = record->api,
					     .key_id = record->key_id,
					     .status = record->status,
					     .count = record->count,
					     .cause = "its texts do not fit" };
		return audit_line_make(text, head, key, &bare);
	}
	put(&out, PREVIOUS);
	audit_hash_text(hash, head->hash);
	put(&out, hash);
	put(&out, "\"");
	mac_of(mac, out.text, out.size, key);
	put(&out, MAC);
	audit_hash_text(hash, mac);
	put(&out, hash);
	put(&out, LINE_END);
	hash_of(head->hash, out.text, out.size);
	head->sequence++;
	memcpy(text, out.text, out.size);
	text[out.size] = '\n';
	return out.size + 1;
}

/* The fixed part at the end. */
static int read_chain(struct audit_line *line, const char *text, size_t size, struct qv_error *err)
{
	if (size <= CHAIN_PART)
		return qv_fail(err, QV_E_INVALID, "too short for a line of an audit log");
	const char *previous = text + size - CHAIN_PART;
	const char *mac = text + size - MAC_PART;
	if (memcmp(previous, PREVIOUS, sizeof PREVIOUS - 1) != 0 || memcmp(mac, MAC, sizeof MAC - 1) != 0 ||
	    mac[-1] != '"' || memcmp(text + size - 2, LINE_END, 2) != 0 ||
	    !audit_hash_parse(line->previous, previous + sizeof PREVIOUS - 1) ||
	    !audit_hash_parse(line->mac, mac + sizeof MAC - 1))
		return qv_fail(err, QV_E_INVALID, "does not end with \"previous\" and \"mac\"");
	line->covered = size - MAC_PART;
	return 0;
}

static int read_json(struct audit_line *line, const char *text, size_t size, struct qv_error *err)
{
	json_error_t why;
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
	if (!json)
		return qv_fail(err, QV_E_INVALID, "no JSON: %s", why.text);
	const json_t *sequence = json_object_get(json, "sequence");
	const char *event = json_string_value(json_object_get(json, "event"));
	int result = 0;
	if (!json_is_integer(sequence) || json_integer_value(sequence) < 1 ||
	    json_integer_value(sequence) > SEQUENCE_MAX || strncmp(text, LINE_START, sizeof LINE_START - 1) != 0)
		result = qv_fail(err, QV_E_INVALID, "does not start with its \"sequence\" number");
	else if (!event || !json_is_string(json_object_get(json, "time")))
		result = qv_fail(err, QV_E_INVALID, "has no \"event\" or no \"time\"");
	if (result == 0)
		line->sequence = (uint64_t)json_integer_value(sequence);
	json_decref(json);
	return result;
}

int audit_line_read(struct audit_line *line, const char *text, size_t size, struct qv_error *err)
{
	memset(line, 0, sizeof *line);
	if (size > AUDIT_LINE_MAX)
		return qv_fail(err, QV_E_INVALID, "longer than a line of an audit log");
	if (read_chain(line, text, size, err) != 0 || read_json(line, text, size, err) != 0)
		return -1;
	hash_of(line->hash, text, size);
	return 0;
}

bool audit_line_authentic(const struct audit_line *line, const char *text, const struct qv_secret *key)
{
	uint8_t mac[AUDIT_HASH];
	mac_of(mac, text, line->covered, key);
	return sodium_memcmp(mac, line->mac, AUDIT_HASH) == 0;
}

void audit_head_make(char text[AUDIT_HEAD_TEXT + 1], const struct audit_head *head, const struct qv_secret *key)
{
	char hash[AUDIT_HASH_TEXT];
	uint8_t mac[AUDIT_HASH];
	audit_hash_text(hash, head->hash);
	int length = snprintf(text, AUDIT_HEAD_TEXT + 1, "%020" PRIu64 " %s", head->sequence, hash);
	mac_of(mac, text, (size_t)length, key);
	audit_hash_text(hash, mac);
	snprintf(text + length, AUDIT_HEAD_TEXT + 1 - (size_t)length, " %s\n", hash);
}

int audit_head_read(struct audit_head *head, const char *text, size_t size, const struct qv_secret *key,
		    struct qv_error *err)
{
	struct audit_head read = { 0 };
	uint8_t mac[AUDIT_HASH], expected[AUDIT_HASH];
	if (size != AUDIT_HEAD_TEXT || strspn(text, "0123456789") != 20 || text[20] != ' ' || text[85] != ' ' ||
	    text[150] != '\n' || !audit_hash_parse(read.hash, text + 21) || !audit_hash_parse(mac, text + 86))
		return qv_fail(err, QV_E_INVALID, "it is not \"SEQUENCE HASH MAC\"");
	for (size_t i = 0; i < 20; i++)
		if (__builtin_mul_overflow(read.sequence, 10, &read.sequence) ||
		    __builtin_add_overflow(read.sequence, (uint64_t)(text[i] - '0'), &read.sequence))
			return qv_fail(err, QV_E_INVALID, "its number is too large");
	if (key) {
		mac_of(expected, text, 85, key);
		if (sodium_memcmp(mac, expected, AUDIT_HASH) != 0)
			return qv_fail(err, QV_E_INVALID, "it was not made under this seal key");
	}
	*head = read;
	return 0;
}
