/* SPDX-License-Identifier: Apache-2.0 */
#include "floor.h"

#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TAG_SIZE 16

struct floor_path {
	EVP_CIPHER_CTX *ctx;
	int fd;
	uint64_t number;
};

void floor_check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "floor: %s failed\n", what);
	exit(1);
}

static int socket_to_itself(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	floor_check(fd >= 0 && bind(fd, (struct sockaddr *)(void *)&address, size) == 0 &&
			    getsockname(fd, (struct sockaddr *)(void *)&address, &size) == 0 &&
			    connect(fd, (struct sockaddr *)(void *)&address, size) == 0,
		    "the socket");
	return fd;
}

struct floor_path *floor_path_new(void)
{
	struct floor_path *path = calloc(1, sizeof *path);
	floor_check(path != NULL, "memory");
	path->fd = socket_to_itself();
	path->ctx = EVP_CIPHER_CTX_new();
	floor_check(path->ctx != NULL, "libcrypto");
	return path;
}

/* Appends the tag, or checks it. */
static void run_cipher(struct floor_path *path, bool seals, const uint8_t *in, int size, uint8_t *out)
{
	static const uint8_t key[32] = { 1 };
	uint8_t nonce[12] = { 0 };
	int done = 0, last = 0;
	memcpy(nonce, &path->number, sizeof path->number);
	floor_check(EVP_CipherInit_ex(path->ctx, EVP_aes_256_gcm(), NULL, key, nonce, seals) == 1 &&
			    EVP_CipherUpdate(path->ctx, out, &done, in, size) == 1,
		    "AES");
	if (!seals)
		EVP_CIPHER_CTX_ctrl(path->ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, (void *)(uintptr_t)(in + size));
	floor_check(EVP_CipherFinal_ex(path->ctx, out + done, &last) == 1, "AES-GCM");
	if (seals)
		EVP_CIPHER_CTX_ctrl(path->ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, out + done);
}

void floor_path_pass(struct floor_path *path, const uint8_t *in, size_t size, uint8_t *out)
{
	uint8_t sealed[FLOOR_PACKET_MAX + TAG_SIZE];
	ssize_t whole = (ssize_t)size + TAG_SIZE;
	floor_check(size <= FLOOR_PACKET_MAX, "a packet of that size");
	run_cipher(path, true, in, (int)size, sealed);
	floor_check(send(path->fd, sealed, (size_t)whole, 0) == whole &&
			    recv(path->fd, sealed, sizeof sealed, 0) == whole,
		    "UDP");
	run_cipher(path, false, sealed, (int)size, out);
	path->number++;
}
