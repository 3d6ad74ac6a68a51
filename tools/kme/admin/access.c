/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include <qvisio/clock.h>

#define SESSION_SECONDS (12 * 3600)
#define SCHEME          "Bearer "

static int64_t seconds(void)
{
	return qv_clock_now(&qv_clock_monotonic) / QV_NS_PER_SECOND;
}

/* Divides "host", "host:port", "[v6]:port". */
static bool host_part(const char *host, char out[256])
{
	const char *start = host, *end;
	if (host[0] == '[') {
		start++;
		end = strchr(start, ']');
		if (!end || (end[1] && (end[1] != ':' || end[2 + strspn(end + 2, "0123456789")])))
			return false;
	} else {
		end = start + strcspn(start, ":");
		if (*end && end[1 + strspn(end + 1, "0123456789")])
			return false;
	}
	size_t length = (size_t)(end - start);
	if (length == 0 || length > 255)
		return false;
	memcpy(out, start, length);
	out[length] = '\0';
	return true;
}

bool access_host(const struct access *access, const char *host)
{
	char name[256];
	unsigned char address[16];
	if (!host || !host_part(host, name))
		return false;
	if (host[0] == '[')
		return inet_pton(AF_INET6, name, address) == 1;
	if (inet_pton(AF_INET, name, address) == 1 || strcasecmp(name, "localhost") == 0)
		return true;
	for (size_t i = 0; i < access->name_count; i++)
		if (strcasecmp(name, access->names[i]) == 0)
			return true;
	return false;
}

static void hash_of(uint8_t hash[32], const void *bytes, size_t size)
{
	crypto_generichash(hash, 32, bytes, size, NULL, 0);
}

/* Hashes are compared, so that not even the length shows in the time. */
bool access_token(const struct access *access, const char *authorization)
{
	uint8_t own[32], given[32];
	if (!access->token || !authorization || strncasecmp(authorization, SCHEME, sizeof SCHEME - 1) != 0)
		return false;
	const char *token = authorization + sizeof SCHEME - 1;
	hash_of(own, qv_secret_bytes(access->token), qv_secret_size(access->token));
	hash_of(given, token, strlen(token));
	bool equal = sodium_memcmp(own, given, sizeof own) == 0;
	qv_wipe(own, sizeof own);
	return equal;
}

static struct access_session *find_session(struct access *access, const char *cookie)
{
	uint8_t hash[32];
	struct access_session *found = NULL;
	if (!cookie || strlen(cookie) != ACCESS_SESSION_TEXT - 1)
		return NULL;
	hash_of(hash, cookie, ACCESS_SESSION_TEXT - 1);
	for (size_t i = 0; i < ACCESS_SESSIONS; i++) {
		struct access_session *session = &access->sessions[i];
		if (session->until > seconds() && sodium_memcmp(session->hash, hash, sizeof hash) == 0)
			found = session;
	}
	return found;
}

bool access_allowed(struct access *access, const char *authorization, const char *cookie)
{
	return !access->token || access_token(access, authorization) || find_session(access, cookie);
}

void access_open(struct access *access, char session[ACCESS_SESSION_TEXT])
{
	uint8_t random[32];
	struct access_session *oldest = &access->sessions[0];
	for (size_t i = 1; i < ACCESS_SESSIONS; i++)
		if (access->sessions[i].until < oldest->until)
			oldest = &access->sessions[i];
	randombytes_buf(random, sizeof random);
	sodium_bin2hex(session, ACCESS_SESSION_TEXT, random, sizeof random);
	hash_of(oldest->hash, session, ACCESS_SESSION_TEXT - 1);
	oldest->until = seconds() + SESSION_SECONDS;
	qv_wipe(random, sizeof random);
}

void access_end(struct access *access, const char *cookie)
{
	struct access_session *session = find_session(access, cookie);
	if (session)
		session->until = 0;
}

#define TOKEN_MIN 16
#define TOKEN_MAX 512

struct qv_secret *admin_token(const char *path, struct qv_error *err)
{
	struct qv_secret *text = qv_secret_from_file(path, TOKEN_MAX, err), *token = NULL;
	if (!text)
		return NULL;
	const char *bytes = (const char *)qv_secret_bytes(text);
	size_t length = 0;
	while (bytes[length] > ' ' && bytes[length] < 0x7f)
		length++;
	if (length < TOKEN_MIN || bytes[length + strspn(bytes + length, " \r\n")])
		qv_fail(err, QV_E_INVALID, "%s: a token is one line of %d or more printable characters without blanks",
			path, TOKEN_MIN);
	else
		token = qv_secret_copy(bytes, length, err);
	qv_secret_free(text);
	return token;
}
