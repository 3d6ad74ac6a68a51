/* SPDX-License-Identifier: Apache-2.0 */
/* The least that a program on OpenSSL does for the same sessions, with sockets that do not block, as ours are. */
#include "tls.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

struct bench_tls_context {
	SSL_CTX *context;
};

struct bench_tls_end {
	SSL *ssl;
	int fd;
};

static SSL_SESSION *psk_session(SSL *ssl)
{
	static const unsigned char suite[] = { 0x13, 0x03 };
	SSL_SESSION *session = SSL_SESSION_new();
	SSL_SESSION_set1_master_key(session, bench_tls_key, sizeof bench_tls_key);
	SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, suite));
	SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION);
	return session;
}

static int use(SSL *ssl, const EVP_MD *hash, const unsigned char **identity, size_t *size, SSL_SESSION **session)
{
	(void)hash;
	*identity = (const unsigned char *)BENCH_TLS_IDENTITY;
	*size = strlen(BENCH_TLS_IDENTITY);
	*session = psk_session(ssl);
	return 1;
}

static int find(SSL *ssl, const unsigned char *identity, size_t size, SSL_SESSION **session)
{
	bool known = size == strlen(BENCH_TLS_IDENTITY) && memcmp(identity, BENCH_TLS_IDENTITY, size) == 0;
	*session = known ? psk_session(ssl) : NULL;
	return 1;
}

static struct bench_tls_context *open_context(bool psk_ke)
{
	struct bench_tls_context *made = calloc(1, sizeof *made);
	made->context = SSL_CTX_new(TLS_method());
	SSL_CTX_set_min_proto_version(made->context, TLS1_3_VERSION);
	SSL_CTX_set_ciphersuites(made->context, BENCH_TLS_SUITES);
	SSL_CTX_set1_groups_list(made->context, "X25519:P-256:X448:P-521:P-384");
	SSL_CTX_set_num_tickets(made->context, 0);
	SSL_CTX_set_session_cache_mode(made->context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(made->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_psk_use_session_callback(made->context, use);
	SSL_CTX_set_psk_find_session_callback(made->context, find);
	if (psk_ke)
		SSL_CTX_set_options(made->context, SSL_OP_ALLOW_NO_DHE_KEX);
	return made;
}

static void close_context(struct bench_tls_context *context)
{
	SSL_CTX_free(context->context);
	free(context);
}

/* True when the operation is to be tried again. */
static bool wait_for(const struct bench_tls_end *end, int result)
{
	int kind = SSL_get_error(end->ssl, result);
	struct pollfd one = { .fd = end->fd, .events = kind == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN };
	return (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) && poll(&one, 1, -1) == 1;
}

static void end_session(struct bench_tls_end *end)
{
	SSL_free(end->ssl);
	free(end);
}

static struct bench_tls_end *shake(struct bench_tls_context *context, int fd, bool server)
{
	struct bench_tls_end *end = malloc(sizeof *end);
	*end = (struct bench_tls_end){ .ssl = SSL_new(context->context), .fd = fd };
	fcntl(fd, F_SETFL, O_NONBLOCK);
	SSL_set_fd(end->ssl, fd);
	if (server)
		SSL_set_accept_state(end->ssl);
	else
		SSL_set_connect_state(end->ssl);
	int result;
	while ((result = SSL_do_handshake(end->ssl)) != 1)
		if (!wait_for(end, result))
			break;
	if (result == 1 && SSL_session_reused(end->ssl))
		return end;
	end_session(end);
	return NULL;
}

static bool send_all(struct bench_tls_end *end, const void *bytes, size_t size)
{
	const char *from = bytes;
	while (size > 0) {
		size_t put = 0;
		int result = SSL_write_ex(end->ssl, from, size, &put);
		if (result != 1 && !wait_for(end, result))
			return false;
		from += put;
		size -= put;
	}
	return true;
}

static bool receive_all(struct bench_tls_end *end, void *bytes, size_t size)
{
	char *to = bytes;
	while (size > 0) {
		size_t got = 0;
		int result = SSL_read_ex(end->ssl, to, size, &got);
		if (result != 1 && !wait_for(end, result))
			return false;
		to += got;
		size -= got;
	}
	return true;
}

const struct bench_tls bench_tls_bare_openssl = {
	.name = "bare OpenSSL",
	.open = open_context,
	.close = close_context,
	.shake = shake,
	.send = send_all,
	.receive = receive_all,
	.end = end_session,
};
