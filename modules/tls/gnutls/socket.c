/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes are received here, to keep what GnuTLS does not tell: that the connection ended in the middle of a record, and,
 * during a handshake, an alert that it does not recognise. A client on OpenSSL that refuses the server's certificate
 * says so in an alert that is not encrypted, since it has not begun to send encrypted records yet; GnuTLS would call
 * that a failed decryption.
 */
#include "backend.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static gnutls_transport_ptr_t descriptor_as_pointer(int fd)
{
	return (gnutls_transport_ptr_t)(intptr_t)fd;
}

static ssize_t pull_established(gnutls_transport_ptr_t argument, void *bytes, size_t size)
{
	struct qv_tls_session *session = argument;
	ssize_t came = recv(session->fd, bytes, size, 0);
	if (came < 0) {
		session->io_errno = errno;
		gnutls_transport_set_errno(session->gnutls, errno);
	} else if (came == 0) {
		session->at_end = true;
	}
	return came;
}

static ssize_t pull(gnutls_transport_ptr_t argument, void *bytes, size_t size)
{
	struct qv_tls_session *session = argument;
	ssize_t came = pull_established(argument, bytes, size);
	if (came <= 0)
		return came;
	size_t keep = (size_t)came < sizeof session->last ? (size_t)came : sizeof session->last;
	memmove(session->last, session->last + keep, sizeof session->last - keep);
	memcpy(session->last + sizeof session->last - keep, (const char *)bytes + (size_t)came - keep, keep);
	return came;
}

void tls_socket_setup(struct qv_tls_session *session)
{
	gnutls_transport_set_ptr2(session->gnutls, session, descriptor_as_pointer(session->fd));
	gnutls_transport_set_pull_function(session->gnutls, pull);
}

void tls_socket_established(struct qv_tls_session *session)
{
	gnutls_transport_set_pull_function(session->gnutls, pull_established);
}

int tls_plain_alert(const struct qv_tls_session *session)
{
	static const uint8_t start[] = { 21, 3, 3, 0, 2, GNUTLS_AL_FATAL };
	return memcmp(session->last, start, sizeof start) == 0 ? session->last[sizeof start] : -1;
}
