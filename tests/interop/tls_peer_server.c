/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_peer.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
	const struct peer *peer;
	int fd;
	int number;
};

/* Sends back what comes until the peer closes, then closes in order too. */
static size_t serve(const struct peer *peer, struct qv_tls_session *session, int fd, struct qv_error *err)
{
	uint8_t bytes[16384];
	size_t total = 0, got = 0;
	while (peer_get(peer, session, fd, bytes, sizeof bytes, &got, err) == 0) {
		total += got;
		if (peer_put(peer, session, fd, bytes, got, err) != 0)
			return total;
		if (peer->cut)
			return total;
	}
	int result = 0;
	struct qv_error late = QV_ERROR_INIT;
	while (err->code == QV_E_END && (result = peer->class->shutdown(session, &late)) > 0)
		if (peer_wait(fd, (enum qv_tls_io)result, &late) != 0)
			break;
	return total;
}

static void *handle(void *argument)
{
	struct connection *connection = argument;
	const struct peer *peer = connection->peer;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_tls_lookup lookup = { .peer = peer };
	struct qv_tls_finder finder = peer_finder(&lookup);
	struct qv_tls_session *session = peer->class->accept(peer->tls, connection->fd, &finder, &err);
	if (session) {
		report_session(peer, connection->number, session);
		size_t bytes = serve(peer, session, connection->fd, &err);
		report_end("end", connection->number, bytes, &err);
	} else {
		report_end("failed", connection->number, 0, &err);
	}
	peer->class->free(session);
	close(connection->fd);
	free(connection);
	return NULL;
}

static int listen_at(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t size = sizeof address;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return -1;
	report_port(ntohs(address.sin_port));
	return fd;
}

int peer_server(const struct peer *peer)
{
	int listener = listen_at(peer->port);
	if (listener < 0)
		return -1;
	for (int number = 1; peer->sessions == 0 || number <= peer->sessions; number++) {
		struct connection *connection = malloc(sizeof *connection);
		pthread_t thread;
		if (!connection)
			return -1;
		*connection = (struct connection){ .peer = peer, .number = number };
		connection->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (connection->fd < 0 || pthread_create(&thread, NULL, handle, connection) != 0)
			return -1;
		/* With a count the server ends after its last session, so that a leak checker sees all freed. */
		if (peer->sessions)
			pthread_join(thread, NULL);
		else
			pthread_detach(thread);
	}
	close(listener);
	return 0;
}
