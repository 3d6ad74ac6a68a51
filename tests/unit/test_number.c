/* SPDX-License-Identifier: Apache-2.0 */
/* Whole numbers on command lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../tools/number.h"

static void what_is_a_number(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max, number;
	} good[] = {
		{ "0", 0, 10, 0 },   { "10", 0, 10, 10 },
		{ "007", 1, 10, 7 }, { "18446744073709551615", 0, UINT64_MAX, UINT64_MAX },
		{ "5", 5, 5, 5 },
	};
	uint64_t number;
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(number_parse(good[i].text, good[i].min, good[i].max, &number));
		assert_int_equal(number, good[i].number);
	}
}

static void what_is_none(void **state)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "1e1", "a", "18446744073709551616"
	};
	uint64_t number;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(number_parse(bad[i], 0, UINT64_MAX, &number));
	assert_false(number_parse("4", 5, 10, &number));
	assert_false(number_parse("11", 5, 10, &number));
}

static void an_error_names_the_option(void **state)
{
	struct qv_error err = QV_ERROR_INIT;
	uint64_t number;
	(void)state;
	assert_int_equal(number_of_option("keys", "-3", 1, 128, &number, &err), -1);
	assert_int_equal(err.code, QV_E_INVALID);
	assert_string_equal(err.message, "--keys -3: expected a whole number from 1 to 128");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_number),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(an_error_names_the_option),
	};
	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
