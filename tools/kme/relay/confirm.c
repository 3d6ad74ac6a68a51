/* SPDX-License-Identifier: Apache-2.0 */
#include "confirm.h"

#include <sodium.h>
#include <string.h>

#define HALF_AT  0 /* in the extra bytes */
#define MASKS_AT 16
#define TOKEN_AT (MASKS_AT + CONFIRM_TIMES * 16)

_Static_assert(TOKEN_AT + CONFIRM_TOKEN == CONFIRM_EXTRA, "the extra bytes are all used");

size_t confirm_session_keys(size_t keys, size_t stride)
{
	return keys + (CONFIRM_EXTRA + stride - 1) / stride;
}

static void add_number(crypto_onetimeauth_state *state, size_t number)
{
	const uint8_t bytes[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				   (uint8_t)number };
	crypto_onetimeauth_update(state, bytes, sizeof bytes);
}

static void add_text(crypto_onetimeauth_state *state, const char *text)
{
	add_number(state, strlen(text));
	crypto_onetimeauth_update(state, (const uint8_t *)text, strlen(text));
}

/* What is public comes first: more than two blocks, so that no other secret half can make up for other keys. */
static void hash(const struct confirm_subject *subject, const uint8_t *payload, const uint8_t *key, uint8_t *tag)
{
	const struct activation *activation = subject->activation;
	crypto_onetimeauth_state state;
	crypto_onetimeauth_init(&state, key);
	add_text(&state, "qvisio relayed keys, version 1");
	add_text(&state, subject->session);
	add_text(&state, activation->request);
	add_text(&state, subject->from);
	add_text(&state, subject->to);
	add_text(&state, activation->master);
	add_number(&state, activation->slave_count);
	for (size_t i = 0; i < activation->slave_count; i++)
		add_text(&state, activation->slaves[i]);
	add_number(&state, activation->key_count);
	add_number(&state, subject->stride);
	for (size_t i = 0; i < activation->key_count; i++) {
		add_text(&state, activation->keys[i].id);
		add_number(&state, activation->keys[i].bytes);
	}
	crypto_onetimeauth_update(&state, payload, activation->key_count * subject->stride);
	crypto_onetimeauth_final(&state, tag);
	sodium_memzero(&state, sizeof state);
}

static const uint8_t *extra(const struct confirm_subject *subject, const uint8_t *payload)
{
	return payload + subject->activation->key_count * subject->stride;
}

void confirm_tag(const struct confirm_subject *subject, const uint8_t *payload, unsigned time,
		 const uint8_t challenge[CONFIRM_CHALLENGE], uint8_t tag[CONFIRM_TAG])
{
	uint8_t key[crypto_onetimeauth_KEYBYTES], first[CONFIRM_TAG];
	const uint8_t *secret = extra(subject, payload);
	memcpy(key, challenge, 16);
	memcpy(key + 16, secret + MASKS_AT + (size_t)time * 16, 16);
	hash(subject, payload, key, first);
	memcpy(key, secret + HALF_AT, 16);
	memcpy(key + 16, first, 16);
	hash(subject, payload, key, tag);
	sodium_memzero(key, sizeof key);
	sodium_memzero(first, sizeof first);
}

const uint8_t *confirm_token(const struct confirm_subject *subject, const uint8_t *payload)
{
	return extra(subject, payload) + TOKEN_AT;
}
