/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/formula.h>

#include <stdlib.h>
#include <string.h>

struct gate {
	uint32_t threshold, count;
	size_t first; /* of its inputs */
};

struct qv_formula {
	uint32_t facts;
	struct gate *gates;
	size_t gate_count, gate_room;
	uint32_t *inputs;
	size_t input_count, input_room;
};

struct qv_formula *qv_formula_new(uint32_t facts, struct qv_error *err)
{
	if (facts >= QV_FORMULA_NODES_MAX) {
		qv_fail(err, QV_E_INVALID, "a formula over %u facts; at most %u are possible", facts,
			QV_FORMULA_NODES_MAX - 1);
		return NULL;
	}
	struct qv_formula *formula = calloc(1, sizeof *formula);
	if (!formula) {
		qv_fail(err, QV_E_NOMEM, "no memory for a formula");
		return NULL;
	}
	formula->facts = facts;
	return formula;
}

void qv_formula_free(struct qv_formula *formula)
{
	if (!formula)
		return;
	free(formula->gates);
	free(formula->inputs);
	free(formula);
}

uint32_t qv_formula_facts(const struct qv_formula *formula)
{
	return formula->facts;
}

uint32_t qv_formula_nodes(const struct qv_formula *formula)
{
	return formula->facts + (uint32_t)formula->gate_count;
}

size_t qv_formula_inputs(const struct qv_formula *formula)
{
	return formula->input_count;
}

/* Makes room for `more` elements. */
static int grow(void **array, size_t *room, size_t used, size_t more, size_t size, struct qv_error *err)
{
	if (*room - used >= more)
		return 0;
	size_t wanted = *room + *room / 2 + more;
	void *grown = reallocarray(*array, wanted, size);
	if (!grown)
		return qv_fail(err, QV_E_NOMEM, "no memory for a formula");
	*array = grown;
	*room = wanted;
	return 0;
}

static int check_gate(const struct qv_formula *formula, const uint32_t *inputs, size_t count, struct qv_error *err)
{
	uint32_t nodes = qv_formula_nodes(formula);
	if (nodes + 1 >= QV_FORMULA_NODES_MAX || count > QV_FORMULA_INPUTS_MAX - formula->input_count)
		return qv_fail(err, QV_E_INVALID, "a formula of more than %u nodes or %u inputs",
			       QV_FORMULA_NODES_MAX - 1, QV_FORMULA_INPUTS_MAX);
	for (size_t i = 0; i < count; i++)
		if (inputs[i] >= nodes)
			return qv_fail(err, QV_E_INVALID, "a gate has node %u as its input, which is not there yet",
				       inputs[i]);
	return 0;
}

uint32_t qv_formula_gate(struct qv_formula *formula, uint32_t threshold, const uint32_t *inputs, size_t count,
			 struct qv_error *err)
{
	if (check_gate(formula, inputs, count, err) != 0 ||
	    grow((void **)&formula->gates, &formula->gate_room, formula->gate_count, 1, sizeof *formula->gates, err) !=
		    0 ||
	    grow((void **)&formula->inputs, &formula->input_room, formula->input_count, count, sizeof *formula->inputs,
		 err) != 0)
		return QV_FORMULA_NONE;
	formula->gates[formula->gate_count] =
		(struct gate){ .threshold = threshold, .count = (uint32_t)count, .first = formula->input_count };
	if (count > 0)
		memcpy(formula->inputs + formula->input_count, inputs, count * sizeof *inputs);
	formula->input_count += count;
	return formula->facts + (uint32_t)formula->gate_count++;
}

void qv_formula_used(const struct qv_formula *formula, bool *used)
{
	memset(used, 0, qv_formula_nodes(formula) * sizeof *used);
	if (formula->gate_count > 0)
		used[qv_formula_nodes(formula) - 1] = true;
	for (size_t g = formula->gate_count; g-- > 0;) {
		const struct gate *gate = &formula->gates[g];
		if (!used[formula->facts + g] || gate->threshold == 0 || gate->threshold > gate->count)
			continue;
		for (uint32_t i = 0; i < gate->count; i++)
			used[formula->inputs[gate->first + i]] = true;
	}
}

/* Adds one bit to each of 64 counters, whose digits are words. Returns the digits in use. */
static unsigned count_bit(uint64_t *digits, unsigned used, uint64_t bit)
{
	unsigned i = 0;
	for (; bit && i < used; i++) {
		uint64_t carry = digits[i] & bit;
		digits[i] ^= bit;
		bit = carry;
	}
	if (bit)
		digits[used++] = bit;
	return used;
}

/* Which of 64 counters are at least `threshold`: the first digit from the top that differs decides. */
static uint64_t at_least(const uint64_t *digits, unsigned used, uint32_t threshold)
{
	if (used < 32 && threshold >> used)
		return 0;
	uint64_t above = 0, equal = UINT64_MAX;
	for (unsigned i = used; i-- > 0;) {
		if (threshold >> i & 1) {
			equal &= digits[i];
		} else {
			above |= equal & digits[i];
			equal &= ~digits[i];
		}
	}
	return above | equal;
}

static uint64_t gate_value(const struct gate *gate, const uint32_t *inputs, const uint64_t *room)
{
	if (gate->threshold == 0)
		return UINT64_MAX;
	if (gate->threshold > gate->count)
		return 0;
	uint64_t any = 0, all = UINT64_MAX, digits[33];
	if (gate->threshold == 1) {
		for (uint32_t i = 0; i < gate->count; i++)
			any |= room[inputs[i]];
		return any;
	}
	if (gate->threshold == gate->count) {
		for (uint32_t i = 0; i < gate->count; i++)
			all &= room[inputs[i]];
		return all;
	}
	unsigned used = 0;
	for (uint32_t i = 0; i < gate->count; i++)
		used = count_bit(digits, used, room[inputs[i]]);
	return at_least(digits, used, gate->threshold);
}

uint64_t qv_formula_evaluate(const struct qv_formula *formula, uint64_t *room)
{
	for (size_t i = 0; i < formula->gate_count; i++)
		room[formula->facts + i] =
			gate_value(&formula->gates[i], formula->inputs + formula->gates[i].first, room);
	return formula->gate_count > 0 ? room[formula->facts + formula->gate_count - 1] : 0;
}
