/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <qvisio/clock.h>

/* Belongs to its thread and to whoever waits for that; the last one frees it. */
struct lookup {
	atomic_int users;
	atomic_bool done;
	int done_fd;
	int result, system_error;
	struct addrinfo *found;
	const char *port;
	char names[];
};

static void leave(struct lookup *lookup)
{
	if (atomic_fetch_sub(&lookup->users, 1) > 1)
		return;
	if (lookup->found)
		freeaddrinfo(lookup->found);
	close(lookup->done_fd);
	free(lookup);
}

static int look_up(const char *host, const char *port, int flags, struct addrinfo **found)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };
	*found = NULL;
	return getaddrinfo(host && host[0] ? host : NULL, port, &hints, found);
}

static void *run(void *argument)
{
	struct lookup *lookup = argument;
	struct addrinfo *found;
	lookup->result = look_up(lookup->names, lookup->port, AI_ADDRCONFIG, &found);
	lookup->system_error = errno;
	lookup->found = found;
	atomic_store(&lookup->done, true);
	eventfd_write(lookup->done_fd, 1);
	leave(lookup);
	return NULL;
}

static struct lookup *lookup_new(const char *host, const char *port)
{
	size_t host_room = strlen(host) + 1, port_room = strlen(port) + 1;
	struct lookup *lookup = calloc(1, sizeof *lookup + host_room + port_room);
	if (!lookup)
		return NULL;
	memcpy(lookup->names, host, host_room);
	memcpy(lookup->names + host_room, port, port_room);
	lookup->port = lookup->names + host_room;
	atomic_init(&lookup->users, 2);
	lookup->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lookup->done_fd >= 0)
		return lookup;
	free(lookup);
	return NULL;
}

static int fail(const char *host, int result, int system_error, struct qv_error *err)
{
	const char *why = result == EAI_SYSTEM ? strerror(system_error) : gai_strerror(result);
	return qv_fail(err, QV_E_NOT_FOUND, "host \"%s\" is not known: %s", host, why);
}

static struct addrinfo *take(struct lookup *lookup, struct qv_error *err)
{
	struct addrinfo *found = lookup->found;
	lookup->found = NULL;
	if (lookup->result != 0)
		fail(lookup->names, lookup->result, lookup->system_error, err);
	return lookup->result == 0 ? found : NULL;
}

static struct addrinfo *await(struct lookup *lookup, int timeout_ms, int cancel_fd, struct qv_error *err)
{
	int ready = qv_wait_fd(lookup->done_fd, POLLIN, timeout_ms, cancel_fd, err);
	if (ready > 0 && atomic_load(&lookup->done))
		return take(lookup, err);
	if (ready == 0)
		qv_fail(err, QV_E_TIMEOUT, "no name server told the address of \"%s\" in %d ms", lookup->names,
			timeout_ms);
	return NULL;
}

struct addrinfo *resolve_host(const char *host, const char *port, int timeout_ms, int cancel_fd, struct qv_error *err)
{
	struct addrinfo *found;
	if (look_up(host, port, AI_NUMERICHOST, &found) == 0)
		return found;
	struct lookup *lookup = lookup_new(host, port);
	pthread_t thread;
	if (!lookup) {
		qv_fail(err, QV_E_NOMEM, "no memory to look a host up");
		return NULL;
	}
	int failed = pthread_create(&thread, NULL, run, lookup);
	if (failed) {
		leave(lookup);
		leave(lookup);
		qv_fail_errno(err, QV_E_IO, failed, "starting a thread to look a host up");
		return NULL;
	}
	pthread_detach(thread);
	found = await(lookup, timeout_ms, cancel_fd, err);
	leave(lookup);
	return found;
}

struct addrinfo *resolve_local(const char *host, const char *port, struct qv_error *err)
{
	struct addrinfo *found;
	int result = look_up(host, port, AI_PASSIVE, &found);
	if (result == 0)
		return found;
	fail(host, result, errno, err);
	return NULL;
}
