/* SPDX-License-Identifier: Apache-2.0 */
#include "series.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE 60

struct series *series_new(const char *peer)
{
	struct series *series = calloc(1, sizeof *series);
	if (!series)
		return NULL;
	series->peer = strdup(peer);
	if (!series->peer) {
		free(series);
		return NULL;
	}
	memset(series->level, 0xff, sizeof series->level);
	memset(series->recent, 0xff, sizeof series->recent);
	memset(series->day, 0xff, sizeof series->day);
	return series;
}

void series_free(struct series *series)
{
	if (!series)
		return;
	free(series->peer);
	free(series);
}

void series_note(struct series *series, uint64_t tick)
{
	for (size_t lane = 0; lane < 2; lane++) {
		series->recent[lane][tick % SERIES_RECENT] = series->level[lane];
		if (tick % MINUTE == 0)
			series->day[lane][tick / MINUTE % SERIES_DAY] = series->level[lane];
	}
}

static json_t *points(const int64_t *ring, size_t size, uint64_t newest)
{
	json_t *list = json_array();
	uint64_t count = newest + 1 < size ? newest + 1 : size;
	for (uint64_t i = 0; i < count; i++) {
		int64_t level = ring[(newest + 1 - count + i) % size];
		json_array_append_new(list, level < 0 ? json_null() : json_integer(level));
	}
	return list;
}

json_t *series_json(const struct series *series, uint64_t tick, bool day)
{
	static const char *const names[] = { "own", "theirs" };
	json_t *json = json_pack("{s:s}", "peer", series->peer);
	for (size_t lane = 0; json && lane < 2; lane++)
		json_object_set_new(json, names[lane],
				    day ? points(series->day[lane], SERIES_DAY, tick / MINUTE)
					: points(series->recent[lane], SERIES_RECENT, tick));
	return json;
}
