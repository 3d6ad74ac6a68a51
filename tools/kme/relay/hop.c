/* SPDX-License-Identifier: Apache-2.0 */
#include "hop.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC       "QVRS\1" /* a relayed share, version 1 */
#define MAGIC_SIZE  5
#define UUID_BYTES  16
#define COUNT_AT    (MAGIC_SIZE + UUID_BYTES)
#define LABELS_AT   (COUNT_AT + 2)
#define LABEL_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-"

_Static_assert(crypto_onetimeauth_KEYBYTES == QV_QKDLINK_KEY_BYTES, "one link key is one key of Poly1305");
_Static_assert(crypto_onetimeauth_BYTES == HOP_TAG, "the tag of Poly1305");

static void write_uuid(const uint8_t *bytes, char uuid[UUID_TEXT])
{
	char hex[2 * UUID_BYTES + 1];
	sodium_bin2hex(hex, sizeof hex, bytes, UUID_BYTES);
	snprintf(uuid, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static int read_label(struct hop_message *message, const uint8_t *bytes, size_t length, struct qv_error *err)
{
	char *label = strndup((const char *)bytes, length);
	if (!label)
		return qv_fail(err, QV_E_NOMEM, "no memory for labels");
	message->labels[message->label_count++] = label;
	if (strlen(label) != length || strspn(label, LABEL_BYTES) != length)
		return qv_fail(err, QV_E_INVALID, "a label is no label of a link key");
	return 0;
}

/* Returns where the labels end; 0 with err. */
static size_t read_labels(struct hop_message *message, const uint8_t *bytes, size_t size, struct qv_error *err)
{
	size_t count = (size_t)bytes[COUNT_AT] << 8 | bytes[COUNT_AT + 1], at = LABELS_AT;
	if (count < 2 || count > HOP_LABELS_MAX) {
		qv_fail(err, QV_E_INVALID, "%zu labels", count);
		return 0;
	}
	message->labels = calloc(count, sizeof *message->labels);
	if (!message->labels) {
		qv_fail(err, QV_E_NOMEM, "no memory for labels");
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		size_t length = at < size ? bytes[at] : 0;
		if (length == 0 || length > QV_QKDLINK_LABEL_MAX || length >= size - at) {
			qv_fail(err, QV_E_INVALID, "a label is cut off, empty or too long");
			return 0;
		}
		if (read_label(message, bytes + at + 1, length, err) != 0)
			return 0;
		at += 1 + length;
	}
	return at;
}

int hop_parse(struct hop_message *message, const uint8_t *bytes, size_t size, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	*message = (struct hop_message){ .label_count = 0 };
	if (size < LABELS_AT + HOP_TAG || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0)
		return qv_fail(err, QV_E_INVALID, "this is no relayed share of version 1");
	write_uuid(bytes + MAGIC_SIZE, message->request);
	message->bytes = bytes;
	message->size = size - HOP_TAG;
	message->tag = bytes + message->size;
	size_t at = read_labels(message, bytes, message->size, err);
	if (at == 0)
		return -1;
	int envelope = qv_relay_envelope_read(&message->envelope, bytes + at, message->size - at, &why);
	if (envelope < 0)
		return qv_fail(err, QV_E_INVALID, "%s", why.message);
	message->ciphertext = bytes + at + (size_t)envelope;
	message->share_size = message->size - at - (size_t)envelope;
	if (qv_relay_session_check(&message->envelope.session, &why) != 0)
		return qv_fail(err, QV_E_INVALID, "%s", why.message);
	if (message->share_size != (size_t)message->envelope.session.keys * message->envelope.session.key_bytes)
		return qv_fail(err, QV_E_INVALID, "a share of %zu bytes in a session of %u keys of %u bytes",
			       message->share_size, message->envelope.session.keys,
			       message->envelope.session.key_bytes);
	if (message->label_count != hop_key_count(message->share_size))
		return qv_fail(err, QV_E_INVALID, "%zu labels for a share of %zu bytes", message->label_count,
			       message->share_size);
	return 0;
}

void hop_clear(struct hop_message *message)
{
	for (size_t i = 0; i < message->label_count; i++)
		free(message->labels[i]);
	free(message->labels);
	*message = (struct hop_message){ .label_count = 0 };
}

static void make_tag(const uint8_t *bytes, size_t size, const uint8_t *keys, size_t label_count, uint8_t *tag)
{
	crypto_onetimeauth(tag, bytes, size, keys + (label_count - 1) * QV_QKDLINK_KEY_BYTES);
}

static void add_pad(const uint8_t *in, const uint8_t *pad, size_t size, uint8_t *out)
{
	for (size_t i = 0; i < size; i++)
		out[i] = in[i] ^ pad[i];
}

int hop_open(const struct hop_message *message, const uint8_t *keys, uint8_t *share, struct qv_error *err)
{
	uint8_t tag[HOP_TAG];
	make_tag(message->bytes, message->size, keys, message->label_count, tag);
	if (sodium_memcmp(tag, message->tag, sizeof tag) != 0)
		return qv_fail(err, QV_E_DENIED, "the share of message %s does not authenticate", message->request);
	add_pad(message->ciphertext, keys, message->share_size, share);
	return 0;
}

uint8_t *hop_seal(const struct hop_parts *parts, size_t *size)
{
	size_t room = LABELS_AT + parts->envelope_size + parts->share_size + HOP_TAG, at = LABELS_AT, uuid_size;
	for (size_t i = 0; i < parts->label_count; i++)
		room += 1 + strlen(parts->labels[i]);
	uint8_t *bytes = malloc(room);
	if (!bytes)
		return NULL;
	memcpy(bytes, MAGIC, MAGIC_SIZE);
	sodium_hex2bin(bytes + MAGIC_SIZE, UUID_BYTES, parts->request, strlen(parts->request), "-", &uuid_size, NULL);
	bytes[COUNT_AT] = (uint8_t)(parts->label_count >> 8);
	bytes[COUNT_AT + 1] = (uint8_t)parts->label_count;
	for (size_t i = 0; i < parts->label_count; i++) {
		size_t length = strlen(parts->labels[i]);
		bytes[at] = (uint8_t)length;
		memcpy(bytes + at + 1, parts->labels[i], length);
		at += 1 + length;
	}
	memcpy(bytes + at, parts->envelope, parts->envelope_size);
	at += parts->envelope_size;
	add_pad(parts->share, parts->keys, parts->share_size, bytes + at);
	at += parts->share_size;
	make_tag(bytes, at, parts->keys, parts->label_count, bytes + at);
	*size = at + HOP_TAG;
	return bytes;
}
