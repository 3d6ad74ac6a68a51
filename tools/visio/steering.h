/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VISIO_STEERING_H
#define VISIO_STEERING_H

#include "control_socket.h"

/* commander.obey of struct visio. */
json_t *steering_obey(struct commander *commander, const char *line);

/* What it obeys, a line for each, to standard output: for --help. */
void steering_print_commands(void);

#endif
