/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as JSON, written straight into protected memory. */
#include <string.h>

#include "apis.h"

#define CONTAINER_BEGIN "{\"keys\":["
#define KEY_BEGIN       "{\"key_ID\":\""
#define KEY_MIDDLE      "\",\"key\":\""
#define KEY_END         "\"}"
#define DIRECT          ",\"key_container_extension\":{\"qvisio_route\":\"direct\"}"
#define RELAYED         ",\"key_container_extension\":{\"qvisio_route\":\"relayed\"}"

static size_t encoded_size(size_t bytes)
{
	return (bytes + 2) / 3 * 4;
}

/* The digit of RFC 4648 section 4 for 0 to 63, without a branch or a table that a key's bits would choose. */
static char digit(int value)
{
	int after_upper = (25 - value) >> 8, after_lower = (51 - value) >> 8;
	int after_digits = (61 - value) >> 8, is_last = (62 - value) >> 8;
	return (char)(value + 'A' + (after_upper & ('a' - 'Z' - 1)) + (after_lower & ('0' - 'z' - 1)) +
		      (after_digits & ('+' - '9' - 1)) + (is_last & ('/' - '+' - 1)));
}

static char *append_base64(char *out, const uint8_t *bytes, size_t size)
{
	for (; size >= 3; bytes += 3, size -= 3, out += 4) {
		unsigned group = (unsigned)bytes[0] << 16 | (unsigned)bytes[1] << 8 | bytes[2];
		for (unsigned i = 0; i < 4; i++)
			out[i] = digit((int)(group >> (18 - 6 * i) & 63));
	}
	if (size == 0)
		return out;
	unsigned group = (unsigned)bytes[0] << 16 | (size == 2 ? (unsigned)bytes[1] << 8 : 0);
	out[0] = digit((int)(group >> 18));
	out[1] = digit((int)(group >> 12 & 63));
	out[2] = '=';
	if (size == 2)
		out[2] = digit((int)(group >> 6 & 63));
	out[3] = '=';
	return out + 4;
}

static char *append(char *out, const char *text, size_t length)
{
	memcpy(out, text, length);
	return out + length;
}

#define APPEND(out, literal) append(out, literal, sizeof(literal) - 1)

void reply_keys(struct reply *reply, const char (*ids)[UUID_TEXT], const struct qv_secret *keys, size_t count,
		size_t stride, const uint32_t *bytes, enum route_choice route)
{
	const char *extension = route == ROUTE_RELAYED ? RELAYED : route == ROUTE_DIRECT ? DIRECT : "";
	/* A comma for each key but the first; the last "}" and "]". */
	size_t frame = sizeof KEY_BEGIN KEY_MIDDLE KEY_END - 1 + UUID_TEXT - 1 + 1;
	size_t size = sizeof CONTAINER_BEGIN - 1 + count * frame - (count > 0) + 2;
	for (size_t i = 0; i < count; i++)
		size += encoded_size(bytes[i]);
	size += strlen(extension);
	struct qv_secret *text = qv_secret_new(size, NULL);
	if (!text) {
		reply_unavailable(reply, "memory", "no protected memory for the answer");
		return;
	}
	char *out = APPEND((char *)qv_secret_edit(text), CONTAINER_BEGIN);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*out++ = ',';
		out = APPEND(out, KEY_BEGIN);
		out = append(out, ids[i], UUID_TEXT - 1);
		out = APPEND(out, KEY_MIDDLE);
		out = append_base64(out, qv_secret_bytes(keys) + i * stride, bytes[i]);
		out = APPEND(out, KEY_END);
	}
	*out++ = ']';
	out = append(out, extension, strlen(extension));
	*out = '}';
	reply_empty(reply, 200);
	reply->body = text;
}
