/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include <qvisio/clock.h>

#define SILENT_NS      (PATH_SILENT_MS * QV_NS_PER_MS)
#define PROBE_DOWN_NS  (100 * QV_NS_PER_MS)
#define PROBE_UP_NS    (250 * QV_NS_PER_MS)
#define PROBE_QUICK_NS (20 * QV_NS_PER_MS) /* the first ones: a call should not begin on the wrong path */
#define QUICK_NS       (200 * QV_NS_PER_MS)

void path_start(struct path *path, int64_t now)
{
	*path = (struct path){ .began_ns = now, .answered_ns = now, .heard_ns = now, .probe_ns = now };
}

bool path_probe(struct path *path, int64_t now)
{
	if (now < path->probe_ns)
		return false;
	bool quick = !path->up && now - path->began_ns < QUICK_NS;
	path->probe_ns = now + (quick ? PROBE_QUICK_NS : path->up ? PROBE_UP_NS : PROBE_DOWN_NS);
	return true;
}

void path_answered(struct path *path, int64_t sent_ns, int64_t rtt_ns, int64_t now)
{
	if (sent_ns > now || sent_ns < path->began_ns || (path->again && sent_ns <= path->answered_ns))
		return; /* told before, or made up */
	if (rtt_ns > 0)
		path->rtt_ns = path->rtt_ns ? path->rtt_ns + (rtt_ns - path->rtt_ns) / 8 : rtt_ns;
	if (path->again == 0 || now - path->first_ns > SILENT_NS) {
		path->first_ns = now;
		path->again = 0;
	}
	path->again++;
	path->answered_ns = sent_ns;
	path->heard_ns = now;
}

enum path_change path_look(struct path *path, int64_t now)
{
	bool silent = now - path->heard_ns >= SILENT_NS;
	if (path->up && silent) {
		path->up = false;
		path->failed = true;
		path->again = 0;
		return PATH_DOWN;
	}
	/* Answers that come late tell that a path is full, not that it is gone; but none is taken up for them. */
	if (!path->up && now - path->answered_ns < SILENT_NS && path->again >= (path->failed ? PATH_AGAIN : 1)) {
		path->up = true;
		return PATH_UP;
	}
	if (!path->up && !path->failed && silent) {
		path->failed = true;
		return PATH_DOWN;
	}
	return PATH_SAME;
}

int64_t path_due(const struct path *path)
{
	int64_t silent = path->heard_ns + SILENT_NS;
	if ((path->up || !path->failed) && silent < path->probe_ns)
		return silent;
	return path->probe_ns;
}
