/* SPDX-License-Identifier: Apache-2.0 */
#include "carry.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_onetimeauth_KEYBYTES == QV_QKDLINK_KEY_BYTES, "one link key is one key of Poly1305");
_Static_assert(crypto_onetimeauth_BYTES == ACTIVATION_TAG, "the tag of Poly1305");

static void add_number(crypto_onetimeauth_state *state, size_t number)
{
	const uint8_t bytes[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				   (uint8_t)number };
	crypto_onetimeauth_update(state, bytes, sizeof bytes);
}

static void add_text(crypto_onetimeauth_state *state, const char *text)
{
	size_t length = strlen(text);
	add_number(state, length);
	crypto_onetimeauth_update(state, (const uint8_t *)text, length);
}

static void add_texts(crypto_onetimeauth_state *state, char *const *texts, size_t count)
{
	add_number(state, count);
	for (size_t i = 0; i < count; i++)
		add_text(state, texts[i]);
}

/* Every length stands before what it measures, so that no two activations give the same bytes. */
static void make_tag(const struct activation *activation, const uint8_t *key, uint8_t tag[ACTIVATION_TAG])
{
	crypto_onetimeauth_state state;
	crypto_onetimeauth_init(&state, key);
	add_text(&state, "qvisio carried keys 1");
	add_text(&state, activation->request);
	add_text(&state, activation->master);
	add_texts(&state, activation->slaves, activation->slave_count);
	add_number(&state, activation->key_count);
	for (size_t i = 0; i < activation->key_count; i++) {
		const struct activation_key *one = &activation->keys[i];
		add_text(&state, one->id);
		add_number(&state, one->bytes);
		add_texts(&state, activation->labels + one->first_label, one->label_count);
	}
	crypto_onetimeauth_update(&state, activation->ciphertext, activation_carried_size(activation));
	crypto_onetimeauth_final(&state, tag);
	sodium_memzero(&state, sizeof state);
}

static void add_pad(const uint8_t *in, const uint8_t *pads, size_t size, uint8_t *out)
{
	for (size_t i = 0; i < size; i++)
		out[i] = in[i] ^ pads[i];
}

void carry_encrypt(struct activation *activation, const uint8_t *keys, const uint8_t *pads)
{
	size_t size = activation_carried_size(activation);
	add_pad(keys, pads, size, activation->ciphertext);
	make_tag(activation, pads + size, activation->tag);
}

int carry_decrypt(const struct activation *activation, const uint8_t *pads, uint8_t *keys, struct qv_error *err)
{
	uint8_t tag[ACTIVATION_TAG];
	size_t size = activation_carried_size(activation);
	make_tag(activation, pads + size, tag);
	if (sodium_memcmp(tag, activation->tag, sizeof tag) != 0)
		return qv_fail(err, QV_E_PROTOCOL, "the carried keys of request %s do not authenticate",
			       activation->request);
	add_pad(activation->ciphertext, pads, size, keys);
	return 0;
}
