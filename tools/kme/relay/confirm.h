/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the ends of a session make sure that they have the same keys. Behind the keys a session carries 64 random bytes: a secret
 * half of the hash, a mask for each time that the ends compare, and a token that the origin shows when it commits. A tag is the
 * keys, and what they are for, hashed twice by Poly1305: under a challenge that the origin draws once the destination
 * has settled on its keys, and under the secret half; a mask that serves once hides it. See doc/relay.md.
 */
#ifndef KME_RELAY_CONFIRM_H
#define KME_RELAY_CONFIRM_H

#include "../body.h"

#define CONFIRM_CHALLENGE 16
#define CONFIRM_TAG       16
#define CONFIRM_TOKEN     16
#define CONFIRM_TIMES     2 /* masks in a session */
#define CONFIRM_EXTRA     64

/* What both ends know of a session. Borrowed. */
struct confirm_subject {
	const char *session;                 /* its ID in hexadecimal digits */
	const char *from, *to;               /* KME IDs */
	const struct activation *activation; /* request, master, slaves, keys */
	size_t stride;                       /* bytes of a key in the session */
};

/* Keys of a session: those of the activation, and those that CONFIRM_EXTRA bytes need. */
size_t confirm_session_keys(size_t keys, size_t stride);

/* `payload`: all bytes of the session. `time`: 0 to CONFIRM_TIMES - 1. */
void confirm_tag(const struct confirm_subject *subject, const uint8_t *payload, unsigned time,
		 const uint8_t challenge[CONFIRM_CHALLENGE], uint8_t tag[CONFIRM_TAG]);

/* The token of the commit, within `payload`. */
const uint8_t *confirm_token(const struct confirm_subject *subject, const uint8_t *payload);

#endif
