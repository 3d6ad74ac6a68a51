/* SPDX-License-Identifier: Apache-2.0 */
#include "socket.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

int socket_split(const char *address, char host[256], char port[6], struct qv_error *err)
{
	const char *colon = strrchr(address, ':');
	size_t length = colon ? (size_t)(colon - address) : 0;
	const char *start = address;
	if (length >= 2 && address[0] == '[' && address[length - 1] == ']') {
		start++;
		length -= 2;
	} else if (memchr(address, ':', length)) {
		length = 0;
	}
	size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
	if (length == 0 || length > 255 || digits == 0 || digits > 5 || colon[1 + digits] ||
	    strtoul(colon + 1, NULL, 10) > 65535)
		return qv_fail(err, QV_E_INVALID, "\"%.200s\" is no address: expected host:port or [IPv6]:port",
			       address);
	memcpy(host, start, length);
	host[length] = '\0';
	memcpy(port, colon + 1, digits + 1);
	return 0;
}

static int bind_one(const struct addrinfo *info)
{
	int on = 1;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void name_socket(int fd, char bound[SOCKET_NAME_MAX])
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	char host[64] = "?", port[8] = "?";
	if (getsockname(fd, (struct sockaddr *)&address, &size) == 0)
		getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
			    NI_NUMERICHOST | NI_NUMERICSERV);
	bool v6 = strchr(host, ':') != NULL;
	snprintf(bound, SOCKET_NAME_MAX, "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

int socket_listen(const char *address, char bound[SOCKET_NAME_MAX], struct qv_error *err)
{
	char host[256], port[6];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list;
	if (socket_split(address, host, port, err) != 0)
		return -1;
	int failed = getaddrinfo(host, port, &hints, &list);
	if (failed)
		return qv_fail(err, QV_E_IO, "cannot listen on %s: %s", address, gai_strerror(failed));
	int fd = -1;
	for (const struct addrinfo *info = list; info && fd < 0; info = info->ai_next)
		fd = bind_one(info);
	int saved = errno;
	freeaddrinfo(list);
	if (fd < 0)
		return qv_fail_errno(err, QV_E_IO, saved, "cannot listen on %s", address);
	name_socket(fd, bound);
	return fd;
}
