/* SPDX-License-Identifier: Apache-2.0 */
/* Where modules are looked for, and whether a file there may be loaded. */
#ifndef CORE_MODULE_PATH_H
#define CORE_MODULE_PATH_H

#include <qvisio/option.h>

/* NULL-ended; free with qv_module_path_free. `top` as for qv_loader_new. */
char **qv_module_path_new(const struct qv_options *top, struct qv_error *err);
void qv_module_path_free(char **path);

/* QV_E_MODULE if someone other than root and this user could have put or could change `path` (a file). */
int qv_module_path_safe(const char *path, struct qv_error *err);

#endif
