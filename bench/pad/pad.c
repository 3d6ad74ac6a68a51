/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to seal and open sound with one-time pads, against AES-256-GCM of OpenSSL. */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/pad.h>

#include "../bench.h"

#define PACKETS  500
#define KEY_SIZE 1024
#define CONTEXT  "twenty bytes of this"
#define NONCE    12

struct bench_data {
	size_t size; /* of a packet */
};

static void give_up(const char *what)
{
	fprintf(stderr, "pad: %s failed\n", what);
	exit(1);
}

static void fill(struct qv_pad *pad, size_t bytes)
{
	static const uint8_t zeros[KEY_SIZE];
	for (unsigned i = 0; i * KEY_SIZE < bytes; i++) {
		struct qv_key key = { .secret = qv_secret_copy(zeros, sizeof zeros, NULL) };
		snprintf(key.id, sizeof key.id, "%u", i);
		if (!key.secret || qv_pad_add(pad, i * KEY_SIZE, &key, NULL) != 0)
			give_up("filling a pad");
	}
}

/* Microseconds for a packet, sealed and opened. What fills the pads beforehand is not counted. */
static double ours(struct bench_data *data)
{
	struct qv_pad *seals = qv_pad_new(QV_PAD_CALLER, NULL), *opens = qv_pad_new(QV_PAD_CALLER, NULL);
	uint8_t plain[2048] = { 0 }, packet[2048 + QV_PAD_OVERHEAD];
	size_t bytes = QV_PAD_HASH_KEY + PACKETS * QV_PAD_COST(data->size);
	fill(seals, bytes);
	fill(opens, bytes);
	double began = bench_cpu();
	for (int i = 0; i < PACKETS; i++)
		if (qv_pad_seal(seals, CONTEXT, 20, plain, data->size, packet, NULL) != 0 ||
		    qv_pad_open(opens, CONTEXT, 20, packet, data->size + QV_PAD_OVERHEAD, plain, NULL) < 0)
			give_up("sealing");
	double spent = bench_cpu() - began;
	qv_pad_free(seals);
	qv_pad_free(opens);
	return spent * 1e6 / PACKETS;
}

static bool gcm(EVP_CIPHER_CTX *context, bool seals, uint64_t number, const uint8_t *in, uint8_t *out, int size,
		uint8_t tag[QV_PAD_TAG])
{
	uint8_t nonce[NONCE] = { 0 };
	int length;
	memcpy(nonce, &number, sizeof number);
	if (!EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, seals) ||
	    !EVP_CipherUpdate(context, NULL, &length, (const uint8_t *)CONTEXT, 20) ||
	    !EVP_CipherUpdate(context, out, &length, in, size) ||
	    (!seals && !EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, QV_PAD_TAG, tag)) ||
	    !EVP_CipherFinal_ex(context, out + size, &length))
		return false;
	return !seals || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, QV_PAD_TAG, tag);
}

static double theirs(struct bench_data *data)
{
	static const uint8_t key[32];
	EVP_CIPHER_CTX *seals = EVP_CIPHER_CTX_new(), *opens = EVP_CIPHER_CTX_new();
	uint8_t plain[2048 + 16] = { 0 }, packet[2048 + 16], tag[QV_PAD_TAG];
	if (!seals || !opens || !EVP_CipherInit_ex(seals, EVP_aes_256_gcm(), NULL, key, NULL, 1) ||
	    !EVP_CipherInit_ex(opens, EVP_aes_256_gcm(), NULL, key, NULL, 0))
		give_up("AES-256-GCM");
	double began = bench_cpu();
	for (uint64_t i = 0; i < PACKETS; i++)
		if (!gcm(seals, true, i, plain, packet, (int)data->size, tag) ||
		    !gcm(opens, false, i, packet, plain, (int)data->size, tag))
			give_up("AES-256-GCM");
	double spent = bench_cpu() - began;
	EVP_CIPHER_CTX_free(seals);
	EVP_CIPHER_CTX_free(opens);
	return spent * 1e6 / PACKETS;
}

int main(void)
{
	static struct bench_data opus = { 40 }, music = { 240 }, samples = { 640 };
	const struct bench_pair pairs[] = {
		{ .what = "one-time pad: Opus 16 kbit/s, seal and open", .data = &opus },
		{ .what = "one-time pad: Opus 96 kbit/s, seal and open", .data = &music },
		{ .what = "one-time pad: PCM 16 kHz, seal and open", .data = &samples },
	};
	bool all = true;
	bench_header();
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct bench_pair pair = pairs[i];
		pair.unit = "us";
		pair.peer = "AES-256-GCM";
		pair.ours = ours;
		pair.theirs = theirs;
		pair.rounds = 20;
		all &= bench_run(&pair);
	}
	return all ? 0 : 1;
}
