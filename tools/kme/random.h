/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KME_RANDOM_H
#define KME_RANDOM_H

#include <stddef.h>

/*
 * Random bytes for keys, IDs and nonces: from the thread's buffered generator (qvisio/generator.h), a system call for
 * each being dear; from the system where there is no locked memory for that.
 */
void random_fill(void *bytes, size_t size);

#endif
