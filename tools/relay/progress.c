/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qvisio/clock.h>

#define WIDTH    30
#define FIRST_NS (300 * (QV_NS_PER_SECOND / 1000)) /* short work shows no bar */
#define EVERY_NS (100 * (QV_NS_PER_SECOND / 1000))

static int64_t now_ns(void)
{
	return qv_clock_monotonic.now(&qv_clock_monotonic);
}

void progress_start(struct progress *progress, const char *what)
{
	const char *terminal = getenv("TERM");
	*progress = (struct progress){ .what = what, .started = now_ns() };
	progress->shown = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

static void draw(const struct progress *progress, double part, int64_t passed)
{
	char bar[WIDTH + 1];
	int full = (int)(part * WIDTH);
	memset(bar, '#', (size_t)full);
	memset(bar + full, '.', (size_t)(WIDTH - full));
	bar[WIDTH] = '\0';
	double left = part > 0 ? (double)passed / (double)QV_NS_PER_SECOND * (1 - part) / part : 0;
	fprintf(stderr, "\r%s [%s] %3.0f %%  %.0f s left\033[K", progress->what, bar, part * 100, left);
	fflush(stderr);
}

void progress_show(struct progress *progress, double done, double total)
{
	if (!progress || !progress->shown || total <= 0)
		return;
	int64_t now = now_ns();
	if (now - progress->started < FIRST_NS || now - progress->last < EVERY_NS)
		return;
	progress->last = now;
	progress->drawn = true;
	draw(progress, done < total ? done / total : 1, now - progress->started);
}

void progress_end(struct progress *progress)
{
	if (progress->drawn)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
}
