/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(INPUT_ROOM <= UINT16_MAX, "positions fit");

/* GnuTLS looks at errno after -1. */
static ssize_t receive(const struct input *input, void *bytes, size_t room)
{
	ssize_t got;
	do
		got = recv(input->fd, bytes, room, 0);
	while (got < 0 && errno == EINTR);
	return got;
}

static ssize_t pull(gnutls_transport_ptr_t pointer, void *out, size_t size)
{
	struct input *input = pointer;
	if (input->begin == input->end) {
		if (size >= sizeof input->bytes)
			return receive(input, out, size);
		ssize_t got = receive(input, input->bytes, sizeof input->bytes);
		if (got <= 0)
			return got;
		input->begin = 0;
		input->end = (uint16_t)got;
	}
	size_t there = (size_t)(input->end - input->begin);
	if (size > there)
		size = there;
	memcpy(out, input->bytes + input->begin, size);
	input->begin = (uint16_t)(input->begin + size);
	return (ssize_t)size;
}

static int pull_timeout(gnutls_transport_ptr_t pointer, unsigned milliseconds)
{
	const struct input *input = pointer;
	struct pollfd wait = { .fd = input->fd, .events = POLLIN };
	if (input->begin < input->end)
		return 1;
	return poll(&wait, 1, milliseconds == GNUTLS_INDEFINITE_TIMEOUT ? -1 : (int)milliseconds);
}

void input_attach(struct input *input, gnutls_session_t session, int fd)
{
	gnutls_transport_ptr_t from, to;
	gnutls_transport_get_ptr2(session, &from, &to);
	input->fd = fd;
	input->begin = input->end = 0;
	gnutls_transport_set_ptr2(session, input, to);
	gnutls_transport_set_pull_function(session, pull);
	gnutls_transport_set_pull_timeout_function(session, pull_timeout);
}
