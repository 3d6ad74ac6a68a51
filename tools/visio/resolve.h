/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of a host by its name, waited for no longer than one likes: getaddrinfo(3) itself cannot be told to stop. */
#ifndef VISIO_RESOLVE_H
#define VISIO_RESOLVE_H

#include <netdb.h>

#include <qvisio/error.h>

/* To be freed with freeaddrinfo. NULL with QV_E_NOT_FOUND, QV_E_TIMEOUT, QV_E_CANCELLED… */
struct addrinfo *resolve_host(const char *host, const char *port, int timeout_ms, int cancel_fd, struct qv_error *err);

/* Of this machine, to listen on; `host` "": all. */
struct addrinfo *resolve_local(const char *host, const char *port, struct qv_error *err);

#endif
