/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <qvisio/tally.h>

static void test_against_plain_counters(void **state)
{
	(void)state;
	unsigned seed = 1;
	for (int round = 0; round < 200; round++) {
		struct qv_tally tally = { .used = 0 };
		uint32_t plain[64] = { 0 };
		int steps = rand_r(&seed) % 300;
		for (int step = 0; step < steps; step++) {
			uint64_t states = 0;
			for (int i = 0; i < 64; i++)
				states |= (uint64_t)(rand_r(&seed) % 64 < i) << i;
			qv_tally_add(&tally, states);
			for (int i = 0; i < 64; i++)
				plain[i] += (uint32_t)(states >> i & 1);
		}
		for (uint32_t threshold = 0; threshold < 310; threshold++) {
			uint64_t reached = qv_tally_at_least(&tally, threshold);
			for (int i = 0; i < 64; i++)
				assert_int_equal(reached >> i & 1, plain[i] >= threshold);
		}
		assert_int_equal(qv_tally_at_least(&tally, UINT32_MAX), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_against_plain_counters) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
