/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_pair.h"

#include <qvisio/psk_identity.h>

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000

struct qv_tls_lookup {
	struct tls_pair *pair;
};

static int find(struct qv_tls_lookup *lookup, const uint8_t *identity, size_t size, struct qv_tls_psk *psk,
		struct qv_error *why)
{
	struct tls_pair *pair = lookup->pair;
	const struct qv_tls_psk *known = &pair->server_psk;
	pair->looked_up++;
	if (!pair->server_knows || size != known->identity_size || memcmp(identity, known->identity, size) != 0) {
		qv_fail(why, QV_E_NOT_FOUND, "no such key");
		return 0;
	}
	psk->hash = known->hash;
	psk->key = qv_secret_copy(qv_secret_bytes(known->key), qv_secret_size(known->key), why);
	return psk->key ? 1 : -1;
}

static void open_end(struct check *check, struct tls_end *end, const char *const *changes)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, changes);
	*end = (struct tls_end){ .check = check, .class = qv_tls_class(check->class), .fd = -1 };
	end->tls = end->class->open(&check->host, options, &err);
	qv_options_free(options);
	if (end->tls)
		return;
	if (err.code == QV_E_UNSUPPORTED && changes) {
		check_error_filled(check, "open", &err);
		check_skip(check, "%s", err.message);
	}
	check_not_opened(check, &err);
}

void tls_pair_open(struct check *check, struct tls_pair *pair, const char *const *client, const char *const *server)
{
	memset(pair, 0, sizeof *pair);
	open_end(check, &pair->client, client);
	open_end(check, &pair->server, server);
	pair->server_knows = true;
}

void tls_pair_close(struct tls_pair *pair)
{
	tls_pair_drop(pair);
	pair->client.class->close(pair->client.tls);
	pair->server.class->close(pair->server.tls);
	qv_tls_psk_clear(&pair->client_psk);
	qv_tls_psk_clear(&pair->server_psk);
}

static void copy_psk(struct check *check, struct qv_tls_psk *to, const struct qv_tls_psk *from)
{
	qv_tls_psk_clear(to);
	*to = *from;
	to->key = qv_secret_copy(qv_secret_bytes(from->key), qv_secret_size(from->key), NULL);
	REQUIRE(check, to->key, "no memory");
}

void tls_pair_share_key(struct check *check, struct tls_pair *pair)
{
	struct qv_psk_identity identity = { .hash = QV_TLS_SHA256,
					    .master = "sae-1",
					    .key_id = "0d3f5a1c-7a55-4c0e-9a60-2f6f5b6d8f11" };
	struct qv_tls_psk psk = { .hash = QV_TLS_SHA256 };
	qv_psk_identity_format(&identity, psk.identity, sizeof psk.identity, &psk.identity_size, NULL);
	psk.key = qv_secret_random(32, NULL);
	REQUIRE(check, psk.key, "no memory");
	copy_psk(check, &pair->client_psk, &psk);
	copy_psk(check, &pair->server_psk, &psk);
	qv_tls_psk_clear(&psk);
}

void tls_end_connect(struct tls_end *client, const struct qv_tls_psk *psk)
{
	client->err = (struct qv_error)QV_ERROR_INIT;
	client->session = client->class->connect(client->tls, client->fd, "localhost", psk, &client->err);
	if (!client->session)
		check_error_filled(client->check, "connect", &client->err);
}

void tls_end_accept(struct tls_pair *pair)
{
	struct tls_end *server = &pair->server;
	struct qv_tls_lookup lookup = { pair };
	struct qv_tls_finder finder = { find, &lookup };
	server->err = (struct qv_error)QV_ERROR_INIT;
	server->session = server->class->accept(server->tls, server->fd, &finder, &server->err);
	if (!server->session)
		check_error_filled(server->check, "accept", &server->err);
}

/* A side that gave up hangs up, so that the other does not wait for it. */
static void hang_up_without_session(struct tls_end *end)
{
	if (!end->session)
		tls_end_drop(end);
}

static void *serve(void *argument)
{
	struct tls_pair *pair = argument;
	tls_end_accept(pair);
	hang_up_without_session(&pair->server);
	return NULL;
}

void tls_pair_handshake(struct check *check, struct tls_pair *pair)
{
	int fds[2];
	tls_pair_drop(pair);
	REQUIRE(check, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "no socket pair");
	pair->client.fd = fds[0];
	pair->server.fd = fds[1];
	REQUIRE(check, pthread_create(&pair->server.thread, NULL, serve, pair) == 0, "no thread");
	tls_end_connect(&pair->client, pair->client_psk.key ? &pair->client_psk : NULL);
	hang_up_without_session(&pair->client);
	pthread_join(pair->server.thread, NULL);
}

void tls_pair_require(struct check *check, const struct tls_pair *pair)
{
	REQUIRE(check, pair->client.session, "connect: %s; at the server: %s", pair->client.err.message,
		pair->server.err.message);
	REQUIRE(check, pair->server.session, "accept: %s", pair->server.err.message);
}

void tls_end_drop(struct tls_end *end)
{
	if (end->session)
		end->class->free(end->session);
	if (end->fd >= 0)
		close(end->fd);
	end->session = NULL;
	end->fd = -1;
}

void tls_pair_drop(struct tls_pair *pair)
{
	tls_end_drop(&pair->client);
	tls_end_drop(&pair->server);
}

static void wait_for(struct tls_end *end, int wanted)
{
	short events = wanted == QV_TLS_IO_WANT_READ ? POLLIN : POLLOUT;
	REQUIRE(end->check, wanted == QV_TLS_IO_WANT_READ || wanted == QV_TLS_IO_WANT_WRITE, "it returned %d", wanted);
	int ready = qv_wait_fd(end->fd, events, PATIENCE_MS, -1, NULL);
	REQUIRE(end->check, ready == 1, "it waits for its descriptor, on which nothing happens");
}

void tls_end_write(struct tls_end *end, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		size_t put = 0;
		int wanted = end->class->write(end->session, bytes, size, &put, &end->err);
		REQUIRE(end->check, wanted >= 0, "write: %s", end->err.message);
		if (wanted != QV_TLS_IO_DONE) {
			wait_for(end, wanted);
			continue;
		}
		REQUIRE(end->check, put > 0 && put <= size, "write put %zu of %zu bytes", put, size);
		bytes += put;
		size -= put;
	}
}

int tls_end_read(struct tls_end *end, uint8_t *bytes, size_t size)
{
	while (size > 0) {
		size_t got = 0;
		int wanted = end->class->read(end->session, bytes, size, &got, &end->err);
		if (wanted < 0)
			return -1;
		if (wanted != QV_TLS_IO_DONE) {
			REQUIRE(end->check, !end->class->pending(end->session),
				"bytes are pending, and read wants to wait");
			wait_for(end, wanted);
			continue;
		}
		REQUIRE(end->check, got > 0 && got <= size, "read got %zu of %zu bytes", got, size);
		bytes += got;
		size -= got;
	}
	return 0;
}

void tls_end_shutdown(struct tls_end *end)
{
	int wanted;
	while ((wanted = end->class->shutdown(end->session, &end->err)) != QV_TLS_IO_DONE) {
		REQUIRE(end->check, wanted >= 0, "shutdown: %s", end->err.message);
		wait_for(end, wanted);
	}
}
