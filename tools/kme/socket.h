/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KME_SOCKET_H
#define KME_SOCKET_H

#include <qvisio/error.h>

#define SOCKET_NAME_MAX 128

/* Divides "host:port" or "[v6]:port". `host` has room for 256 bytes, `port` for 6. QV_E_INVALID. */
int socket_split(const char *address, char host[256], char port[6], struct qv_error *err);

/* A listening TCP socket; `bound` receives "address:port" as it is, port chosen if it was 0. -1 with err. */
int socket_listen(const char *address, char bound[SOCKET_NAME_MAX], struct qv_error *err);

#endif
