/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <qvisio/formula.h>

#define FACTS 7
#define GATES 12

/* The same gates, one set at a time. */
struct plain {
	uint32_t threshold, count, inputs[10];
};

static int plain_value(const struct plain *gates, size_t count, unsigned set)
{
	int value[FACTS + GATES];
	for (int i = 0; i < FACTS; i++)
		value[i] = set >> i & 1;
	for (size_t g = 0; g < count; g++) {
		unsigned sum = 0;
		for (uint32_t i = 0; i < gates[g].count; i++)
			sum += (unsigned)value[gates[g].inputs[i]];
		value[FACTS + g] = sum >= gates[g].threshold;
	}
	return count > 0 ? value[FACTS + count - 1] : 0;
}

static void test_random_formulas(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	unsigned seed = 1;
	for (int round = 0; round < 300; round++) {
		struct plain gates[GATES];
		struct qv_formula *formula = qv_formula_new(FACTS, &err);
		size_t count = 1 + (size_t)(rand_r(&seed) % GATES);
		for (size_t g = 0; g < count; g++) {
			gates[g].count = (uint32_t)(rand_r(&seed) % 11);
			gates[g].threshold = (uint32_t)(rand_r(&seed) % 12);
			for (uint32_t i = 0; i < gates[g].count; i++)
				gates[g].inputs[i] = (uint32_t)rand_r(&seed) % (FACTS + (uint32_t)g);
			assert_int_equal(
				qv_formula_gate(formula, gates[g].threshold, gates[g].inputs, gates[g].count, &err),
				FACTS + g);
		}
		assert_int_equal(qv_formula_nodes(formula), FACTS + count);
		uint64_t room[FACTS + GATES];
		for (unsigned first = 0; first < 1u << FACTS; first += 64) {
			for (unsigned f = 0; f < FACTS; f++) {
				room[f] = 0;
				for (unsigned i = 0; i < 64; i++)
					room[f] |= (uint64_t)((first + i) >> f & 1) << i;
			}
			uint64_t value = qv_formula_evaluate(formula, room);
			for (unsigned i = 0; i < 64; i++)
				assert_int_equal(value >> i & 1, plain_value(gates, count, first + i));
		}
		qv_formula_free(formula);
	}
}

static void test_wide_gate(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	enum { WIDE = 1000 };
	struct qv_formula *formula = qv_formula_new(WIDE, &err);
	uint32_t inputs[WIDE];
	uint64_t room[WIDE + 1];
	for (uint32_t i = 0; i < WIDE; i++)
		inputs[i] = i;
	assert_int_equal(qv_formula_gate(formula, 700, inputs, WIDE, &err), WIDE);
	/* Set number i holds i * 16 facts. */
	for (uint32_t f = 0; f < WIDE; f++) {
		room[f] = 0;
		for (uint64_t i = 0; i < 64; i++)
			room[f] |= (uint64_t)(f < i * 16) << i;
	}
	assert_int_equal(qv_formula_evaluate(formula, room), UINT64_MAX << 44);
	qv_formula_free(formula);
}

static void test_refusals(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	assert_null(qv_formula_new(QV_FORMULA_NODES_MAX, &err));
	assert_int_equal(err.code, QV_E_INVALID);
	struct qv_formula *formula = qv_formula_new(2, &err);
	uint64_t room[4] = { UINT64_MAX, UINT64_MAX };
	assert_int_equal(qv_formula_evaluate(formula, room), 0);
	uint32_t self = 2;
	assert_int_equal(qv_formula_gate(formula, 1, &self, 1, &err), QV_FORMULA_NONE);
	assert_string_equal(err.message, "a gate has node 2 as its input, which is not there yet");
	assert_int_equal(qv_formula_nodes(formula), 2);
	assert_int_equal(qv_formula_gate(formula, 0, NULL, 0, &err), 2);
	assert_int_equal(qv_formula_evaluate(formula, room), UINT64_MAX);
	qv_formula_free(formula);
	qv_formula_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_formulas),
		cmocka_unit_test(test_wide_gate),
		cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
