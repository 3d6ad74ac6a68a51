/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A BIO over a session's socket. OpenSSL's own socket BIO calls write(2), which raises SIGPIPE on a closed connection,
 * and a module must not change the signals of its program; this one sends with MSG_NOSIGNAL.
 */
#include "backend.h"

#include <errno.h>
#include <sys/socket.h>

static int socket_write(BIO *bio, const char *bytes, size_t size, size_t *put)
{
	struct qv_tls_session *session = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	ssize_t sent;
	do
		sent = send(session->fd, bytes, size, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0) {
		*put = (size_t)sent;
		return 1;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		BIO_set_retry_write(bio);
	else
		session->io_errno = errno;
	return 0;
}

static int socket_read(BIO *bio, char *bytes, size_t size, size_t *got)
{
	struct qv_tls_session *session = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	ssize_t came;
	do
		came = recv(session->fd, bytes, size, 0);
	while (came < 0 && errno == EINTR);
	if (came > 0) {
		*got = (size_t)came;
		return 1;
	}
	if (came == 0)
		session->at_end = true;
	else if (errno == EAGAIN || errno == EWOULDBLOCK)
		BIO_set_retry_read(bio);
	else
		session->io_errno = errno;
	return 0;
}

static long socket_control(BIO *bio, int command, long number, void *argument)
{
	(void)number;
	(void)argument;
	const struct qv_tls_session *session = BIO_get_data(bio);
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return session->at_end;
	default:
		return 0;
	}
}

BIO_METHOD *tls_socket_method_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "qvisio socket");
	if (!method)
		return NULL;
	BIO_meth_set_write_ex(method, socket_write);
	BIO_meth_set_read_ex(method, socket_read);
	BIO_meth_set_ctrl(method, socket_control);
	return method;
}

BIO *tls_socket_new(struct qv_tls_session *session)
{
	BIO *bio = BIO_new(session->tls->socket_method);
	if (!bio)
		return NULL;
	BIO_set_data(bio, session);
	BIO_set_init(bio, 1);
	return bio;
}
