/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TLS connection receives. GnuTLS asks for the head of each record and then for the rest of it; here both come
 * with one call of the system. It says that there is nothing more only when the socket has said so, so that whoever
 * waits for the socket edge-triggered misses nothing that lies here.
 */
#ifndef KME_INPUT_H
#define KME_INPUT_H

#include <gnutls/gnutls.h>
#include <stdint.h>

#define INPUT_ROOM 1024 /* bytes; a request without a body is mostly one record of 100 to 700 */

struct input {
	int fd;
	uint16_t begin, end;       /* of what was received and not taken yet */
	uint8_t bytes[INPUT_ROOM]; /* encrypted */
};

/* A session reads through `input` from now on, which stays where it is as long as the session lives. */
void input_attach(struct input *input, gnutls_session_t session, int fd);

#endif
