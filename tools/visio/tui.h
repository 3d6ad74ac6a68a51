/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal front end: another visio, seen and steered through its control socket. */
#ifndef VISIO_TUI_H
#define VISIO_TUI_H

/* Until somebody leaves it, or that visio ends. Returns an exit status. */
int tui_run(const char *path);

#endif
