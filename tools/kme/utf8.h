/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KME_UTF8_H
#define KME_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether bytes are well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates. */
bool utf8_valid(const char *text, size_t size);

#endif
