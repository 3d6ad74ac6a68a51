/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/psk_identity.h>

static void written_and_read_back(void **state)
{
	(void)state;
	struct qv_psk_identity in = { .hash = QV_TLS_SHA384, .master = "urn:sae:\xc3\xa9/1", .key_id = "a b:c" }, out;
	uint8_t bytes[QV_TLS_PSK_IDENTITY_MAX];
	size_t size;
	assert_int_equal(qv_psk_identity_format(&in, bytes, sizeof bytes, &size, NULL), 0);
	static const char expected[] = "qkd1/sha384/a%20b%3Ac/urn%3Asae%3A%C3%A9%2F1";
	assert_int_equal(size, sizeof expected - 1);
	assert_memory_equal(bytes, expected, size);
	assert_int_equal(qv_psk_identity_parse(bytes, size, &out, NULL), 0);
	assert_int_equal(out.hash, QV_TLS_SHA384);
	assert_string_equal(out.master, in.master);
	assert_string_equal(out.key_id, in.key_id);
}

static void every_other_form_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"qkd1",
		"qkd1/",
		"qkd2/sha256/k/s",
		"qkd1/sha512/k/s",
		"qkd1/sha256/k",
		"qkd1/sha256/k/",
		"qkd1/sha256//s",
		"qkd1/sha256/k/s/",
		"qkd1/sha256/k/s/t",
		"qkd1/sha256/k /s",
		"qkd1/sha256/%6b/s", /* lower-case digits */
		"qkd1/sha256/%6B/s", /* 'k' needs no encoding */
		"qkd1/sha256/%0A/s", /* control characters */
		"qkd1/sha256/%/s",
		"qkd1/sha256/%2/s",
		"qkd1/sha256/k/s%2",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_psk_identity out;
		struct qv_error err = QV_ERROR_INIT;
		if (qv_psk_identity_parse((const uint8_t *)bad[i], strlen(bad[i]), &out, &err) == 0)
			fail_msg("\"%s\" was accepted", bad[i]);
		assert_int_equal(err.code, QV_E_PROTOCOL);
	}
}

static void lengths_are_bounded(void **state)
{
	(void)state;
	struct qv_psk_identity in = { .hash = QV_TLS_SHA256 }, out;
	uint8_t bytes[QV_TLS_PSK_IDENTITY_MAX + 1];
	size_t size;
	memset(in.master, 'm', QV_SAE_ID_MAX);
	memset(in.key_id, 'k', QV_KEY_ID_MAX);
	assert_int_equal(qv_psk_identity_format(&in, bytes, sizeof bytes, &size, NULL), 0);
	assert_int_equal(qv_psk_identity_parse(bytes, size, &out, NULL), 0);
	for (size_t room = 0; room < size; room++)
		assert_int_equal(qv_psk_identity_format(&in, bytes, room, &size, NULL), -1);
	char longer[600];
	int length = snprintf(longer, sizeof longer, "qkd1/sha256/%0*d/s", QV_KEY_ID_MAX + 1, 0);
	assert_int_equal(qv_psk_identity_parse((const uint8_t *)longer, (size_t)length, &out, NULL), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read_back),
		cmocka_unit_test(every_other_form_is_refused),
		cmocka_unit_test(lengths_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
