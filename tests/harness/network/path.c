/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char profile_usage[] = "delay=MS jitter=MS loss=SHARE burst=PACKETS reorder=SHARE held=MS duplicate=SHARE "
			     "rate=BIT/S queue=BYTES down=0|1 udp=0|1";

void path_init(struct path *path, const struct profile *profile, uint64_t seed)
{
	*path = (struct path){ .profile = *profile, .random = seed };
}

/* SplitMix64: any seed will do. */
static double next_fraction(struct path *path)
{
	uint64_t z = path->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

/* The model of Gilbert: a state in which all is lost, left with 1/burst, entered so that `loss` is lost overall. */
static bool is_lost(struct path *path, double draw)
{
	const struct profile *profile = &path->profile;
	if (profile->loss >= 1)
		return true;
	if (profile->burst <= 1)
		return draw < profile->loss;
	double leave = 1 / profile->burst, enter = leave * profile->loss / (1 - profile->loss);
	path->in_burst = path->in_burst ? draw >= leave : draw < enter;
	return path->in_burst;
}

static bool is_full(const struct path *path, int64_t now_ns)
{
	const struct profile *profile = &path->profile;
	return profile->rate > 0 && (double)(path->free_ns - now_ns) * profile->rate / 8e9 > profile->queue;
}

static int64_t nanoseconds(double ms)
{
	return (int64_t)(ms * 1e6);
}

/* Draws as many numbers for each packet, so that the fate of the n-th does not hang on what is set for those before. */
struct fate path_take(struct path *path, size_t size, bool udp, int64_t now_ns)
{
	const struct profile *profile = &path->profile;
	double loss = next_fraction(path), jitter = next_fraction(path), reorder = next_fraction(path),
	       duplicate = next_fraction(path);
	bool lost = is_lost(path, loss);
	if (lost || profile->down || (udp && profile->no_udp)) {
		path->counts.lost++;
		return (struct fate){ .what = FATE_LOST };
	}
	if (is_full(path, now_ns)) {
		path->counts.full++;
		return (struct fate){ .what = FATE_FULL };
	}
	int64_t start = now_ns;
	if (profile->rate > 0) {
		if (path->free_ns < now_ns)
			path->free_ns = now_ns;
		path->free_ns += (int64_t)((double)size * 8e9 / profile->rate);
		start = path->free_ns;
	}
	struct fate fate = { .what = FATE_PASSES, .queued_ns = start - now_ns };
	fate.due_ns = start + nanoseconds(profile->delay_ms + profile->jitter_ms * jitter);
	if (reorder < profile->reorder) {
		fate.due_ns += nanoseconds(profile->held_ms);
		path->counts.reordered++;
	} else {
		if (fate.due_ns < path->last_ns)
			fate.due_ns = path->last_ns;
		path->last_ns = fate.due_ns;
	}
	if (duplicate < profile->duplicate) {
		fate.copy_due_ns = fate.due_ns + nanoseconds(1);
		path->counts.duplicated++;
	}
	path->counts.passed++;
	path->counts.bytes += size;
	return fate;
}

bool profile_parse(struct profile *profile, const char *word)
{
	double down = profile->down, udp = !profile->no_udp;
	struct {
		const char *name;
		double *value;
		double max;
	} names[] = {
		{ "delay", &profile->delay_ms, 60000 },
		{ "jitter", &profile->jitter_ms, 60000 },
		{ "loss", &profile->loss, 1 },
		{ "burst", &profile->burst, 10000 },
		{ "reorder", &profile->reorder, 1 },
		{ "held", &profile->held_ms, 60000 },
		{ "duplicate", &profile->duplicate, 1 },
		{ "rate", &profile->rate, 1e12 },
		{ "queue", &profile->queue, 1e9 },
		{ "down", &down, 1 },
		{ "udp", &udp, 1 },
	};
	const char *equals = strchr(word, '=');
	for (size_t i = 0; equals && i < sizeof names / sizeof names[0]; i++) {
		size_t length = (size_t)(equals - word);
		if (strlen(names[i].name) != length || strncmp(word, names[i].name, length) != 0)
			continue;
		char *end;
		double value = strtod(equals + 1, &end);
		if (end == equals + 1 || *end || !isfinite(value) || value < 0 || value > names[i].max)
			return false;
		*names[i].value = value;
		profile->down = down > 0;
		profile->no_udp = udp <= 0;
		return true;
	}
	return false;
}
