/* SPDX-License-Identifier: Apache-2.0 */
/* --tui: what `visio tui` shows, in the terminal that a visio was started from, which ends when that is left. */
#ifndef VISIO_FRONT_H
#define VISIO_FRONT_H

#include <stdbool.h>

/*
 * Before anything is opened. True: this is a process of its own that is to go on as visio, with its standard output and error
 * kept from the terminal, and to tell where its control socket is by front_ready. False: this was the terminal, `status` is
 * to be exited with.
 */
bool front_split(int *ready_fd, int *status);

/* `path` NULL: there is no control socket. */
void front_ready(int ready_fd, const char *path);

#endif
