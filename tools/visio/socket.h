/* SPDX-License-Identifier: Apache-2.0 */
/* TCP sockets of the call tools: addresses as people write them, waits that can be cancelled. */
#ifndef VISIO_SOCKET_H
#define VISIO_SOCKET_H

#include <stddef.h>

#include <qvisio/error.h>

#define SOCKET_NAME_MAX 300 /* room for "[host]:port" as text */

/*
 * Splits "host:port", "[v6]:port" or ":port" (any local address) into its parts, which point into `buffer`, a copy of
 * the text. QV_E_INVALID says what is wrong.
 */
int socket_split_address(const char *text, char *buffer, size_t room, const char **host, const char **port,
			 struct qv_error *err);

/*
 * Connects, trying each address of the host in turn; non-blocking descriptor, or -1. `congestion` is the TCP congestion
 * control to use, NULL: the system's. QV_E_GONE: all addresses say that nobody listens there.
 */
int socket_connect(const char *host, const char *port, const char *congestion, int timeout_ms, int cancel_fd,
		   struct qv_error *err);

/* A listening, non-blocking descriptor; `name` gets the address in use, port filled in. -1 with err. */
int socket_listen(const char *host, const char *port, char *name, size_t room, struct qv_error *err);

/*
 * Waits for the next caller. Returns its non-blocking descriptor and writes "address:port" to `name`; or -1:
 * QV_E_CANCELLED, QV_E_IO. Failures that concern one caller, or pass by themselves, are waited out.
 */
int socket_accept(int listener, int cancel_fd, char *name, size_t room, struct qv_error *err);

#endif
