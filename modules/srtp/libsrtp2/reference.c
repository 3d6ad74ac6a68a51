/* SPDX-License-Identifier: Apache-2.0 */
#include "reference.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define TAG 16

static void must(int done)
{
	if (!done)
		abort();
}

void reference_seal(const uint8_t key[32], const uint8_t iv[12], const uint8_t *aad, size_t aad_size,
		    const uint8_t *plain, size_t size, uint8_t *out)
{
	int length;
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	must(EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv));
	must(EVP_EncryptUpdate(context, NULL, &length, aad, (int)aad_size));
	must(EVP_EncryptUpdate(context, out, &length, plain, (int)size));
	must(EVP_EncryptFinal_ex(context, out + size, &length));
	must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG, out + size));
	EVP_CIPHER_CTX_free(context);
}

static int unseal(const uint8_t key[32], const uint8_t iv[12], const uint8_t *aad, size_t aad_size, const uint8_t *more,
		  size_t more_size, const uint8_t *sealed, size_t size, uint8_t *out)
{
	uint8_t tag[TAG];
	int length;
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	memcpy(tag, sealed + size, TAG);
	must(EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv));
	must(EVP_DecryptUpdate(context, NULL, &length, aad, (int)aad_size));
	if (more_size)
		must(EVP_DecryptUpdate(context, NULL, &length, more, (int)more_size));
	must(EVP_DecryptUpdate(context, out, &length, sealed, (int)size));
	must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG, tag));
	int authentic = EVP_DecryptFinal_ex(context, out + size, &length);
	EVP_CIPHER_CTX_free(context);
	return authentic == 1 ? (int)size : -1;
}

void reference_derive(const uint8_t master[44], unsigned label, uint8_t *out, size_t size)
{
	/* The salt of 96 bits stands at the left of the 112 bits that AES-CM has (RFC 7714 section 11). */
	uint8_t counter[16] = { 0 }, zeros[64] = { 0 };
	int length;
	memcpy(counter, master + 32, 12);
	counter[7] ^= (uint8_t)label;
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	must(EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), NULL, master, counter));
	must(EVP_EncryptUpdate(context, out, &length, zeros, (int)size));
	EVP_CIPHER_CTX_free(context);
}

int reference_open_rtp(const uint8_t master[44], uint32_t rollover, const uint8_t *packet, size_t size, uint8_t *out)
{
	uint8_t key[32], salt[12], iv[12] = { 0 };
	size_t header = 12 + 4 * (size_t)(packet[0] & 15);
	if (packet[0] & 0x10)
		header += 4 + 4 * (size_t)(packet[header + 2] << 8 | packet[header + 3]);
	reference_derive(master, 0, key, sizeof key);
	reference_derive(master, 2, salt, sizeof salt);
	memcpy(iv + 2, packet + 8, 4);
	for (int i = 0; i < 4; i++)
		iv[6 + i] = (uint8_t)(rollover >> (24 - 8 * i));
	memcpy(iv + 10, packet + 2, 2);
	for (int i = 0; i < 12; i++)
		iv[i] ^= salt[i];
	memcpy(out, packet, header);
	int plain = unseal(key, iv, packet, header, NULL, 0, packet + header, size - header - TAG, out + header);
	return plain < 0 ? -1 : (int)header + plain;
}

int reference_open_rtcp(const uint8_t master[44], const uint8_t *packet, size_t size, uint8_t *out)
{
	uint8_t key[32], salt[12], iv[12] = { 0 };
	const uint8_t *index = packet + size - 4; /* with the bit E, which must be there */
	if (!(index[0] & 0x80))
		return -1;
	reference_derive(master, 3, key, sizeof key);
	reference_derive(master, 5, salt, sizeof salt);
	memcpy(iv + 2, packet + 4, 4);
	memcpy(iv + 8, index, 4);
	iv[8] &= 0x7f;
	for (int i = 0; i < 12; i++)
		iv[i] ^= salt[i];
	memcpy(out, packet, 8);
	int plain = unseal(key, iv, packet, 8, index, 4, packet + 8, size - 8 - 4 - TAG, out + 8);
	return plain < 0 ? -1 : 8 + plain;
}
