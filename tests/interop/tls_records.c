/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_records KEYLOG FROM_CLIENT FROM_SERVER
 *
 * Decrypts a recorded TLS 1.3 connection with the secrets of an SSLKEYLOGFILE, by RFC 8446 sections 5 and 7.3 and
 * nothing of the code under test. Prints each encrypted record as a line of JSON: who sent it, the key and nonce that
 * open it, whether it opens with them, and whether it opens with the other side's key of the same epoch.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SECRET_MAX 48

struct suite {
	unsigned number;
	const char *name;
	const EVP_MD *(*hash)(void);
	const EVP_CIPHER *(*cipher)(void);
	size_t key_size;
};

static const struct suite suites[] = {
	{ 0x1301, "TLS_AES_128_GCM_SHA256", EVP_sha256, EVP_aes_128_gcm, 16 },
	{ 0x1302, "TLS_AES_256_GCM_SHA384", EVP_sha384, EVP_aes_256_gcm, 32 },
	{ 0x1303, "TLS_CHACHA20_POLY1305_SHA256", EVP_sha256, EVP_chacha20_poly1305, 32 },
};

enum epoch { HANDSHAKE, TRAFFIC, EPOCHS };

struct keys {
	uint8_t secret[SECRET_MAX];
	uint8_t key[32];
	uint8_t iv[12];
};

struct side {
	const char *name;
	uint8_t *bytes;
	size_t size;
	struct keys keys[EPOCHS];
};

static uint8_t *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(1 << 24);
	if (!file || !bytes)
		exit(2);
	*size = fread(bytes, 1, (1 << 24) - 1, file);
	bytes[*size] = 0;
	fclose(file);
	return bytes;
}

static void print_hex(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
}

/* HKDF-Expand-Label with an empty context, RFC 8446 section 7.1; the output is never longer than the hash. */
static void expand(const struct suite *suite, const uint8_t *secret, const char *label, uint8_t *out, size_t size)
{
	uint8_t info[64], full[EVP_MAX_MD_SIZE];
	size_t length = strlen(label), at = 0;
	info[at++] = 0;
	info[at++] = (uint8_t)size;
	info[at++] = (uint8_t)(6 + length);
	memcpy(info + at, "tls13 ", 6);
	memcpy(info + at + 6, label, length);
	at += 6 + length;
	info[at++] = 0;
	info[at++] = 1;
	unsigned full_size;
	HMAC(suite->hash(), secret, EVP_MD_get_size(suite->hash()), info, at, full, &full_size);
	memcpy(out, full, size);
}

static void derive(const struct suite *suite, struct keys *keys)
{
	expand(suite, keys->secret, "key", keys->key, suite->key_size);
	expand(suite, keys->secret, "iv", keys->iv, sizeof keys->iv);
}

/* The secret that a keylog holds under a label for this ClientHello.random. */
static void find_secret(const char *log, const char *label, const uint8_t *random, uint8_t *secret)
{
	char start[128];
	int used = snprintf(start, sizeof start, "%s ", label);
	for (size_t i = 0; i < 32; i++)
		used += snprintf(start + used, sizeof start - (size_t)used, "%02x", random[i]);
	const char *line = strstr(log, start);
	if (!line) {
		fprintf(stderr, "tls_records: no %s in the key log\n", label);
		exit(2);
	}
	line += used + 1;
	for (size_t i = 0; i < SECRET_MAX && sscanf(line + 2 * i, "%2hhx", &secret[i]) == 1; i++)
		continue;
}

static void nonce_of(const struct keys *keys, uint64_t sequence, uint8_t *nonce)
{
	memcpy(nonce, keys->iv, 12);
	for (int i = 0; i < 8; i++)
		nonce[11 - i] ^= (uint8_t)(sequence >> (8 * i));
}

/* Opens one record; the header is the additional data. Returns the size of the inner plaintext, or -1. */
static int open_record(const struct suite *suite, const struct keys *keys, const uint8_t *nonce, const uint8_t *record,
		       size_t size, uint8_t *plain)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int used = 0, rest = 0, body = (int)size - 5 - 16;
	bool open =
		body >= 0 && EVP_DecryptInit_ex(context, suite->cipher(), NULL, keys->key, nonce) == 1 &&
		EVP_DecryptUpdate(context, NULL, &used, record, 5) == 1 &&
		EVP_DecryptUpdate(context, plain, &used, record + 5, body) == 1 &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(uintptr_t)(record + size - 16)) == 1 &&
		EVP_DecryptFinal_ex(context, plain + used, &rest) == 1;
	EVP_CIPHER_CTX_free(context);
	return open ? used + rest : -1;
}

/* Takes the zeros and the content type off an inner plaintext (RFC 8446 section 5.4). Returns the type. */
static uint8_t strip(const uint8_t *plain, int *size)
{
	while (*size > 0 && plain[*size - 1] == 0)
		(*size)--;
	return *size > 0 ? plain[--(*size)] : 0;
}

/* Whether handshake messages end with Finished (20), carried over records in `message`. */
struct messages {
	uint8_t bytes[1 << 17];
	size_t size;
};

static bool saw_finished(struct messages *messages, const uint8_t *plain, int size)
{
	memcpy(messages->bytes + messages->size, plain, (size_t)size);
	messages->size += (size_t)size;
	for (size_t at = 0; at + 4 <= messages->size;) {
		const uint8_t *head = messages->bytes + at;
		size_t length = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
		if (at + 4 + length > messages->size)
			return false;
		if (head[0] == 20)
			return true;
		at += 4 + length;
	}
	return false;
}

static void report(const struct suite *suite, const struct side *side, enum epoch epoch, uint64_t sequence,
		   const uint8_t *nonce, bool opens, bool opens_other, uint8_t type, const uint8_t *plain, int size)
{
	printf("{\"from\": \"%s\", \"suite\": \"%s\", \"epoch\": %d, \"sequence\": %llu, \"key\": \"", side->name,
	       suite->name, epoch, (unsigned long long)sequence);
	print_hex(side->keys[epoch].key, suite->key_size);
	printf("\", \"nonce\": \"");
	print_hex(nonce, 12);
	printf("\", \"opens\": %s, \"opens_other\": %s, \"type\": %d, \"size\": %d, \"text\": \"",
	       opens ? "true" : "false", opens_other ? "true" : "false", type, size);
	print_hex(plain, size < 64 ? (size_t)size : 64);
	printf("\"}\n");
}

static void walk(const struct suite *suite, const struct side *side, const struct side *other)
{
	static uint8_t plain[1 << 17], scratch[1 << 17];
	static struct messages messages;
	messages.size = 0;
	enum epoch epoch = HANDSHAKE;
	uint64_t sequence = 0;
	for (size_t at = 0; at + 5 <= side->size;) {
		const uint8_t *record = side->bytes + at;
		size_t size = 5 + ((size_t)record[3] << 8 | record[4]);
		if (at + size > side->size)
			break;
		at += size;
		if (record[0] != 23)
			continue;
		uint8_t nonce[12], nonce_other[12];
		nonce_of(&side->keys[epoch], sequence, nonce);
		nonce_of(&other->keys[epoch], sequence, nonce_other);
		int length = open_record(suite, &side->keys[epoch], nonce, record, size, plain);
		bool opens_other = open_record(suite, &other->keys[epoch], nonce_other, record, size, scratch) >= 0 ||
				   open_record(suite, &other->keys[epoch], nonce, record, size, scratch) >= 0;
		bool opens = length >= 0;
		uint8_t type = opens ? strip(plain, &length) : 0;
		report(suite, side, epoch, sequence, nonce, opens, opens_other, type, plain, opens ? length : 0);
		sequence++;
		if (epoch == HANDSHAKE && type == 22 && saw_finished(&messages, plain, length)) {
			epoch = TRAFFIC;
			sequence = 0;
		}
	}
}

static const struct suite *find_suite(const struct side *server)
{
	/* Record header 5, handshake header 4, version 2, random 32, then the session ID and the suite. */
	size_t at = 5 + 4 + 2 + 32;
	at += 1u + server->bytes[at];
	unsigned number = (unsigned)server->bytes[at] << 8 | server->bytes[at + 1];
	for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
		if (suites[i].number == number)
			return &suites[i];
	fprintf(stderr, "tls_records: suite %04x is not of TLS 1.3\n", number);
	exit(2);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	size_t log_size;
	char *log = (char *)read_file(argv[1], &log_size);
	struct side client = { .name = "client" }, server = { .name = "server" };
	client.bytes = read_file(argv[2], &client.size);
	server.bytes = read_file(argv[3], &server.size);
	if (client.size < 64 || server.size < 96 || client.bytes[0] != 22 || server.bytes[0] != 22)
		return 2;
	const struct suite *suite = find_suite(&server);
	const uint8_t *random = client.bytes + 5 + 4 + 2;
	find_secret(log, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", random, client.keys[HANDSHAKE].secret);
	find_secret(log, "SERVER_HANDSHAKE_TRAFFIC_SECRET", random, server.keys[HANDSHAKE].secret);
	find_secret(log, "CLIENT_TRAFFIC_SECRET_0", random, client.keys[TRAFFIC].secret);
	find_secret(log, "SERVER_TRAFFIC_SECRET_0", random, server.keys[TRAFFIC].secret);
	for (int epoch = 0; epoch < EPOCHS; epoch++) {
		derive(suite, &client.keys[epoch]);
		derive(suite, &server.keys[epoch]);
	}
	walk(suite, &client, &server);
	walk(suite, &server, &client);
	free(log);
	free(client.bytes);
	free(server.bytes);
	return 0;
}
