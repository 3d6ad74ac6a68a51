/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of checks on the command line: "5.1,5.3-07,A". */
#ifndef CONFORMANCE_SELECT_H
#define CONFORMANCE_SELECT_H

#include "probe.h"

/* Whether the list names the check, or its clause. */
bool select_has(const char *list, const struct check *check);

/* QV_E_INVALID when a word of the list names no check at all. */
int select_check_list(const char *option, const char *list, struct qv_error *err);

#endif
