/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mutant is a module that loads a good one (the file ORIGINAL) and breaks one thing in it (the macro MUTATE_X, and
 * MUTATION "X"), to show that the conformance suite notices. Names that start with __ are kept out of its search for
 * global data.
 */
#ifndef QV_TESTS_MUTANT_H
#define QV_TESTS_MUTANT_H

#include <qvisio/config.h>
#include <qvisio/module.h>

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether this is the mutation. */
static inline bool mutation(const char *name)
{
	return strcmp(MUTATION, name) == 0;
}

/* The first class of the original. */
static const struct qv_class *original_class(void)
{
	void *handle = dlopen(ORIGINAL, RTLD_NOW | RTLD_LOCAL);
	const struct qv_module *module = handle ? dlsym(handle, "qv_module") : NULL;
	if (!module)
		abort();
	return module->classes[0];
}

/* Each mutant defines its class, __mutant, with this head, and fills it when it is loaded. */
#define MUTANT_MODULE                                                                                                  \
	static const struct qv_class *const classes[] = { &__mutant.head, NULL };                                      \
	const struct qv_module qv_module = {                                                                           \
		QV_MODULE_ABI_MAJOR, QV_MODULE_ABI_MINOR, sizeof(struct qv_module), "1", "Apache-2.0", classes         \
	};

#endif
