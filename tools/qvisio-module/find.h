/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QVISIO_MODULE_FIND_H
#define QVISIO_MODULE_FIND_H

#include "tool.h"

/* Whether the text is the path of a module file rather than the name of a module. */
bool is_module_path(const char *text);

/* The class that "KIND/NAME", or "NAME" if only one kind has it, stands for. */
int find_class(struct qv_loader *loader, const char *text, struct found *found, struct qv_error *err);

#endif
