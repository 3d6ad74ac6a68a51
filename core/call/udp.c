/* SPDX-License-Identifier: Apache-2.0 */
#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define BUFFER (1 << 20) /* of the kernel: bursts of a large picture */

static bool set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_INET)
		((struct sockaddr_in *)(void *)address)->sin_port = htons(port);
	else if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)address)->sin6_port = htons(port);
	else
		return false;
	return true;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
	return ntohs(address->ss_family == AF_INET ? ((const struct sockaddr_in *)(const void *)address)->sin_port
						   : ((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
}

static int bind_one(struct udp *udp, struct sockaddr_storage *local, socklen_t size, uint16_t first, uint16_t last,
		    struct qv_error *err)
{
	int failed = 0;
	for (unsigned port = first; port <= last; port++) {
		set_port(local, (uint16_t)port);
		if (bind(udp->fd, (struct sockaddr *)local, size) == 0)
			return 0;
		failed = errno;
		if (failed != EADDRINUSE)
			break;
	}
	return qv_fail_errno(err, QV_E_IO, failed, "taking a UDP port of %u to %u", first, last);
}

int udp_open(struct udp *udp, int tcp, uint16_t first, uint16_t last, struct qv_error *err)
{
	struct sockaddr_storage local = { 0 };
	socklen_t size = sizeof local;
	int buffer = BUFFER;
	udp->fd = -1;
	if (getsockname(tcp, (struct sockaddr *)&local, &size) != 0 || !set_port(&local, 0))
		return qv_fail(err, QV_E_UNSUPPORTED, "the connection is none of the Internet");
	udp->fd = socket(local.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	if (udp->fd < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "opening a UDP socket");
	(void)setsockopt(udp->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	(void)setsockopt(udp->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	if (bind_one(udp, &local, size, first, last, err) != 0) {
		udp_close(udp);
		return -1;
	}
	size = sizeof local;
	(void)getsockname(udp->fd, (struct sockaddr *)&local, &size);
	udp->port = port_of(&local);
	return 0;
}

void udp_close(struct udp *udp)
{
	if (udp->fd >= 0)
		close(udp->fd);
	udp->fd = -1;
}

int udp_set_peer(struct udp *udp, int tcp, uint16_t port, struct qv_error *err)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof peer;
	if (getpeername(tcp, (struct sockaddr *)&peer, &size) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "asking for the peer's address");
	set_port(&peer, port);
	udp->peer = peer;
	udp->peer_size = size;
	return 0;
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
	return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
		      &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

void udp_follow(struct udp *udp, int tcp)
{
	struct sockaddr_storage here = { 0 }, there = { 0 };
	socklen_t size = sizeof here, there_size = sizeof there;
	struct udp moved = { .fd = -1 };
	if (getsockname(udp->fd, (struct sockaddr *)&here, &size) != 0 ||
	    getsockname(tcp, (struct sockaddr *)&there, &there_size) != 0 || same_host(&here, &there))
		return;
	/* The peer may know the port only. */
	if (udp_open(&moved, tcp, udp->port, udp->port, NULL) != 0 && udp_open(&moved, tcp, 0, 0, NULL) != 0)
		return;
	close(udp->fd);
	udp->fd = moved.fd;
	udp->port = moved.port;
}

bool udp_latch(struct udp *udp, const struct udp_datagram *datagram)
{
	if (udp->peer_size == 0 ||
	    (same_host(&udp->peer, &datagram->from) && port_of(&udp->peer) == port_of(&datagram->from)))
		return false;
	udp->peer = datagram->from;
	return true;
}

int udp_receive(struct udp *udp)
{
	struct mmsghdr headers[UDP_BATCH];
	struct iovec vectors[UDP_BATCH];
	for (int i = 0; i < UDP_BATCH; i++) {
		vectors[i] = (struct iovec){ udp->in[i].bytes, sizeof udp->in[i].bytes };
		headers[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &udp->in[i].from,
							    .msg_namelen = sizeof udp->in[i].from,
							    .msg_iov = &vectors[i],
							    .msg_iovlen = 1 } };
	}
	int got = recvmmsg(udp->fd, headers, UDP_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++) {
		udp->in[i].size = headers[i].msg_hdr.msg_flags & MSG_TRUNC ? 0 : headers[i].msg_len;
		udp->bytes_in += headers[i].msg_len;
	}
	return got > 0 ? got : 0;
}

struct udp_datagram *udp_next(struct udp *udp)
{
	if (udp->waiting == UDP_BATCH)
		udp_flush(udp);
	return &udp->out[udp->waiting++];
}

void udp_flush(struct udp *udp)
{
	struct mmsghdr headers[UDP_BATCH];
	struct iovec vectors[UDP_BATCH];
	unsigned count = 0;
	for (size_t i = 0; i < udp->waiting && udp->peer_size > 0; i++) {
		if (udp->out[i].size == 0)
			continue;
		vectors[count] = (struct iovec){ udp->out[i].bytes, udp->out[i].size };
		headers[count] = (struct mmsghdr){ .msg_hdr = { .msg_name = &udp->peer,
								.msg_namelen = udp->peer_size,
								.msg_iov = &vectors[count],
								.msg_iovlen = 1 } };
		udp->bytes_out += udp->out[i].size;
		count++;
	}
	udp->waiting = 0;
	for (unsigned sent = 0; sent < count;) {
		int now = sendmmsg(udp->fd, headers + sent, count - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		/* One that is refused does not hold the others up. */
		sent += now > 0 ? (unsigned)now : 1;
	}
}
