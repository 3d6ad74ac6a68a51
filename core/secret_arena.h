/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets: locked, kept out of core dumps, between guard pages; many small pieces share a page. Thread-safe. */
#ifndef CORE_SECRET_ARENA_H
#define CORE_SECRET_ARENA_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory of at least `size` bytes (> 0), or NULL. libsodium must have been started. */
uint8_t *qv_arena_take(size_t size);

/* Wipes and gives back what qv_arena_take returned. */
void qv_arena_give(uint8_t *bytes);

#endif
