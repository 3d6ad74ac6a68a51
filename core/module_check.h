/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a module descriptor can be used by this core, and its classes as this core knows them. */
#ifndef CORE_MODULE_CHECK_H
#define CORE_MODULE_CHECK_H

#include <qvisio/loader.h>

/*
 * Checks a descriptor and copies its classes: each into zeroed memory of the kind's current size, min(size) bytes.
 * Returns a NULL-ended array, to be freed with qv_module_classes_free; or NULL with QV_E_MODULE.
 */
struct qv_class **qv_module_classes(const struct qv_module *module, const char *path, struct qv_error *err);
void qv_module_classes_free(struct qv_class **classes);

#endif
