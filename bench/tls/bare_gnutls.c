/* SPDX-License-Identifier: Apache-2.0 */
/* The least that a program on GnuTLS does for the same sessions, with sockets that do not block, as ours are. */
#include "tls.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>

struct bench_tls_context {
	gnutls_priority_t priority;
	gnutls_psk_client_credentials_t client;
	gnutls_psk_server_credentials_t server;
};

struct bench_tls_end {
	gnutls_session_t session;
	int fd;
};

static int find(gnutls_session_t session, const gnutls_datum_t *identity, gnutls_datum_t *key)
{
	(void)session;
	if (identity->size != strlen(BENCH_TLS_IDENTITY) ||
	    memcmp(identity->data, BENCH_TLS_IDENTITY, identity->size) != 0)
		return -1;
	key->data = gnutls_malloc(sizeof bench_tls_key);
	key->size = sizeof bench_tls_key;
	memcpy(key->data, bench_tls_key, sizeof bench_tls_key);
	return 0;
}

static struct bench_tls_context *open_context(bool psk_ke)
{
	struct bench_tls_context *made = calloc(1, sizeof *made);
	gnutls_priority_init(
		&made->priority,
		psk_ke ? "NONE:+VERS-TLS1.3:+COMP-NULL:+AEAD:+CHACHA20-POLY1305:+AES-128-GCM:+PSK:+SIGN-ALL:"
			 "+GROUP-X25519:+GROUP-SECP256R1:+GROUP-X448:+GROUP-SECP521R1:+GROUP-SECP384R1"
		       : "NONE:+VERS-TLS1.3:+COMP-NULL:+AEAD:+CHACHA20-POLY1305:+AES-128-GCM:+ECDHE-PSK:"
			 "+SIGN-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-X448:+GROUP-SECP521R1:+GROUP-SECP384R1",
		NULL);
	gnutls_psk_allocate_client_credentials(&made->client);
	gnutls_psk_allocate_server_credentials(&made->server);
	gnutls_datum_t key = { (unsigned char *)(uintptr_t)bench_tls_key, sizeof bench_tls_key };
	gnutls_psk_set_client_credentials(made->client, BENCH_TLS_IDENTITY, &key, GNUTLS_PSK_KEY_RAW);
	gnutls_psk_set_server_credentials_function2(made->server, find);
	return made;
}

static void close_context(struct bench_tls_context *context)
{
	gnutls_priority_deinit(context->priority);
	gnutls_psk_free_client_credentials(context->client);
	gnutls_psk_free_server_credentials(context->server);
	free(context);
}

static bool wait_for(const struct bench_tls_end *end)
{
	struct pollfd one = { .fd = end->fd, .events = gnutls_record_get_direction(end->session) ? POLLOUT : POLLIN };
	return poll(&one, 1, -1) == 1;
}

static void end_session(struct bench_tls_end *end)
{
	gnutls_deinit(end->session);
	free(end);
}

static struct bench_tls_end *shake(struct bench_tls_context *context, int fd, bool server)
{
	struct bench_tls_end *end = malloc(sizeof *end);
	end->fd = fd;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	gnutls_init(&end->session, GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | GNUTLS_KEY_SHARE_TOP | GNUTLS_NO_SIGNAL |
					   (server ? GNUTLS_SERVER : GNUTLS_CLIENT));
	gnutls_priority_set(end->session, context->priority);
	if (server)
		gnutls_credentials_set(end->session, GNUTLS_CRD_PSK, context->server);
	else
		gnutls_credentials_set(end->session, GNUTLS_CRD_PSK, context->client);
	if (!server)
		gnutls_server_name_set(end->session, GNUTLS_NAME_DNS, "localhost", strlen("localhost"));
	gnutls_transport_set_int(end->session, fd);
	int code;
	while ((code = gnutls_handshake(end->session)) < 0 && !gnutls_error_is_fatal(code))
		if (code == GNUTLS_E_AGAIN)
			wait_for(end);
	if (code == 0)
		return end;
	end_session(end);
	return NULL;
}

static bool send_all(struct bench_tls_end *end, const void *bytes, size_t size)
{
	const char *from = bytes;
	while (size > 0) {
		ssize_t put = gnutls_record_send(end->session, from, size);
		if (put == GNUTLS_E_AGAIN && wait_for(end))
			continue;
		if (put < 0)
			return false;
		from += put;
		size -= (size_t)put;
	}
	return true;
}

static bool receive_all(struct bench_tls_end *end, void *bytes, size_t size)
{
	char *to = bytes;
	while (size > 0) {
		ssize_t got = gnutls_record_recv(end->session, to, size);
		if (got == GNUTLS_E_AGAIN && wait_for(end))
			continue;
		if (got <= 0)
			return false;
		to += got;
		size -= (size_t)got;
	}
	return true;
}

const struct bench_tls bench_tls_bare_gnutls = {
	.name = "bare GnuTLS",
	.open = open_context,
	.close = close_context,
	.shake = shake,
	.send = send_all,
	.receive = receive_all,
	.end = end_session,
};
