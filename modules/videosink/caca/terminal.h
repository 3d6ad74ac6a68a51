/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal of the process, which one sink at a time can have. */
#ifndef VIDEOSINK_CACA_TERMINAL_H
#define VIDEOSINK_CACA_TERMINAL_H

#include <qvisio/error.h>

/* QV_E_UNSUPPORTED: there is none, or none that is known; QV_E_BUSY. ncurses itself would end the process. */
int terminal_enter(struct qv_error *err);
void terminal_leave(void);

#endif
