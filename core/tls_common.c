/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS backends keep, and the checks that do not depend on the library. */
#include <qvisio/tls_backend.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRIVATE_KEY_FILE_MAX (256 * 1024)

static const char *hash_word(enum qv_tls_hash hash)
{
	return hash == QV_TLS_SHA384 ? "sha384" : "sha256";
}

int qv_tls_common_open(struct qv_tls_common *common, const struct qv_host *host, const struct qv_options *options,
		       const char *backend, unsigned hashes, struct qv_error *err)
{
	*common = (struct qv_tls_common){ .log = host->log, .cancel_fd = host->cancel_fd, .hashes = hashes };
	struct qv_tls_settings *settings = &common->settings;
	if (qv_tls_settings_read(options, settings, err) != 0)
		return -1;
	if (settings->policy != QV_TLS_QKD_OFF && !(hashes & QV_TLS_HASH_BIT(settings->hash)))
		return qv_options_fail(options, "hash", err,
				       "%s takes no external PSKs with %s: use another hash, or another tls module",
				       backend, hash_word(settings->hash));
	common->has_certificate = settings->certificate != NULL;
	common->where = strdup(qv_options_where(options, "certificate"));
	if (settings->server_name)
		settings->server_name = common->server_name = strdup(settings->server_name);
	if (!common->where || (common->server_name == NULL) != (settings->server_name == NULL)) {
		qv_tls_common_close(common);
		return qv_fail(err, QV_E_NOMEM, "no memory for TLS settings");
	}
	return 0;
}

void qv_tls_common_close(struct qv_tls_common *common)
{
	free(common->where);
	free(common->server_name);
	*common = (struct qv_tls_common){ .cancel_fd = -1 };
}

/* Reads `size` bytes, or fails. */
static bool read_whole(int fd, uint8_t *bytes, size_t size)
{
	size_t got = 0;
	while (got < size) {
		ssize_t some = read(fd, bytes + got, size - got);
		if (some < 0 && errno == EINTR)
			continue;
		if (some <= 0)
			return false;
		got += (size_t)some;
	}
	return true;
}

static struct qv_secret *read_private(const struct qv_tls_common *common, const struct qv_options *options, int fd,
				      const char *path, struct qv_error *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > PRIVATE_KEY_FILE_MAX) {
		qv_options_fail(options, "private_key", err, "%s: not a file with a private key", path);
		return NULL;
	}
	if (st.st_mode & (S_IROTH | S_IWOTH)) {
		qv_options_fail(options, "private_key", err,
				"%s: everybody may read or write this private key: chmod 600 it", path);
		return NULL;
	}
	if (st.st_mode & (S_IRGRP | S_IWGRP))
		qv_log_warning(common->log, "%s: the whole group may read or write this private key (mode %04o)", path,
			       (unsigned)(st.st_mode & 07777));
	struct qv_secret *text = qv_secret_new((size_t)st.st_size, err);
	if (text && !read_whole(fd, qv_secret_edit(text), qv_secret_size(text))) {
		qv_secret_free(text);
		qv_options_fail(options, "private_key", err, "%s: could not be read to its end", path);
		return NULL;
	}
	return text;
}

struct qv_secret *qv_tls_private_key_read(const struct qv_tls_common *common, const struct qv_options *options,
					  struct qv_error *err)
{
	const char *path = common->settings.private_key;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		char text[128];
		qv_options_fail(options, "private_key", err, "%s: %s", path, strerror_r(errno, text, sizeof text));
		return NULL;
	}
	struct qv_secret *key = read_private(common, options, fd, path, err);
	close(fd);
	return key;
}

static int make_nonblocking(int fd, struct qv_error *err)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0))
		return qv_fail_errno(err, QV_E_IO, errno, "making socket %d non-blocking for TLS", fd);
	return 0;
}

static int check_psk(const struct qv_tls_common *common, const struct qv_tls_psk *psk, struct qv_error *err)
{
	size_t size = qv_secret_size(psk->key);
	if (size < QV_TLS_PSK_MIN || size > QV_TLS_PSK_MAX)
		return qv_fail(err, QV_E_INVALID, "a QKD key of %zu bytes cannot key TLS: it takes %d to %d", size,
			       QV_TLS_PSK_MIN, QV_TLS_PSK_MAX);
	if (psk->identity_size == 0 || psk->identity_size > QV_TLS_PSK_IDENTITY_MAX)
		return qv_fail(err, QV_E_INVALID, "a PSK identity of %zu bytes cannot be sent: it takes 1 to %d",
			       psk->identity_size, QV_TLS_PSK_IDENTITY_MAX);
	if (!(common->hashes & QV_TLS_HASH_BIT(psk->hash)))
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "this TLS module takes no keys whose identity names %s: use sha256",
			       hash_word(psk->hash));
	return 0;
}

int qv_tls_connect_check(const struct qv_tls_common *common, int fd, const char *host, const struct qv_tls_psk *psk,
			 struct qv_error *err)
{
	enum qv_tls_policy policy = common->settings.policy;
	if (policy == QV_TLS_QKD_REQUIRE && !psk)
		return qv_fail(err, QV_E_INVALID, "qkd = \"require\", and there is no QKD key to connect with");
	if (policy == QV_TLS_QKD_OFF && psk)
		return qv_fail(err, QV_E_INVALID, "qkd = \"off\", and yet there is a QKD key to connect with");
	if (psk && check_psk(common, psk, err) != 0)
		return -1;
	if (policy != QV_TLS_QKD_REQUIRE && !qv_tls_peer_name(common, host))
		return qv_fail(err, QV_E_INVALID,
			       "no name is known that the server's certificate must have: set server_name");
	return make_nonblocking(fd, err);
}

int qv_tls_accept_check(const struct qv_tls_common *common, int fd, const struct qv_tls_finder *finder,
			struct qv_error *err)
{
	enum qv_tls_policy policy = common->settings.policy;
	if (policy == QV_TLS_QKD_OFF && !common->has_certificate)
		return qv_fail(err, QV_E_CONFIG,
			       "%s: with qkd = \"off\" a server needs a certificate: set certificate and private_key",
			       common->where);
	if (policy != QV_TLS_QKD_OFF && !finder)
		return qv_fail(err, QV_E_INVALID, "a server that takes QKD keys has nothing to find them with");
	return make_nonblocking(fd, err);
}

const char *qv_tls_peer_name(const struct qv_tls_common *common, const char *host)
{
	if (common->server_name)
		return common->server_name;
	return host && host[0] ? host : NULL;
}

bool qv_tls_is_address(const char *name)
{
	struct in6_addr address;
	return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

int64_t qv_tls_deadline(const struct qv_tls_common *common)
{
	return qv_clock_now(&qv_clock_monotonic) + common->settings.handshake_timeout_ms * QV_NS_PER_MS;
}

int qv_tls_wait(const struct qv_tls_common *common, enum qv_tls_role role, int fd, enum qv_tls_io want,
		int64_t deadline, struct qv_error *err)
{
	int64_t left = deadline - qv_clock_now(&qv_clock_monotonic);
	int timeout_ms = left > 0 ? (int)((left + QV_NS_PER_MS - 1) / QV_NS_PER_MS) : 0;
	int ready = qv_wait_fd(fd, want == QV_TLS_IO_WANT_WRITE ? POLLOUT : POLLIN, timeout_ms, common->cancel_fd, err);
	if (ready < 0)
		return qv_error_prefix(err, "TLS handshake");
	if (ready == 0)
		return qv_fail(err, QV_E_TIMEOUT,
			       "the %s did not finish the TLS handshake within %d ms (handshake_timeout)",
			       role == QV_TLS_CLIENT ? "server" : "client", common->settings.handshake_timeout_ms);
	return 0;
}

void qv_tls_drain(int fd)
{
	char bytes[4096];
	for (int i = 0; i < 16 && recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0; i++)
		continue;
}

int qv_tls_facts_check(const struct qv_tls_common *common, enum qv_tls_role role, const struct qv_tls_facts *facts,
		       struct qv_error *err)
{
	const struct qv_tls_settings *settings = &common->settings;
	if (strcmp(facts->protocol, "TLSv1.3") != 0)
		return qv_fail(err, QV_E_DENIED, "the session is %s, not TLSv1.3", facts->protocol);
	if (!facts->psk && settings->policy == QV_TLS_QKD_REQUIRE)
		return qv_tls_fail_no_psk(err);
	if (facts->psk && settings->policy == QV_TLS_QKD_OFF)
		return qv_fail(err, QV_E_DENIED, "the session is keyed by a PSK although qkd = \"off\"");
	if (facts->psk && settings->kex == QV_TLS_PSK_KE && facts->group[0])
		return qv_fail(err, QV_E_DENIED,
			       "the peer mixed a Diffie-Hellman exchange (%s) in although kex = \"psk_ke\": set kex = "
			       "\"psk_ke\" "
			       "on both sides",
			       facts->group);
	if (facts->psk && settings->kex == QV_TLS_PSK_DHE_KE && !facts->group[0])
		return qv_fail(err, QV_E_DENIED, "no Diffie-Hellman exchange took part although kex = \"psk_dhe_ke\"");
	bool needs_certificate = role == QV_TLS_CLIENT || settings->verify_client;
	if (!facts->psk && needs_certificate && !facts->peer_verified)
		return qv_fail(err, QV_E_DENIED, "the peer is neither authenticated by a QKD key nor by a certificate");
	return 0;
}
