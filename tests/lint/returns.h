/* SPDX-License-Identifier: Apache-2.0 */
/* For clang-tidy, which reads one file at a time: what these return on every way out. */
#ifndef QV_LINT_RETURNS_H
#define QV_LINT_RETURNS_H

#include <qvisio/error.h>

#define qv_fail(...)         (qv_fail(__VA_ARGS__), -1)
#define qv_fail_errno(...)   (qv_fail_errno(__VA_ARGS__), -1)
#define qv_error_prefix(...) (qv_error_prefix(__VA_ARGS__), -1)

#endif
