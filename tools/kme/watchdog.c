/* SPDX-License-Identifier: Apache-2.0 */
#include "watchdog.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "notify.h"

int64_t watchdog_interval(void)
{
	const char *interval = secure_getenv("WATCHDOG_USEC"), *pid = secure_getenv("WATCHDOG_PID");
	char *end;
	if (!interval || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	errno = 0;
	long long usec = strtoll(interval, &end, 10);
	return errno || *end || usec <= 0 || usec > INT64_MAX / 1000 ? 0 : usec * 1000;
}

static int connect_to(const struct server *server, int64_t timeout, struct qv_error *err)
{
	struct sockaddr_storage address;
	socklen_t size = server_address(server, &address);
	int64_t usec = timeout / 1000;
	struct timeval wait = { .tv_sec = usec / 1000000, .tv_usec = usec % 1000000 };
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) == 0 &&
	    connect(fd, (const struct sockaddr *)&address, size) == 0)
		return fd;
	qv_fail_errno(err, QV_E_IO, errno, "connecting to itself");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Any answer will do, for without a certificate the handshake fails: the event loop has read and written. */
static int shake_hands(int fd, struct qv_error *err)
{
	gnutls_session_t session;
	gnutls_certificate_credentials_t none;
	int result = GNUTLS_E_MEMORY_ERROR;
	if (gnutls_certificate_allocate_credentials(&none) < 0)
		return qv_fail(err, QV_E_NOMEM, "no memory for a handshake");
	if (gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL) == 0) {
		gnutls_set_default_priority(session);
		gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, none);
		gnutls_transport_set_int(session, fd);
		result = gnutls_handshake(session);
		gnutls_deinit(session);
	}
	gnutls_certificate_free_credentials(none);
	if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED || result == GNUTLS_E_TIMEDOUT ||
	    result == GNUTLS_E_MEMORY_ERROR)
		return qv_fail(err, QV_E_TIMEOUT, "a handshake with itself: %s", gnutls_strerror(result));
	return 0;
}

static int check_server(const struct server *server, int64_t timeout, struct qv_error *err)
{
	int fd = connect_to(server, timeout, err);
	int result = fd >= 0 ? shake_hands(fd, err) : -1;
	if (fd >= 0)
		close(fd);
	return result;
}

static int check_store(const struct kme *kme, struct qv_error *err)
{
	uint8_t value[256];
	size_t size = sizeof value;
	return kme->store_class->property_get(kme->store, "seal-check", value, &size, err) < 0 ? -1 : 0;
}

void watchdog_tell(struct kme *kme)
{
	struct qv_error err = QV_ERROR_INIT;
	int64_t timeout = watchdog_interval() / 4;
	if (timeout == 0)
		return;
	if (check_server(kme->sae_server, timeout, &err) == 0 &&
	    (!kme->kme_server || check_server(kme->kme_server, timeout, &err) == 0) && check_store(kme, &err) == 0)
		notify_manager("WATCHDOG=1");
	else
		qv_log_error(kme->log, "the service manager is not told that all is well: %s", err.message);
}
