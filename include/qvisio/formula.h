/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Monotone threshold formulas: which sets of facts make a statement true, where more facts never make it false. A relay
 * module says with them which compromised KMEs together learn a key, and which failures stop it; the analyser counts,
 * tries and lists the sets. A formula is built by one thread; finished, any number may evaluate it.
 */
#ifndef QVISIO_FORMULA_H
#define QVISIO_FORMULA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_FORMULA_NODES_MAX  (1u << 28)
#define QV_FORMULA_INPUTS_MAX (1u << 30) /* of all gates together */
#define QV_FORMULA_NONE       UINT32_MAX

struct qv_formula;

/* A formula over facts numbered 0 to facts - 1: these are its first nodes. NULL with QV_E_INVALID or QV_E_NOMEM. */
struct qv_formula *qv_formula_new(uint32_t facts, struct qv_error *err);
void qv_formula_free(struct qv_formula *formula); /* NULL is fine */

/*
 * A gate that is true when at least `threshold` of its inputs are; an input that is named twice counts twice. Inputs are
 * facts and earlier gates. threshold 0: always true; more than `count`: never. Returns the node's number, or
 * QV_FORMULA_NONE with QV_E_INVALID or QV_E_NOMEM. The gate that was added last is the statement.
 */
uint32_t qv_formula_gate(struct qv_formula *formula, uint32_t threshold, const uint32_t *inputs, size_t count,
			 struct qv_error *err);

uint32_t qv_formula_facts(const struct qv_formula *formula);
uint32_t qv_formula_nodes(const struct qv_formula *formula); /* facts and gates: what `room` below has to hold */
size_t qv_formula_inputs(const struct qv_formula *formula);  /* of all gates: the work of one evaluation */

/* Which nodes the statement looks at, itself included, into used[0…nodes - 1]. A gate with a constant value looks at none. */
void qv_formula_used(const struct qv_formula *formula, bool *used);

/*
 * Evaluates 64 sets of facts at once: bit i of room[f] says whether set i holds fact f. Fills the rest of `room` with the
 * gates' values and returns the statement's. Without any gate the statement is false. Linear in the inputs.
 */
uint64_t qv_formula_evaluate(const struct qv_formula *formula, uint64_t *room);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
