/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SDL and SDL_ttf are one per process, and show windows from one thread only. Each instance of the sink holds a
 * reference to both.
 */
#ifndef VIDEOSINK_SDL_LIBRARY_H
#define VIDEOSINK_SDL_LIBRARY_H

#include <qvisio/error.h>

/* QV_E_UNSUPPORTED: no display; QV_E_BUSY: another thread has windows open. */
int library_enter(struct qv_error *err);
void library_leave(void);

#endif
