/* SPDX-License-Identifier: Apache-2.0 */
/* Ending a tool: SIGINT, SIGTERM and an optional time limit make one descriptor readable. */
#ifndef VISIO_STOP_H
#define VISIO_STOP_H

#include <qvisio/error.h>

/*
 * Installs the handlers, once per process, and returns the descriptor (for qv_host.cancel_fd), or -1. A second signal
 * ends the process at once. `seconds` > 0 also stops after that time.
 */
int stop_descriptor(unsigned seconds, struct qv_error *err);

#endif
