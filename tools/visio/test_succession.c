/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "succession.h"

static void a_session_with_the_same_peer_follows(void **state)
{
	(void)state;
	struct qv_secure_session has = { .secured = QV_SECURED_QKD, .peer_sae = "11", .key_id = "one" };
	struct qv_secure_session next = { .secured = QV_SECURED_QKD, .peer_sae = "11", .key_id = "two" };
	assert_int_equal(succession_check(&has, &next, NULL), 0);
	has.secured = next.secured = QV_SECURED_CLASSIC;
	assert_int_equal(succession_check(&has, &next, NULL), 0);
	next.secured = QV_SECURED_QKD;
	assert_int_equal(succession_check(&has, &next, NULL), 0);
}

static void no_other_sae_takes_a_call_over(void **state)
{
	(void)state;
	static const char *const others[] = { "12", "1", "111", "" };
	struct qv_secure_session has = { .secured = QV_SECURED_QKD, .peer_sae = "11" };
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		struct qv_secure_session next = { .secured = QV_SECURED_QKD };
		struct qv_error err = QV_ERROR_INIT;
		snprintf(next.peer_sae, sizeof next.peer_sae, "%s", others[i]);
		assert_int_equal(succession_check(&has, &next, &err), -1);
		assert_int_equal(err.code, QV_E_DENIED);
	}
}

static void a_call_with_a_key_does_not_go_on_without(void **state)
{
	(void)state;
	struct qv_secure_session has = { .secured = QV_SECURED_QKD, .peer_sae = "11" };
	struct qv_secure_session next = { .secured = QV_SECURED_CLASSIC, .peer_sae = "11" };
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(succession_check(&has, &next, &err), -1);
	assert_int_equal(err.code, QV_E_NO_KEY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_with_the_same_peer_follows),
		cmocka_unit_test(no_other_sae_takes_a_call_over),
		cmocka_unit_test(a_call_with_a_key_does_not_go_on_without),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
