/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QV_SESSION_TEXT_H
#define QV_SESSION_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies hostile text so that it can go to a terminal or a log: control characters and bytes that are not valid UTF-8
 * become '?'. `out` has room for `size` bytes and the ending zero.
 */
void qv_session_text_copy(char *out, const uint8_t *bytes, size_t size);

#endif
