/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/tls_backend.h>

/* Finds the key of one identity, and counts how often it was asked. */
struct qv_tls_lookup {
	const char *known;
	int answer; /* for any other */
	size_t key_size;
	int asked;
};

static int find(struct qv_tls_lookup *lookup, const uint8_t *identity, size_t size, struct qv_tls_psk *psk,
		struct qv_error *why)
{
	lookup->asked++;
	if (size != strlen(lookup->known) || memcmp(identity, lookup->known, size) != 0) {
		qv_fail(why, QV_E_NO_KEY, "the KME has no such key");
		return lookup->answer;
	}
	psk->hash = QV_TLS_SHA256;
	psk->key = qv_secret_new(lookup->key_size, why);
	return 1;
}

static const uint8_t tls13[] = { 4, 0x03, 0x04, 0x03, 0x03 };
static const uint8_t tls12[] = { 2, 0x03, 0x03 };
static const uint8_t both_modes[] = { 2, 0, 1 };
static const uint8_t dhe_mode[] = { 1, 1 };

/* A pre_shared_key extension with these identities, each with a binder of 32 bytes. */
static struct qv_tls_bytes offer(uint8_t *bytes, const char *const *identities)
{
	size_t at = 2, count = 0;
	for (; identities[count]; count++) {
		size_t size = strlen(identities[count]);
		bytes[at++] = (uint8_t)(size >> 8);
		bytes[at++] = (uint8_t)size;
		memcpy(bytes + at, identities[count], size);
		memset(bytes + at + size, 0, 4);
		at += size + 4;
	}
	bytes[0] = (uint8_t)((at - 2) >> 8);
	bytes[1] = (uint8_t)(at - 2);
	bytes[at++] = (uint8_t)(33 * count >> 8);
	bytes[at++] = (uint8_t)(33 * count);
	for (size_t i = 0; i < count; i++) {
		bytes[at++] = 32;
		memset(bytes + at, 7, 32);
		at += 32;
	}
	return (struct qv_tls_bytes){ bytes, at };
}

struct fixture {
	struct qv_tls_common common;
	struct qv_tls_lookup lookup;
	struct qv_tls_finder finder;
	struct qv_tls_hello hello;
	struct qv_tls_choice choice;
	struct qv_error err;
	uint8_t bytes[4096];
};

static void prepare(struct fixture *f, enum qv_tls_policy policy, const char *const *identities)
{
	memset(f, 0, sizeof *f);
	f->common.settings.policy = policy;
	f->common.hashes = QV_TLS_HASH_BIT(QV_TLS_SHA256);
	f->common.has_certificate = true;
	f->lookup = (struct qv_tls_lookup){ .known = "qkd1/sha256/k/alice", .key_size = 32 };
	f->finder = (struct qv_tls_finder){ .find = find, .lookup = &f->lookup };
	f->hello.versions = (struct qv_tls_bytes){ tls13, sizeof tls13 };
	f->hello.psk_modes = (struct qv_tls_bytes){ both_modes, sizeof both_modes };
	if (identities)
		f->hello.psks = offer(f->bytes, identities);
}

static int choose(struct fixture *f)
{
	return qv_tls_choose(&f->common, &f->finder, &f->hello, &f->choice, &f->err);
}

static const char *const known[] = { "qkd1/sha256/k/alice", NULL };
static const char *const unknown[] = { "qkd1/sha256/other/alice", NULL };
static const char *const sha384[] = { "qkd1/sha384/k/alice", NULL };
static const char *const two[] = { "ticket", "qkd1/sha256/k/alice", NULL };

static void a_known_key_is_taken(void **state)
{
	(void)state;
	struct fixture f;
	for (enum qv_tls_policy policy = QV_TLS_QKD_REQUIRE; policy <= QV_TLS_QKD_PREFER; policy++) {
		prepare(&f, policy, known);
		assert_int_equal(choose(&f), 0);
		assert_non_null(f.choice.psk.key);
		assert_int_equal(f.choice.psk.identity_size, strlen(known[0]));
		/* A second ClientHello (HelloRetryRequest) must not claim the key again, nor change it. */
		assert_int_equal(choose(&f), 0);
		assert_int_equal(f.lookup.asked, 1);
		uint8_t other[1024];
		f.hello.psks = offer(other, unknown);
		assert_int_equal(choose(&f), -1);
		assert_int_equal(f.choice.alert, QV_TLS_ALERT_ILLEGAL_PARAMETER);
		f.hello.psks = (struct qv_tls_bytes){ NULL, 0 };
		assert_int_equal(choose(&f), -1);
		qv_tls_choice_clear(&f.choice);
	}
}

static void policies_decide_without_a_key(void **state)
{
	(void)state;
	const char *const *const offers[] = { NULL, unknown, two };
	struct fixture f;
	for (size_t i = 0; i < 3; i++) {
		prepare(&f, QV_TLS_QKD_REQUIRE, offers[i]);
		assert_int_equal(choose(&f), -1);
		assert_int_equal(f.err.code, QV_E_DENIED);
		assert_int_equal(f.choice.alert, QV_TLS_ALERT_UNKNOWN_PSK_IDENTITY);
		prepare(&f, QV_TLS_QKD_PREFER, offers[i]);
		assert_int_equal(choose(&f), 0);
		assert_true(f.choice.made);
		assert_null(f.choice.psk.key);
		prepare(&f, QV_TLS_QKD_PREFER, offers[i]);
		f.common.has_certificate = false;
		assert_int_equal(choose(&f), -1);
		assert_int_equal(f.choice.alert, QV_TLS_ALERT_UNKNOWN_PSK_IDENTITY);
	}
	prepare(&f, QV_TLS_QKD_OFF, known);
	assert_int_equal(choose(&f), 0);
	assert_null(f.choice.psk.key);
	assert_int_equal(f.lookup.asked, 0);
}

static void modes_must_fit(void **state)
{
	(void)state;
	struct fixture f;
	prepare(&f, QV_TLS_QKD_REQUIRE, known);
	f.common.settings.kex = QV_TLS_PSK_KE;
	f.hello.psk_modes = (struct qv_tls_bytes){ dhe_mode, sizeof dhe_mode };
	assert_int_equal(choose(&f), -1);
	assert_non_null(strstr(f.err.message, "psk_ke"));
	prepare(&f, QV_TLS_QKD_PREFER, known);
	f.hello.psk_modes = (struct qv_tls_bytes){ NULL, 0 };
	assert_int_equal(choose(&f), -1);
	assert_int_equal(f.choice.alert, QV_TLS_ALERT_MISSING_EXTENSION);
	assert_int_equal(f.lookup.asked, 0);
}

static void a_key_that_cannot_be_used_is_not_claimed(void **state)
{
	(void)state;
	struct fixture f;
	prepare(&f, QV_TLS_QKD_PREFER, sha384);
	assert_int_equal(choose(&f), -1);
	assert_int_equal(f.err.code, QV_E_DENIED);
	assert_int_equal(f.choice.alert, QV_TLS_ALERT_HANDSHAKE_FAILURE);
	assert_int_equal(f.lookup.asked, 0);
}

static void a_failing_finder_fails_the_handshake(void **state)
{
	(void)state;
	struct fixture f;
	prepare(&f, QV_TLS_QKD_PREFER, unknown);
	f.lookup.answer = -1;
	assert_int_equal(choose(&f), -1);
	assert_int_equal(f.err.code, QV_E_NO_KEY);
	assert_int_equal(f.choice.alert, QV_TLS_ALERT_INTERNAL_ERROR);
	for (size_t size = 0; size <= QV_TLS_PSK_MAX + 1; size += QV_TLS_PSK_MAX + 1) {
		prepare(&f, QV_TLS_QKD_PREFER, known);
		f.lookup.key_size = size;
		assert_int_equal(choose(&f), -1);
		assert_null(f.choice.psk.key);
	}
}

static void only_tls13_is_taken(void **state)
{
	(void)state;
	static const struct qv_tls_bytes others[] = { { NULL, 0 },
						      { tls12, sizeof tls12 },
						      { tls13, sizeof tls13 - 1 } };
	struct fixture f;
	for (size_t i = 0; i < 3; i++) {
		prepare(&f, QV_TLS_QKD_OFF, NULL);
		f.hello.versions = others[i];
		assert_int_equal(choose(&f), -1);
		assert_int_equal(f.err.code, QV_E_PROTOCOL);
		assert_int_equal(f.choice.alert, QV_TLS_ALERT_PROTOCOL_VERSION);
	}
}

static void cut_extensions_are_malformed(void **state)
{
	(void)state;
	struct fixture f;
	prepare(&f, QV_TLS_QKD_PREFER, known);
	size_t whole = f.hello.psks.size;
	for (size_t size = 0; size < whole; size++) {
		f.hello.psks.size = size;
		assert_int_equal(choose(&f), -1);
		assert_int_equal(f.choice.alert, QV_TLS_ALERT_DECODE_ERROR);
	}
	assert_int_equal(f.lookup.asked, 0);
}

static void every_alert_has_a_name(void **state)
{
	(void)state;
	for (int alert = 0; alert < 256; alert++) {
		struct qv_error err = QV_ERROR_INIT;
		assert_non_null(qv_tls_alert_name((uint8_t)alert));
		assert_int_equal(qv_tls_fail_alert(QV_TLS_CLIENT, (uint8_t)alert, &err), -1);
		assert_int_not_equal(err.code, QV_OK);
		assert_non_null(strstr(err.message, "the server refused"));
	}
	assert_string_equal(qv_tls_alert_name(115), "unknown_psk_identity");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_key_is_taken),
		cmocka_unit_test(policies_decide_without_a_key),
		cmocka_unit_test(modes_must_fit),
		cmocka_unit_test(a_key_that_cannot_be_used_is_not_claimed),
		cmocka_unit_test(a_failing_finder_fails_the_handshake),
		cmocka_unit_test(only_tls13_is_taken),
		cmocka_unit_test(cut_extensions_are_malformed),
		cmocka_unit_test(every_alert_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
