/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include <isa-l/erasure_code.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define ROWS  (SHARES_MAX - 1)
#define CHUNK 16384u /* coefficients made at once, so that they stay near */

struct isal {
	EVP_CIPHER_CTX *stream;
	uint8_t split[SHARES_MAX * SHARES_MAX * 32], rebuild[SHARES_MAX * 32];
	uint8_t rows[ROWS][CHUNK];
};

static uint8_t power(uint8_t x, unsigned exponent)
{
	uint8_t product = 1;
	while (exponent-- > 0)
		product = gf_mul(product, x);
	return product;
}

static uint8_t weight_at_zero(const struct sharing *sharing, unsigned i)
{
	uint8_t weight = 1;
	for (unsigned j = 0; j < sharing->t; j++) {
		if (j != i)
			weight = gf_mul(weight, gf_mul(sharing->x[j], gf_inv(sharing->x[i] ^ sharing->x[j])));
	}
	return weight;
}

struct isal *isal_new(const struct sharing *sharing)
{
	uint8_t matrix[SHARES_MAX * SHARES_MAX], weights[SHARES_MAX], key[48];
	struct isal *isal = calloc(1, sizeof *isal);
	if (!isal)
		return NULL;
	for (unsigned i = 0; i < sharing->n; i++) {
		for (unsigned k = 0; k < sharing->t; k++)
			matrix[i * sharing->t + k] = power(sharing->x[i], k);
	}
	for (unsigned i = 0; i < sharing->t; i++)
		weights[i] = weight_at_zero(sharing, i);
	ec_init_tables((int)sharing->t, (int)sharing->n, matrix, isal->split);
	ec_init_tables((int)sharing->t, 1, weights, isal->rebuild);
	isal->stream = EVP_CIPHER_CTX_new();
	if (isal->stream && RAND_bytes(key, sizeof key) == 1 &&
	    EVP_EncryptInit_ex(isal->stream, EVP_aes_256_ctr(), NULL, key, key + 32) == 1)
		return isal;
	isal_free(isal);
	return NULL;
}

int isal_split(struct isal *isal, struct sharing *sharing)
{
	static const uint8_t zeros[CHUNK];
	size_t most = sharing->t > 1 ? CHUNK / (sharing->t - 1) & ~(size_t)63 : CHUNK;
	for (size_t at = 0; at < sharing->size; at += most) {
		uint8_t *in[SHARES_MAX] = { sharing->secret + at }, *out[SHARES_MAX];
		size_t part = sharing->size - at < most ? sharing->size - at : most;
		int made = 0;
		for (unsigned k = 1; k < sharing->t; k++) {
			in[k] = isal->rows[k - 1];
			if (EVP_EncryptUpdate(isal->stream, in[k], &made, zeros, (int)part) != 1)
				return -1;
		}
		for (unsigned i = 0; i < sharing->n; i++)
			out[i] = sharing->shares[i] + at;
		ec_encode_data((int)part, (int)sharing->t, (int)sharing->n, isal->split, in, out);
	}
	return 0;
}

int isal_rebuild(struct isal *isal, struct sharing *sharing)
{
	uint8_t *out[] = { sharing->rebuilt };
	ec_encode_data((int)sharing->size, (int)sharing->t, 1, isal->rebuild, sharing->shares, out);
	return 0;
}

void isal_free(struct isal *isal)
{
	if (isal)
		EVP_CIPHER_CTX_free(isal->stream);
	free(isal);
}
