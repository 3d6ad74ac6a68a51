/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that are carried over a link: encrypted with link keys as a one-time pad, and authenticated together with what
 * the activation says about them by a one-time authenticator (Poly1305) under a further link key. Nobody who lacks the
 * link keys learns or changes anything, whatever they can compute. Each link key serves once.
 */
#ifndef KME_CARRY_H
#define KME_CARRY_H

#include "body.h"

/* `pads`: QV_QKDLINK_KEY_BYTES for each label. `keys`: activation_carried_size bytes. Fills ciphertext and tag. */
void carry_encrypt(struct activation *activation, const uint8_t *keys, const uint8_t *pads);

/* Fills `keys`. QV_E_PROTOCOL: the tag is not of this activation. */
int carry_decrypt(const struct activation *activation, const uint8_t *pads, uint8_t *keys, struct qv_error *err);

#endif
