/* SPDX-License-Identifier: Apache-2.0 */
#include "hop.h"

#include <sodium.h>

static void authenticate(const uint8_t *key, const uint8_t *envelope, size_t envelope_size, const uint8_t *sealed,
			 size_t share_size, uint8_t *mac)
{
	crypto_onetimeauth_state state;
	crypto_onetimeauth_init(&state, key + share_size);
	crypto_onetimeauth_update(&state, envelope, envelope_size);
	crypto_onetimeauth_update(&state, sealed, share_size);
	crypto_onetimeauth_final(&state, mac);
	qv_wipe(&state, sizeof state);
}

void hop_seal(const uint8_t *key, const uint8_t *envelope, size_t envelope_size, const uint8_t *share,
	      size_t share_size, uint8_t *sealed)
{
	for (size_t i = 0; i < share_size; i++)
		sealed[i] = share[i] ^ key[i];
	authenticate(key, envelope, envelope_size, sealed, share_size, sealed + share_size);
}

int hop_open(const uint8_t *key, const uint8_t *envelope, size_t envelope_size, const uint8_t *sealed,
	     size_t share_size, uint8_t *share, struct qv_error *err)
{
	uint8_t mac[HOP_MAC_SIZE];
	authenticate(key, envelope, envelope_size, sealed, share_size, mac);
	if (crypto_verify_16(mac, sealed + share_size) != 0)
		return qv_fail(err, QV_E_DENIED, "a relayed share whose MAC is wrong");
	for (size_t i = 0; i < share_size; i++)
		share[i] = sealed[i] ^ key[i];
	return 0;
}
