/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PSK identity of QKD-keyed TLS: which key, whose, and for which hash. The grammar is in doc/PROTOCOL.md.
 * Pure functions; any thread.
 */
#ifndef QVISIO_PSK_IDENTITY_H
#define QVISIO_PSK_IDENTITY_H

#include <qvisio/keysource.h>
#include <qvisio/tls.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct qv_psk_identity {
	enum qv_tls_hash hash;
	char master[QV_SAE_ID_MAX + 1]; /* SAE ID of the initiator, who took the key */
	char key_id[QV_KEY_ID_MAX + 1];
};

/* Writes the identity; *size is set. QV_E_INVALID when a part is empty, too long or holds control characters. */
int qv_psk_identity_format(const struct qv_psk_identity *identity, uint8_t *bytes, size_t room, size_t *size,
			   struct qv_error *err);

/* Reads hostile bytes. QV_E_PROTOCOL unless they are exactly what qv_psk_identity_format writes. */
int qv_psk_identity_parse(const uint8_t *bytes, size_t size, struct qv_psk_identity *identity, struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
