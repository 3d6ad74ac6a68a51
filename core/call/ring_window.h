/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The windows among the sinks of pictures, open while somebody is asked about a call, so that a key can answer it. They
 * are closed before the call opens its sinks.
 */
#ifndef QV_CALL_RING_WINDOW_H
#define QV_CALL_RING_WINDOW_H

#include <qvisio/call.h>

#include "medium.h"

struct ring_window;

/* NULL: there is no window, or it cannot be shown, which is logged; the call can still be answered otherwise. */
struct ring_window *ring_window_open(struct media *media, const struct qv_receive_plan *plan);
void ring_window_close(struct ring_window *ring); /* NULL is fine */

#endif
