/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may see the admin pages. The Host header must be an IP address, localhost or a configured name: a web site that
 * makes its own name point here (DNS rebinding) cannot give any of these. With a token, each request brings it as
 * "Authorization: Bearer", or the cookie of a session that was opened with it. Used by one thread.
 */
#ifndef KME_ADMIN_ACCESS_H
#define KME_ADMIN_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/secret.h>

#define ACCESS_COOKIE       "qkd-kme-session"
#define ACCESS_SESSION_TEXT 65
#define ACCESS_SESSIONS     32

struct access {
	const struct qv_secret *token; /* NULL: none is needed; borrowed */
	const char *const *names;      /* further host names; borrowed */
	size_t name_count;
	struct access_session {
		uint8_t hash[32];
		int64_t until; /* s of the monotonic clock; 0: unused */
	} sessions[ACCESS_SESSIONS];
};

/* The token in a file. */
struct qv_secret *admin_token(const char *path, struct qv_error *err);

/* `host` is the header's value or NULL. */
bool access_host(const struct access *access, const char *host);

/* `authorization` and `cookie` may be NULL. */
bool access_allowed(struct access *access, const char *authorization, const char *cookie);

/* Whether the header brings the token itself. */
bool access_token(const struct access *access, const char *authorization);

/* Opens a session; the oldest ends when there are too many. */
void access_open(struct access *access, char session[ACCESS_SESSION_TEXT]);
void access_end(struct access *access, const char *cookie);

#endif
