/* SPDX-License-Identifier: Apache-2.0 */
/* The portable kernel as it is where the compiler's target has no vectors of bytes. */
#define PORTABLE_BYTES     0
#define qv_shamir_portable shamir_portable_words
#include "core/shamir/kernel.h"

extern const struct qv_shamir_kernel shamir_portable_words;
#include "core/shamir/portable.c"
