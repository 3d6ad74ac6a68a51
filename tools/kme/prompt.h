/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a person on the terminal for a secret. */
#ifndef KME_PROMPT_H
#define KME_PROMPT_H

#include <qvisio/secret.h>

/*
 * Writes `question` on the terminal of this process and reads one line of 1 to `max` bytes, which is not shown. Ctrl-C,
 * Ctrl-D, SIGINT and SIGTERM end it (QV_E_CANCELLED). QV_E_IO: there is no terminal. The terminal is left as it was.
 */
struct qv_secret *prompt_secret(const char *question, size_t max, struct qv_error *err);

#endif
