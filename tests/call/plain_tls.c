/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct qv_tls_session {
	int fd;
	atomic_bool cut, lost;
	bool strict;   /* as TLS is: an end without a word is none */
	bool notified; /* the word has come */
	int number;
};

void plain_strict(struct qv_tls_session *session)
{
	session->strict = true;
}

/* The word is a descriptor beside a byte: the bytes of a call cannot be taken for it. */
static void send_word(const struct qv_tls_session *session)
{
	char byte = 0;
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = {
			      .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	memcpy(CMSG_DATA(&control.head), &session->fd, sizeof(int));
	struct msghdr message = { .msg_iov = &(struct iovec){ &byte, 1 },
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof control.bytes };
	(void)sendmsg(session->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t receive_strictly(struct qv_tls_session *session, void *bytes, size_t size)
{
	int passed;
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &(struct iovec){ bytes, size },
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof control.bytes };
	ssize_t count = recvmsg(session->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (count <= 0 || !CMSG_FIRSTHDR(&message))
		return count;
	memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);
	close(passed);
	session->notified = true;
	return count - 1;
}

void plain_break(struct qv_tls_session *session)
{
	session->cut = true;
	shutdown(session->fd, SHUT_RDWR);
}

void plain_lose(struct qv_tls_session *session)
{
	session->lost = true;
}

struct qv_tls_session *plain_session(int fd)
{
	struct qv_tls_session *session = calloc(1, sizeof *session);
	session->fd = fd;
	return session;
}

void plain_cut(struct qv_tls_session *session)
{
	session->cut = true;
}

static int plain_read(struct qv_tls_session *session, void *bytes, size_t size, size_t *got, struct qv_error *err)
{
	if (session->lost)
		return qv_fail(err, QV_E_TRUNCATED, "the connection is lost");
	ssize_t count =
		session->strict ? receive_strictly(session, bytes, size) : recv(session->fd, bytes, size, MSG_DONTWAIT);
	if (count > 0) {
		*got = (size_t)count;
		return QV_TLS_IO_DONE;
	}
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return QV_TLS_IO_WANT_READ;
	if (count == 0 && !session->cut && (!session->strict || session->notified))
		return qv_fail(err, QV_E_END, "close_notify");
	return qv_fail(err, QV_E_TRUNCATED, "the connection was cut off");
}

static int plain_write(struct qv_tls_session *session, const void *bytes, size_t size, size_t *put,
		       struct qv_error *err)
{
	ssize_t count = send(session->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (count >= 0) {
		*put = (size_t)count;
		return QV_TLS_IO_DONE;
	}
	if (errno == EAGAIN || errno == EINTR)
		return QV_TLS_IO_WANT_WRITE;
	return qv_fail_errno(err, QV_E_IO, errno, "send");
}

static bool plain_pending(const struct qv_tls_session *session)
{
	(void)session;
	return false;
}

static int plain_shutdown(struct qv_tls_session *session, struct qv_error *err)
{
	(void)err;
	if (session->strict)
		send_word(session);
	shutdown(session->fd, SHUT_WR);
	return QV_TLS_IO_DONE;
}

/* Both ends must come to the same, and no other pair of sockets to that: there is nothing but the label and a number. */
static int plain_export(struct qv_tls_session *session, const char *label, struct qv_secret *out, struct qv_error *err)
{
	(void)err;
	uint8_t *bytes = qv_secret_edit(out);
	for (size_t i = 0; i < qv_secret_size(out); i++)
		bytes[i] = (uint8_t)(label[i % 16] + session->number);
	return 0;
}

void plain_number(struct qv_tls_session *session, int number)
{
	session->number = number;
}

const struct qv_tls_class plain_tls = {
	.head = { .kind = "tls", .name = "plain" },
	.read = plain_read,
	.write = plain_write,
	.pending = plain_pending,
	.shutdown = plain_shutdown,
	.export_key = plain_export,
};
