/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a public key_ID tells anything of the key: a KME was once found to derive it. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "container.h"

#define INPUT_MAX ((size_t)16 * 1024) /* bytes of a key that are tried, encoded */

static const char *const digests[] = { "MD5",      "SHA1",     "SHA224",     "SHA256",     "SHA384",    "SHA512",
				       "SHA3-256", "SHA3-512", "BLAKE2s256", "BLAKE2b512", "SHA512-256" };

/* RFC 4122 appendix C, which differ in one byte; UUIDs of versions 3 and 5 hash one of them before the name. */
static const unsigned char name_space[16] = { 0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
					      0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 };
static const unsigned char name_spaces[] = { 0x10, 0x11, 0x12, 0x14 };

/* A UUID whose first three fields are stored with their low byte first. */
static void swap_fields(const unsigned char in[16], unsigned char out[16])
{
	static const unsigned char order[8] = { 3, 2, 1, 0, 5, 4, 7, 6 };
	memcpy(out, in, 16);
	for (size_t i = 0; i < 8; i++)
		out[i] = in[order[i]];
}

/* Equal but for the six bits of version and variant, which a maker of UUIDs overwrites. */
static bool same_uuid(const unsigned char a[16], const unsigned char b[16])
{
	unsigned char difference = 0;
	for (size_t i = 0; i < 16; i++)
		difference |= (unsigned char)((a[i] ^ b[i]) & (i == 6 ? 0x0f : i == 8 ? 0x3f : 0xff));
	return difference == 0;
}

static bool matches(const unsigned char id[16], const unsigned char *bytes)
{
	unsigned char swapped[16];
	swap_fields(bytes, swapped);
	bool same = same_uuid(id, bytes) || same_uuid(id, swapped);
	qv_wipe(swapped, sizeof swapped);
	return same;
}

/* Any 16 bytes in a row. */
static bool within(const unsigned char id[16], const unsigned char *bytes, size_t size)
{
	for (size_t at = 0; at + 16 <= size; at++)
		if (matches(id, bytes + at))
			return true;
	return false;
}

static bool digest_matches(const unsigned char id[16], const char *name, const void *salt, size_t salt_size,
			   const void *input, size_t size)
{
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	const EVP_MD *kind = EVP_get_digestbyname(name);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool done = kind && context && EVP_DigestInit_ex(context, kind, NULL) == 1 &&
		    EVP_DigestUpdate(context, salt, salt_size) == 1 && EVP_DigestUpdate(context, input, size) == 1 &&
		    EVP_DigestFinal_ex(context, out, &length) == 1;
	EVP_MD_CTX_free(context);
	bool same = done && within(id, out, length);
	qv_wipe(out, sizeof out);
	return same;
}

static const char *try_digests(const unsigned char id[16], const char *what, const void *input, size_t size,
			       char text[96])
{
	unsigned char salt[16];
	memcpy(salt, name_space, sizeof salt);
	for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++) {
		bool same = digest_matches(id, digests[i], "", 0, input, size);
		for (size_t j = 0; !same && j < sizeof name_spaces; j++) {
			salt[3] = name_spaces[j];
			same = digest_matches(id, digests[i], salt, sizeof salt, input, size);
		}
		if (same) {
			snprintf(text, 96, "16 bytes of the %s of %s", digests[i], what);
			return text;
		}
	}
	return NULL;
}

static size_t write_hex(const struct qv_secret *key, const char *digits, char *out)
{
	const unsigned char *bytes = qv_secret_bytes(key);
	size_t size = qv_secret_size(key);
	for (size_t i = 0; i < size; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	return 2 * size;
}

static const char *try_hex(const unsigned char id[16], const struct qv_secret *key, char text[96])
{
	struct qv_secret *hex = qv_secret_new(2 * qv_secret_size(key), NULL);
	const char *found = NULL;
	if (hex) {
		char *out = (char *)qv_secret_edit(hex);
		found = try_digests(id, "the key in hexadecimal", out, write_hex(key, "0123456789abcdef", out), text);
		if (!found)
			found = try_digests(id, "the key in hexadecimal", out, write_hex(key, "0123456789ABCDEF", out),
					    text);
	}
	qv_secret_free(hex);
	return found;
}

const char *id_from_key(const unsigned char id[16], const struct qv_secret *key, char text[96])
{
	size_t size = qv_secret_size(key);
	if (size > INPUT_MAX || size < 4)
		return NULL;
	if (within(id, qv_secret_bytes(key), size))
		return "16 bytes of the key itself";
	const char *found = try_digests(id, "the key", qv_secret_bytes(key), size, text);
	struct qv_secret *encoded = found ? NULL : qv_secret_to_base64(key, NULL);
	if (encoded)
		found = try_digests(id, "the key in base64", qv_secret_bytes(encoded), qv_secret_size(encoded), text);
	qv_secret_free(encoded);
	return found ? found : try_hex(id, key, text);
}
