/* SPDX-License-Identifier: Apache-2.0 */
#include "socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <qvisio/clock.h>

#include "resolve.h"

static bool is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	unsigned port = 0;
	return digits > 0 && digits <= 5 && text[digits] == '\0' && sscanf(text, "%u", &port) == 1 && port <= 65535;
}

int socket_split_address(const char *text, char *buffer, size_t room, const char **host, const char **port,
			 struct qv_error *err)
{
	if (strlen(text) >= room)
		return qv_fail(err, QV_E_INVALID, "the address is too long");
	memcpy(buffer, text, strlen(text) + 1);
	char *colon = strrchr(buffer, ':');
	if (!colon || !is_port(colon + 1))
		return qv_fail(err, QV_E_INVALID, "\"%s\" is not of the form host:port, with a port from 0 to 65535",
			       text);
	*colon = '\0';
	*port = colon + 1;
	*host = buffer;
	size_t length = strlen(buffer);
	if (buffer[0] == '[' && length > 2 && buffer[length - 1] == ']') {
		buffer[length - 1] = '\0';
		*host = buffer + 1;
	} else if (strchr(buffer, ':')) {
		return qv_fail(err, QV_E_INVALID, "\"%s\": write an IPv6 address in brackets: [%s]:%s", text, buffer,
			       *port);
	}
	return 0;
}

/* A host that is there, and where nobody listens, is another matter than a network that leads nowhere. */
static int fail_connecting(int failure, struct qv_error *err)
{
	return qv_fail_errno(err, failure == ECONNREFUSED ? QV_E_GONE : QV_E_IO, failure, "connecting");
}

static int await_connected(int fd, int timeout_ms, int cancel_fd, struct qv_error *err)
{
	int ready = qv_wait_fd(fd, POLLOUT, timeout_ms, cancel_fd, err);
	if (ready < 0)
		return -1;
	if (ready == 0)
		return qv_fail(err, QV_E_TIMEOUT, "no answer in %d ms", timeout_ms);
	int failure = 0;
	socklen_t size = sizeof failure;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
		failure = errno;
	return failure ? fail_connecting(failure, err) : 0;
}

static int set_congestion(int fd, const char *congestion, struct qv_error *err)
{
	if (!congestion || setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion)) == 0)
		return 0;
	return qv_fail_errno(
		err, QV_E_UNSUPPORTED, errno,
		"TCP congestion control \"%s\" (net.ipv4.tcp_allowed_congestion_control lists what is allowed)",
		congestion);
}

static int connect_one(const struct addrinfo *address, const char *congestion, int timeout_ms, int cancel_fd,
		       struct qv_error *err)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "making a socket");
	if (set_congestion(fd, congestion, err) != 0) {
		close(fd);
		return -1;
	}
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return fd;
	if (errno != EINPROGRESS)
		fail_connecting(errno, err);
	else if (await_connected(fd, timeout_ms, cancel_fd, err) == 0)
		return fd;
	close(fd);
	return -1;
}

int socket_connect(const char *host, const char *port, const char *congestion, int timeout_ms, int cancel_fd,
		   struct qv_error *err)
{
	struct addrinfo *addresses = resolve_host(host, port, timeout_ms, cancel_fd, err);
	if (!addresses)
		return -1;
	int fd = -1;
	bool refused = true;
	struct qv_error why = QV_ERROR_INIT;
	for (const struct addrinfo *a = addresses; a && fd < 0 && why.code != QV_E_CANCELLED; a = a->ai_next) {
		why = (struct qv_error)QV_ERROR_INIT;
		fd = connect_one(a, congestion, timeout_ms, cancel_fd, &why);
		refused = refused && why.code == QV_E_GONE;
	}
	freeaddrinfo(addresses);
	if (why.code == QV_E_GONE && !refused)
		why.code = QV_E_IO;
	if (fd < 0 && err)
		*err = why;
	if (fd < 0)
		qv_error_prefix(err, "%s:%s", host, port);
	return fd;
}

static void address_name(const struct sockaddr_storage *address, socklen_t size, char *name, size_t room)
{
	char host[256] = "?", port[8] = "?";
	getnameinfo((const struct sockaddr *)(const void *)address, size, host, sizeof host, port, sizeof port,
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(name, room, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static int listen_one(const struct addrinfo *address, char *name, size_t room, struct qv_error *err)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "making a socket");
	int on = 1, off = 0;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (address->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, 64) != 0) {
		qv_fail_errno(err, QV_E_IO, errno, "listening");
		close(fd);
		return -1;
	}
	struct sockaddr_storage bound;
	socklen_t size = sizeof bound;
	if (getsockname(fd, (struct sockaddr *)&bound, &size) == 0)
		address_name(&bound, size, name, room);
	return fd;
}

int socket_listen(const char *host, const char *port, char *name, size_t room, struct qv_error *err)
{
	struct addrinfo *addresses = resolve_local(host, port, err);
	int fd = -1;
	for (const struct addrinfo *a = addresses; a && fd < 0; a = a->ai_next)
		fd = listen_one(a, name, room, err);
	if (addresses) {
		freeaddrinfo(addresses);
		if (fd < 0)
			qv_error_prefix(err, "%s:%s", host, port);
	}
	return fd;
}

/* What accept(2) says of a connection that died while waiting, or of a network that will come back. */
static bool concerns_one_caller(int error)
{
	return error == EAGAIN || error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN ||
	       error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH ||
	       error == EOPNOTSUPP || error == ENETUNREACH || error == EPERM;
}

static bool out_of_resources(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

int socket_accept(int listener, int cancel_fd, char *name, size_t room, struct qv_error *err)
{
	for (;;) {
		if (qv_wait_fd(listener, POLLIN, -1, cancel_fd, err) < 0)
			return -1;
		struct sockaddr_storage address;
		socklen_t size = sizeof address;
		int fd = accept4(listener, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			address_name(&address, size, name, room);
			return fd;
		}
		/* The caller stays in the queue: waiting a moment keeps this from spinning until a descriptor is free. */
		if (out_of_resources(errno)) {
			if (qv_clock_sleep_until(qv_clock_now(&qv_clock_monotonic) + 100 * QV_NS_PER_MS, cancel_fd,
						 err) != 0)
				return -1;
		} else if (!concerns_one_caller(errno)) {
			return qv_fail_errno(err, QV_E_IO, errno, "accepting a caller");
		}
	}
}
