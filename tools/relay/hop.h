/* SPDX-License-Identifier: Apache-2.0 */
/* One hop of a relayed share: one-time pad and one-time MAC (Poly1305) from link keys, over envelope and share. */
#ifndef RELAY_HOP_H
#define RELAY_HOP_H

#include <qvisio/relay.h>

#define HOP_MAC_KEY  32
#define HOP_MAC_SIZE 16

/* Link-key bytes that a message with a share of this size uses up. */
static inline size_t hop_key_size(size_t share_size)
{
	return share_size + HOP_MAC_KEY;
}

/* `sealed` gets the encrypted share and the MAC; `key` has hop_key_size bytes. */
void hop_seal(const uint8_t *key, const uint8_t *envelope, size_t envelope_size, const uint8_t *share,
	      size_t share_size, uint8_t *sealed);
/* The share back; QV_E_DENIED if anything was changed on the way. */
int hop_open(const uint8_t *key, const uint8_t *envelope, size_t envelope_size, const uint8_t *sealed,
	     size_t share_size, uint8_t *share, struct qv_error *err);

#endif
