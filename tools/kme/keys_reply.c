/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as JSON, written straight into protected memory. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "apis.h"

/* {"key_ID":"","key":""}, and a comma */
#define FRAME 64

/* With the ending zero. */
static size_t encoded_size(size_t bytes)
{
	return sodium_base64_encoded_len(bytes, sodium_base64_VARIANT_ORIGINAL);
}

static size_t append(char *out, const char *text)
{
	size_t length = strlen(text);
	memcpy(out, text, length);
	return length;
}

void reply_keys(struct reply *reply, const char (*ids)[UUID_TEXT], const struct qv_secret *keys, size_t count,
		size_t stride, const uint32_t *bytes, const char *extension)
{
	size_t room = FRAME + (extension ? strlen(extension) : 0), used = 0;
	for (size_t i = 0; i < count; i++)
		room += FRAME + UUID_TEXT + encoded_size(bytes[i]);
	struct qv_error err = QV_ERROR_INIT;
	struct qv_secret *text = qv_secret_new(room, &err);
	if (!text) {
		reply_error(reply, 503, err.message, NULL);
		return;
	}
	char *out = (char *)qv_secret_edit(text);
	used += append(out, "{\"keys\":[");
	for (size_t i = 0; i < count; i++) {
		used += append(out + used, i ? ",{\"key_ID\":\"" : "{\"key_ID\":\"");
		used += append(out + used, ids[i]);
		used += append(out + used, "\",\"key\":\"");
		sodium_bin2base64(out + used, encoded_size(bytes[i]), qv_secret_bytes(keys) + i * stride, bytes[i],
				  sodium_base64_VARIANT_ORIGINAL);
		used += encoded_size(bytes[i]) - 1;
		used += append(out + used, "\"}");
	}
	used += append(out + used, "]");
	if (extension) {
		used += append(out + used, ",\"key_container_extension\":");
		used += append(out + used, extension);
	}
	used += append(out + used, "}");
	reply_empty(reply, 200);
	reply->body = qv_secret_copy(out, used, NULL);
	qv_secret_free(text);
	if (!reply->body)
		reply_unavailable(reply, "memory", "no protected memory for the answer");
}
