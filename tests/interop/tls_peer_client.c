/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 20000

int peer_wait(int fd, enum qv_tls_io want, struct qv_error *err)
{
	int ready = qv_wait_fd(fd, want == QV_TLS_IO_WANT_WRITE ? POLLOUT : POLLIN, 60000, -1, err);
	return ready == 0 ? qv_fail(err, QV_E_TIMEOUT, "nothing came for a minute") : ready < 0 ? -1 : 0;
}

int peer_put(const struct peer *peer, struct qv_tls_session *session, int fd, const void *bytes, size_t size,
	     struct qv_error *err)
{
	const char *from = bytes;
	while (size > 0) {
		size_t put = 0;
		int result = peer->class->write(session, from, size, &put, err);
		if (result < 0 || (result > 0 && peer_wait(fd, (enum qv_tls_io)result, err) != 0))
			return -1;
		if (result == QV_TLS_IO_DONE) {
			from += put;
			size -= put;
		}
	}
	return 0;
}

int peer_get(const struct peer *peer, struct qv_tls_session *session, int fd, void *bytes, size_t size, size_t *got,
	     struct qv_error *err)
{
	for (;;) {
		int result = peer->class->read(session, bytes, size, got, err);
		if (result <= 0)
			return result;
		if (peer->class->pending(session))
			return qv_fail(err, QV_E_INTERNAL, "read found nothing, and yet pending says there is");
		if (peer_wait(fd, (enum qv_tls_io)result, err) != 0)
			return -1;
	}
}

static int dial(int port, struct qv_error *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	int why = errno;
	if (fd >= 0)
		close(fd);
	return qv_fail_errno(err, QV_E_IO, why, "connecting to port %d", port);
}

/* The byte at `offset` of what is sent: no period that divides a record. */
static uint8_t pattern(size_t offset)
{
	return (uint8_t)(offset % 251 ^ offset / 251 % 239);
}

/* Sends `peer->send` bytes in pieces and compares what comes back. */
static int echo(const struct peer *peer, struct qv_tls_session *session, int fd, size_t *echoed, struct qv_error *err)
{
	static uint8_t bytes[CHUNK];
	for (size_t sent = 0; sent < peer->send;) {
		size_t size = peer->send - sent < CHUNK ? peer->send - sent : CHUNK;
		for (size_t i = 0; i < size; i++)
			bytes[i] = pattern(sent + i);
		if (peer_put(peer, session, fd, bytes, size, err) != 0)
			return -1;
		for (sent += size; *echoed < sent;) {
			size_t got = 0;
			if (peer_get(peer, session, fd, bytes, sent - *echoed, &got, err) != 0)
				return -1;
			for (size_t i = 0; i < got; i++, (*echoed)++)
				if (bytes[i] != pattern(*echoed))
					return qv_fail(err, QV_E_INTERNAL, "byte %zu came back changed", *echoed);
		}
	}
	return 0;
}

static int say_lines(const struct peer *peer, struct qv_tls_session *session, int fd, size_t *bytes,
		     struct qv_error *err)
{
	for (int number = 0; number < peer->lines; number++) {
		char line[32], answer[64];
		int size = snprintf(line, sizeof line, "line %d\n", number);
		if (peer_put(peer, session, fd, line, (size_t)size, err) != 0)
			return -1;
		for (size_t got = 0; got == 0 || answer[got - 1] != '\n'; *bytes += got)
			if (peer_get(peer, session, fd, answer, sizeof answer, &got, err) != 0)
				return -1;
	}
	return 0;
}

static int talk(const struct peer *peer, struct qv_tls_session *session, int fd, size_t *bytes, struct qv_error *err)
{
	char text[4096] = "";
	size_t used = 0;
	if (peer->say && (peer_put(peer, session, fd, peer->say, strlen(peer->say), err) != 0 ||
			  peer_put(peer, session, fd, "\n", 1, err) != 0))
		return -1;
	while (peer->expect && !strstr(text, peer->expect) && used < sizeof text - 1) {
		size_t got = 0;
		if (peer_get(peer, session, fd, text + used, sizeof text - 1 - used, &got, err) != 0)
			return -1;
		used += got;
		text[used] = '\0';
	}
	*bytes += used;
	if (say_lines(peer, session, fd, bytes, err) != 0)
		return -1;
	return echo(peer, session, fd, bytes, err);
}

/* Closes in order, then reads what the peer still sends up to its own close. */
static int hang_up(const struct peer *peer, struct qv_tls_session *session, int fd, struct qv_error *err)
{
	int result = QV_TLS_IO_DONE;
	while (!peer->linger && (result = peer->class->shutdown(session, err)) > 0)
		if (peer_wait(fd, (enum qv_tls_io)result, err) != 0)
			return -1;
	if (result < 0)
		return -1;
	char rest[256];
	size_t got;
	while (peer_get(peer, session, fd, rest, sizeof rest, &got, err) == 0)
		continue;
	return -1;
}

static void use_session(const struct peer *peer, int number, struct qv_tls_session *session, int fd)
{
	struct qv_error err = QV_ERROR_INIT;
	size_t bytes = 0;
	report_session(peer, number, session);
	if (talk(peer, session, fd, &bytes, &err) == 0) {
		report_end("talked", number, bytes, &err);
		if (!peer->cut)
			hang_up(peer, session, fd, &err);
	}
	report_end("end", number, bytes, &err);
}

int peer_client(const struct peer *peer)
{
	for (int number = 1; number <= (peer->sessions ? peer->sessions : 1); number++) {
		struct qv_error err = QV_ERROR_INIT;
		struct qv_tls_psk psk = { .key = NULL };
		struct qv_tls_session *session = NULL;
		int fd = dial(peer->port, &err);
		if (fd >= 0 && (!peer->psk_file || peer_psk_read(peer, &psk, &err) == 0))
			session = peer->class->connect(peer->tls, fd, peer->host, peer->psk_file ? &psk : NULL, &err);
		/* From here on only a backend could still hold the key. */
		qv_tls_psk_clear(&psk);
		if (session)
			use_session(peer, number, session, fd);
		else
			report_end("failed", number, 0, &err);
		peer->class->free(session);
		if (fd >= 0)
			close(fd);
	}
	return 0;
}
