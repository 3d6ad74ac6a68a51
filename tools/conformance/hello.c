/* SPDX-License-Identifier: Apache-2.0 */
#include "hello.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <qvisio/clock.h>
#include <qvisio/secret.h>

#define RECORD_ALERT     21
#define RECORD_HANDSHAKE 22
#define SERVER_HELLO     2
#define SERVER_MAX       4096 /* bytes of a server's reaction that are looked at */

void hello_read(const uint8_t *bytes, size_t size, struct hello *hello)
{
	*hello = (struct hello){ .kind = HELLO_NOTHING };
	/* Record: type, version (2), length (2); alert: level, description; handshake: type, length (3), version. */
	if (size >= 7 && bytes[0] == RECORD_ALERT && bytes[1] == 3)
		*hello = (struct hello){ .kind = HELLO_ALERT, .value = bytes[6] };
	else if (size >= 11 && bytes[0] == RECORD_HANDSHAKE && bytes[1] == 3 && bytes[5] == SERVER_HELLO)
		*hello = (struct hello){ .kind = HELLO_SERVER, .value = (unsigned)bytes[9] << 8 | bytes[10] };
}

static int wait_for(int fd, short events, int64_t deadline)
{
	int64_t left = (deadline - qv_clock_now(&qv_clock_monotonic)) / QV_NS_PER_MS;
	struct pollfd wait = { .fd = fd, .events = events };
	return left > 0 ? poll(&wait, 1, (int)left) : 0;
}

static int connect_address(const struct addrinfo *address, int64_t deadline)
{
	int wrong = 0;
	socklen_t size = sizeof wrong;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0 ||
	    (errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline) > 0 &&
	     getsockopt(fd, SOL_SOCKET, SO_ERROR, &wrong, &size) == 0 && wrong == 0))
		return fd;
	close(fd);
	return -1;
}

static int connect_host(const char *host, const char *port, int64_t deadline, struct qv_error *err)
{
	struct addrinfo wanted = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	int wrong = getaddrinfo(host, port, &wanted, &found);
	if (wrong != 0)
		return qv_fail(err, QV_E_IO, "%s: %s", host, gai_strerror(wrong));
	int fd = -1;
	for (const struct addrinfo *address = found; address && fd < 0; address = address->ai_next)
		fd = connect_address(address, deadline);
	freeaddrinfo(found);
	return fd >= 0 ? fd : qv_fail(err, QV_E_IO, "%s:%s: no connection", host, port);
}

/* Without the brackets of an IPv6 address. */
static void unbracket(char *host)
{
	size_t length = strlen(host);
	if (length < 2 || host[0] != '[')
		return;
	memmove(host, host + 1, length - 2);
	host[length - 2] = '\0';
}

static int connect_url(const char *url, int64_t deadline, struct qv_error *err)
{
	char *host = NULL, *port = NULL;
	CURLU *parts = curl_url();
	int fd = -1;
	if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
		unbracket(host);
		fd = connect_host(host, port, deadline, err);
	} else {
		qv_fail(err, QV_E_INVALID, "%s: no URL", url);
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return fd;
}

/* Sends all, then reads until the server closes, or `enough` bytes are there. Returns how many came. */
static size_t exchange(int fd, const void *out, size_t out_size, uint8_t *in, size_t room, size_t enough,
		       int64_t deadline)
{
	size_t got = 0;
	if (send(fd, out, out_size, MSG_NOSIGNAL) != (ssize_t)out_size)
		return 0;
	while (got < enough && wait_for(fd, POLLIN, deadline) > 0) {
		ssize_t some = recv(fd, in + got, room - got, 0);
		if (some < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (some <= 0)
			break;
		got += (size_t)some;
	}
	return got;
}

/* A ClientHello of TLS 1.0 or 1.1 that any server of that time would take (RFC 4346 section 7.4.1.2, RFC 8422). */
static size_t write_hello(uint8_t *out, uint16_t version)
{
	static const uint8_t rest[] = {
		0,        /* no session */
		0,    14, /* cipher suites: (EC)DHE and RSA with AES-CBC and SHA-1, no renegotiation */
		0xc0, 0x09, 0xc0, 0x0a, 0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f, 0x00, 0x35, 0x00, 0xff, /**/
		1,    0,                                                                            /* no compression */
		0,    18,                                                                           /* extensions */
		0,    10,   0,    8,    0,    6,    0,    23,   0,    24,   0,    25, /* P-256, P-384, P-521 */
		0,    11,   0,    2,    1,    0,                                      /* uncompressed points */
	};
	uint8_t *at = out + 9;
	struct qv_secret *random = qv_secret_random(32, NULL);
	if (!random)
		return 0;
	*at++ = (uint8_t)(version >> 8);
	*at++ = (uint8_t)version;
	memcpy(at, qv_secret_bytes(random), 32);
	memcpy(at + 32, rest, sizeof rest);
	qv_secret_free(random);
	size_t body = 2 + 32 + sizeof rest;
	const uint8_t head[9] = { RECORD_HANDSHAKE, 3, 1, 0, (uint8_t)(body + 4), 1, 0, 0, (uint8_t)body };
	memcpy(out, head, sizeof head);
	return body + sizeof head;
}

int hello_offer(const char *url, uint16_t version, long timeout_ms, struct hello *hello, struct qv_error *err)
{
	uint8_t out[256], in[SERVER_MAX];
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	int fd = connect_url(url, deadline, err);
	if (fd < 0)
		return -1;
	size_t got = exchange(fd, out, write_hello(out, version), in, sizeof in, 11, deadline);
	close(fd);
	hello_read(in, got, hello);
	return 0;
}

int plain_request(const char *url, const char *path, long timeout_ms, unsigned *status, struct qv_error *err)
{
	uint8_t in[SERVER_MAX] = { 0 };
	char *request = NULL;
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	int fd = connect_url(url, deadline, err);
	if (fd < 0)
		return -1;
	size_t got = 0;
	*status = 0;
	if (asprintf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path) >= 0) {
		got = exchange(fd, request, strlen(request), in, sizeof in, 12, deadline);
		free(request);
	}
	close(fd);
	char line[13] = "";
	memcpy(line, in, got < 12 ? got : 12);
	if (strncmp(line, "HTTP/1.", 7) == 0 && strspn(line + 9, "0123456789") == 3)
		*status = (unsigned)strtoul(line + 9, NULL, 10);
	return 0;
}
