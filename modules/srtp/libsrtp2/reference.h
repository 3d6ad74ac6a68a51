/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP receivers written after the RFCs on OpenSSL's primitives, for the module to be compared with. */
#ifndef SRTP_REFERENCE_H
#define SRTP_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/* AES-256-GCM of RFC 5116; `out` gets ciphertext and tag. */
void reference_seal(const uint8_t key[32], const uint8_t iv[12], const uint8_t *aad, size_t aad_size,
		    const uint8_t *plain, size_t size, uint8_t *out);

/* Session keys of a master (key 32, salt 12): RFC 3711 section 4.3.3 with AES-256 (RFC 6188), RFC 7714 section 11. */
void reference_derive(const uint8_t master[44], unsigned label, uint8_t *out, size_t size);

/* The plain packet in `out`, returns its size; -1: not authentic. The MKI is left out before. */
int reference_open_rtp(const uint8_t master[44], uint32_t rollover, const uint8_t *packet, size_t size, uint8_t *out);
int reference_open_rtcp(const uint8_t master[44], const uint8_t *packet, size_t size, uint8_t *out);

#endif
