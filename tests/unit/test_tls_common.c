/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <qvisio/config.h>
#include <qvisio/tls_backend.h>

#define SHA256_ONLY QV_TLS_HASH_BIT(QV_TLS_SHA256)
#define BOTH_HASHES (SHA256_ONLY | QV_TLS_HASH_BIT(QV_TLS_SHA384))

static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

static struct qv_options *options_of(const char *const *assignments)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options =
		qv_options_from_strings(assignments, qv_tls_options, sizeof(struct qv_option), "test", &err);
	if (!options)
		fail_msg("%s", err.message);
	return options;
}

static int open_with(struct qv_tls_common *common, const char *const *assignments, unsigned hashes,
		     struct qv_error *err)
{
	struct qv_options *options = options_of(assignments);
	int result = qv_tls_common_open(common, &host, options, "TestTLS", hashes, err);
	qv_options_free(options);
	return result;
}

static void the_options_are_kept_beyond_their_configuration(void **state)
{
	(void)state;
	static const char *const named[] = { "server_name=kme.example", "qkd=prefer", "handshake_timeout=1234", NULL };
	struct qv_tls_common common;
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(open_with(&common, named, BOTH_HASHES, &err), 0);
	assert_string_equal(common.settings.server_name, "kme.example");
	assert_string_equal(qv_tls_peer_name(&common, "other.example"), "kme.example");
	assert_int_equal(common.settings.policy, QV_TLS_QKD_PREFER);
	assert_int_equal(common.settings.handshake_timeout_ms, 1234);
	assert_false(common.has_certificate);
	qv_tls_common_close(&common);
	assert_int_equal(common.cancel_fd, -1);
	qv_tls_common_close(&common);
}

static void a_hash_that_the_backend_lacks_is_refused_unless_no_key_is_used(void **state)
{
	(void)state;
	static const char *const sha384[] = { "hash=sha384", NULL };
	static const char *const off[] = { "hash=sha384", "qkd=off", NULL };
	struct qv_tls_common common;
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(open_with(&common, sha384, SHA256_ONLY, &err), -1);
	assert_int_equal(err.code, QV_E_CONFIG);
	assert_non_null(strstr(err.message, "TestTLS takes no external PSKs with sha384"));
	assert_int_equal(open_with(&common, sha384, BOTH_HASHES, &err), 0);
	qv_tls_common_close(&common);
	assert_int_equal(open_with(&common, off, SHA256_ONLY, &err), 0);
	qv_tls_common_close(&common);
}

static void a_certificate_needs_its_key_and_a_key_its_certificate(void **state)
{
	(void)state;
	static const char *const only[][2] = { { "certificate=/c.pem", NULL }, { "private_key=/k.pem", NULL } };
	struct qv_tls_common common;
	for (size_t i = 0; i < 2; i++) {
		struct qv_error err = QV_ERROR_INIT;
		assert_int_equal(open_with(&common, only[i], BOTH_HASHES, &err), -1);
		assert_int_equal(err.code, QV_E_CONFIG);
		assert_non_null(strstr(err.message, "is missing beside it"));
	}
}

/* Reads `path` as private key; 0 with its size, or -1. */
static int read_key(const char *path, size_t *size, struct qv_error *err)
{
	char assignment[128];
	const char *const assignments[] = { "certificate=/c.pem", assignment, NULL };
	snprintf(assignment, sizeof assignment, "private_key=%s", path);
	struct qv_options *options = options_of(assignments);
	struct qv_tls_common common;
	assert_int_equal(qv_tls_common_open(&common, &host, options, "TestTLS", BOTH_HASHES, err), 0);
	struct qv_secret *key = qv_tls_private_key_read(&common, options, err);
	*size = qv_secret_size(key);
	int result = key ? 0 : -1;
	qv_secret_free(key);
	qv_tls_common_close(&common);
	qv_options_free(options);
	return result;
}

static void a_private_key_is_read_from_a_file_that_not_everybody_can_use(void **state)
{
	(void)state;
	char path[] = "/tmp/qvisio-key-XXXXXX";
	struct qv_error err = QV_ERROR_INIT;
	size_t size;
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "secret PEM", 10), 10);
	static const struct {
		mode_t mode;
		int result;
	} modes[] = { { 0600, 0 }, { 0400, 0 }, { 0640, 0 }, { 0660, 0 }, { 0604, -1 }, { 0602, -1 } };
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		assert_int_equal(fchmod(fd, modes[i].mode), 0);
		assert_int_equal(read_key(path, &size, &err), modes[i].result);
		assert_int_equal(size, modes[i].result == 0 ? 10 : 0);
	}
	assert_int_equal(err.code, QV_E_CONFIG);
	assert_non_null(strstr(err.message, "chmod 600"));
	assert_null(strstr(err.message, "secret PEM"));
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(read_key(path, &size, &err), -1);
	assert_int_equal(ftruncate(fd, 1024 * 1024), 0);
	assert_int_equal(read_key(path, &size, &err), -1);
	assert_non_null(strstr(err.message, "not a file with a private key"));
	close(fd);
	unlink(path);
	assert_int_equal(read_key(path, &size, &err), -1);
	assert_non_null(strstr(err.message, "No such file"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_key(path, &size, &err), -1);
	unlink(path);
	assert_int_equal(err.code, QV_E_CONFIG);
}

struct fixture {
	struct qv_tls_common common;
	struct qv_tls_psk psk;
	struct qv_error err;
	int fds[2];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	f->common.settings.handshake_timeout_ms = 60000;
	f->common.cancel_fd = -1;
	f->common.hashes = SHA256_ONLY;
	f->common.where = (char *)(uintptr_t) "test:1";
	f->psk.key = qv_secret_new(32, NULL);
	f->psk.identity_size = 5;
	*state = f;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->fds);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	qv_tls_psk_clear(&f->psk);
	close(f->fds[0]);
	close(f->fds[1]);
	free(f);
	return 0;
}

static int connects(struct fixture *f, enum qv_tls_policy policy, const char *name, bool with_key)
{
	f->common.settings.policy = policy;
	return qv_tls_connect_check(&f->common, f->fds[0], name, with_key ? &f->psk : NULL, &f->err);
}

static void a_client_needs_what_its_policy_names(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(connects(f, QV_TLS_QKD_REQUIRE, NULL, false), -1);
	assert_int_equal(f->err.code, QV_E_INVALID);
	assert_int_equal(connects(f, QV_TLS_QKD_OFF, "host", true), -1);
	/* A name is needed as soon as a certificate may come, and an empty one is none. */
	assert_int_equal(connects(f, QV_TLS_QKD_PREFER, NULL, true), -1);
	assert_int_equal(connects(f, QV_TLS_QKD_OFF, "", false), -1);
	assert_non_null(strstr(f->err.message, "server_name"));
	assert_int_equal(fcntl(f->fds[0], F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(connects(f, QV_TLS_QKD_REQUIRE, NULL, true), 0);
	assert_int_equal(fcntl(f->fds[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(connects(f, QV_TLS_QKD_PREFER, "host", true), 0);
	assert_int_equal(connects(f, QV_TLS_QKD_PREFER, "host", false), 0);
	assert_int_equal(connects(f, QV_TLS_QKD_OFF, "host", false), 0);
	assert_int_equal(qv_tls_connect_check(&f->common, -1, "host", NULL, &f->err), -1);
	assert_int_equal(f->err.code, QV_E_IO);
}

static void a_key_that_tls_cannot_take_is_refused(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = { 0, QV_TLS_PSK_MIN - 1, QV_TLS_PSK_MAX + 1 };
	for (size_t i = 0; i < 3; i++) {
		qv_secret_free(f->psk.key);
		f->psk.key = qv_secret_new(sizes[i], NULL);
		assert_int_equal(connects(f, QV_TLS_QKD_REQUIRE, NULL, true), -1);
		assert_int_equal(f->err.code, QV_E_INVALID);
	}
	qv_secret_free(f->psk.key);
	f->psk.key = qv_secret_new(QV_TLS_PSK_MAX, NULL);
	f->psk.identity_size = 0;
	assert_int_equal(connects(f, QV_TLS_QKD_REQUIRE, NULL, true), -1);
	f->psk.identity_size = QV_TLS_PSK_IDENTITY_MAX + 1;
	assert_int_equal(connects(f, QV_TLS_QKD_REQUIRE, NULL, true), -1);
	f->psk.identity_size = QV_TLS_PSK_IDENTITY_MAX;
	assert_int_equal(connects(f, QV_TLS_QKD_REQUIRE, NULL, true), 0);
	f->psk.hash = QV_TLS_SHA384;
	assert_int_equal(connects(f, QV_TLS_QKD_REQUIRE, NULL, true), -1);
	assert_int_equal(f->err.code, QV_E_UNSUPPORTED);
}

static void a_server_needs_a_certificate_or_keys(void **state)
{
	struct fixture *f = *state;
	struct qv_tls_finder finder = { NULL, NULL };
	f->common.settings.policy = QV_TLS_QKD_OFF;
	assert_int_equal(qv_tls_accept_check(&f->common, f->fds[0], NULL, &f->err), -1);
	assert_int_equal(f->err.code, QV_E_CONFIG);
	assert_non_null(strstr(f->err.message, "test:1"));
	f->common.has_certificate = true;
	assert_int_equal(qv_tls_accept_check(&f->common, f->fds[0], NULL, &f->err), 0);
	for (enum qv_tls_policy policy = QV_TLS_QKD_REQUIRE; policy <= QV_TLS_QKD_PREFER; policy++) {
		f->common.settings.policy = policy;
		assert_int_equal(qv_tls_accept_check(&f->common, f->fds[0], NULL, &f->err), -1);
		assert_int_equal(f->err.code, QV_E_INVALID);
		assert_int_equal(qv_tls_accept_check(&f->common, f->fds[0], &finder, &f->err), 0);
	}
}

static void addresses_are_told_from_names(void **state)
{
	(void)state;
	static const char *const addresses[] = { "127.0.0.1", "::1", "2001:db8::1" };
	static const char *const names[] = { "localhost", "127.0.0.1.example", "[::1]", "", "1.2.3", "::1%lo" };
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
		assert_true(qv_tls_is_address(addresses[i]));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_false(qv_tls_is_address(names[i]));
}

static void a_handshake_waits_for_its_socket_until_its_deadline_or_a_cancel(void **state)
{
	struct fixture *f = *state;
	int64_t deadline = qv_tls_deadline(&f->common), past = 1;
	assert_int_equal(qv_tls_wait(&f->common, QV_TLS_CLIENT, f->fds[0], QV_TLS_IO_WANT_WRITE, deadline, &f->err), 0);
	assert_int_equal(qv_tls_wait(&f->common, QV_TLS_CLIENT, f->fds[0], QV_TLS_IO_WANT_READ, past, &f->err), -1);
	assert_int_equal(f->err.code, QV_E_TIMEOUT);
	assert_non_null(strstr(f->err.message, "the server did not finish"));
	assert_int_equal(qv_tls_wait(&f->common, QV_TLS_SERVER, f->fds[0], QV_TLS_IO_WANT_READ, past, &f->err), -1);
	assert_non_null(strstr(f->err.message, "the client did not finish"));
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	assert_int_equal(qv_tls_wait(&f->common, QV_TLS_SERVER, f->fds[0], QV_TLS_IO_WANT_READ, deadline, &f->err), 0);
	qv_tls_drain(f->fds[0]);
	char byte;
	assert_int_equal(recv(f->fds[0], &byte, 1, MSG_DONTWAIT), -1);
	f->common.cancel_fd = eventfd(1, EFD_CLOEXEC);
	assert_int_equal(qv_tls_wait(&f->common, QV_TLS_SERVER, f->fds[0], QV_TLS_IO_WANT_READ, deadline, &f->err), -1);
	assert_int_equal(f->err.code, QV_E_CANCELLED);
	assert_int_equal(strncmp(f->err.message, "TLS handshake", 13), 0);
	close(f->common.cancel_fd);
}

/* What a session may be under a policy; the words say why not. */
static void a_session_must_be_what_the_policy_allows(void **state)
{
	struct fixture *f = *state;
	static const struct {
		enum qv_tls_policy policy;
		enum qv_tls_kex kex;
		enum qv_tls_role role;
		bool verify_client, psk, verified;
		const char *protocol, *group, *why;
	} rows[] = {
		{ QV_TLS_QKD_REQUIRE, QV_TLS_PSK_DHE_KE, QV_TLS_CLIENT, false, true, false, "TLSv1.3", "x25519", NULL },
		{ QV_TLS_QKD_REQUIRE, QV_TLS_PSK_KE, QV_TLS_SERVER, false, true, false, "TLSv1.3", "", NULL },
		{ QV_TLS_QKD_PREFER, QV_TLS_PSK_DHE_KE, QV_TLS_CLIENT, false, false, true, "TLSv1.3", "x25519", NULL },
		{ QV_TLS_QKD_OFF, QV_TLS_PSK_DHE_KE, QV_TLS_SERVER, false, false, false, "TLSv1.3", "x25519", NULL },
		{ QV_TLS_QKD_OFF, QV_TLS_PSK_DHE_KE, QV_TLS_SERVER, true, false, true, "TLSv1.3", "x25519", NULL },
		{ QV_TLS_QKD_REQUIRE, QV_TLS_PSK_DHE_KE, QV_TLS_CLIENT, false, true, false, "TLSv1.2", "x25519",
		  "not TLSv1.3" },
		{ QV_TLS_QKD_REQUIRE, QV_TLS_PSK_DHE_KE, QV_TLS_CLIENT, false, false, true, "TLSv1.3", "x25519", "" },
		{ QV_TLS_QKD_OFF, QV_TLS_PSK_DHE_KE, QV_TLS_CLIENT, false, true, true, "TLSv1.3", "x25519",
		  "although qkd = \"off\"" },
		{ QV_TLS_QKD_REQUIRE, QV_TLS_PSK_KE, QV_TLS_CLIENT, false, true, false, "TLSv1.3", "x25519",
		  "although kex = \"psk_ke\"" },
		{ QV_TLS_QKD_REQUIRE, QV_TLS_PSK_DHE_KE, QV_TLS_CLIENT, false, true, false, "TLSv1.3", "",
		  "although kex = \"psk_dhe_ke\"" },
		{ QV_TLS_QKD_OFF, QV_TLS_PSK_DHE_KE, QV_TLS_CLIENT, false, false, false, "TLSv1.3", "x25519",
		  "neither" },
		{ QV_TLS_QKD_PREFER, QV_TLS_PSK_DHE_KE, QV_TLS_SERVER, true, false, false, "TLSv1.3", "x25519",
		  "neither" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct qv_tls_facts facts = { .psk = rows[i].psk, .peer_verified = rows[i].verified };
		struct qv_error err = QV_ERROR_INIT;
		snprintf(facts.protocol, sizeof facts.protocol, "%s", rows[i].protocol);
		snprintf(facts.group, sizeof facts.group, "%s", rows[i].group);
		f->common.settings.policy = rows[i].policy;
		f->common.settings.kex = rows[i].kex;
		f->common.settings.verify_client = rows[i].verify_client;
		assert_int_equal(qv_tls_facts_check(&f->common, rows[i].role, &facts, &err), rows[i].why ? -1 : 0);
		assert_int_equal(err.code, rows[i].why ? QV_E_DENIED : QV_OK);
		if (rows[i].why && !strstr(err.message, rows[i].why))
			fail_msg("row %zu: %s", i, err.message);
	}
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_options_are_kept_beyond_their_configuration),
		cmocka_unit_test(a_hash_that_the_backend_lacks_is_refused_unless_no_key_is_used),
		cmocka_unit_test(a_certificate_needs_its_key_and_a_key_its_certificate),
		cmocka_unit_test(a_private_key_is_read_from_a_file_that_not_everybody_can_use),
		CASE(a_client_needs_what_its_policy_names),
		CASE(a_key_that_tls_cannot_take_is_refused),
		CASE(a_server_needs_a_certificate_or_keys),
		cmocka_unit_test(addresses_are_told_from_names),
		CASE(a_handshake_waits_for_its_socket_until_its_deadline_or_a_cancel),
		CASE(a_session_must_be_what_the_policy_allows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
