/* SPDX-License-Identifier: Apache-2.0 */
/* A bar on standard error for long work, when that is a terminal; otherwise nothing at all. */
#ifndef RELAY_PROGRESS_H
#define RELAY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what;
	bool shown, drawn;
	int64_t started, last; /* ns, monotonic */
};

void progress_start(struct progress *progress, const char *what);
/* Cheap enough to be called often. `done` of `total`, in any unit. NULL is fine. */
void progress_show(struct progress *progress, double done, double total);
/* Removes the bar. */
void progress_end(struct progress *progress);

#endif
