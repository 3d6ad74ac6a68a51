/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A share on its way to a neighbour, as doc/PROTOCOL.md has it: encrypted with link keys as a one-time pad, authenticated
 * by a one-time Poly1305 tag, under a further link key, over everything before it.
 */
#ifndef KME_RELAY_HOP_H
#define KME_RELAY_HOP_H

#include <qvisio/qkdlink.h>
#include <qvisio/relay.h>

#include "../uuid.h"

#define HOP_TAG        16
#define HOP_LABELS_MAX (QV_RELAY_BYTES_MAX / QV_QKDLINK_KEY_BYTES + 1)

/* Link keys that a share of this size uses up: its pad, and the key of the tag. */
static inline size_t hop_key_count(size_t share_size)
{
	return (share_size + QV_QKDLINK_KEY_BYTES - 1) / QV_QKDLINK_KEY_BYTES + 1;
}

/* As it came. What is not owned points into the bytes. */
struct hop_message {
	char request[UUID_TEXT]; /* names the message */
	char **labels;           /* owned; hop_key_count of them */
	size_t label_count;
	struct qv_relay_envelope envelope;
	const uint8_t *ciphertext;
	size_t share_size;
	const uint8_t *bytes; /* all before the tag */
	size_t size;
	const uint8_t *tag;
};

/* From hostile bytes; freed with hop_clear, also after a failure. QV_E_INVALID with a message for the sender. */
int hop_parse(struct hop_message *message, const uint8_t *bytes, size_t size, struct qv_error *err);
void hop_clear(struct hop_message *message);

/* The share, from `keys` (QV_QKDLINK_KEY_BYTES for each label). QV_E_DENIED: the tag is another one. */
int hop_open(const struct hop_message *message, const uint8_t *keys, uint8_t *share, struct qv_error *err);

/* What goes out. Everything is borrowed. */
struct hop_parts {
	const char *request; /* UUID */
	char *const *labels;
	size_t label_count;
	const uint8_t *keys;
	const uint8_t *envelope;
	size_t envelope_size;
	const uint8_t *share;
	size_t share_size;
};

/* The bytes of the message; freed by the caller; NULL without memory. */
uint8_t *hop_seal(const struct hop_parts *parts, size_t *size);

#endif
