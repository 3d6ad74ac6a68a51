/* SPDX-License-Identifier: Apache-2.0 */
/* The UDP socket beside a TCP connection: the same local address, the same peer until that proves to be elsewhere. */
#ifndef QV_CALL_UDP_H
#define QV_CALL_UDP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <qvisio/error.h>
#include <qvisio/rtp.h>

#define UDP_BATCH 32

struct udp_datagram {
	_Alignas(4) uint8_t bytes[QV_RTP_PACKET_MAX];
	size_t size;
	struct sockaddr_storage from;
};

struct udp {
	int fd; /* -1: none */
	uint16_t port;
	struct sockaddr_storage peer;
	socklen_t peer_size; /* 0: its port is not known yet */
	uint64_t bytes_in, bytes_out;
	size_t waiting; /* to go out together */
	struct udp_datagram out[UDP_BATCH], in[UDP_BATCH];
};

/* `tcp` is connected; ports from `first` to `last`, 0: any. QV_E_UNSUPPORTED: it is no TCP socket. */
int udp_open(struct udp *udp, int tcp, uint16_t first, uint16_t last, struct qv_error *err);
/* Goes over to the address that this end of the TCP connection has now, if that is another one. */
void udp_follow(struct udp *udp, int tcp);

void udp_close(struct udp *udp);

/* The peer listens on this port of the host that the TCP connection goes to. */
int udp_set_peer(struct udp *udp, int tcp, uint16_t port, struct qv_error *err);
/* An authentic datagram came from there. True: that is not where the peer was before. */
bool udp_latch(struct udp *udp, const struct udp_datagram *datagram);

/* How many datagrams are in udp->in now; 0: none. */
int udp_receive(struct udp *udp);

/* The next one to fill; it goes out with udp_flush at the latest. What the network does not take is lost, as on the way. */
struct udp_datagram *udp_next(struct udp *udp);
void udp_flush(struct udp *udp);

#endif
