/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <stdlib.h>
#include <string.h>

double link_random(struct link *link)
{
	link->random = link->random * 1664525u + 1013904223u;
	return (double)(link->random >> 8) / (double)(1 << 24);
}

static void add(struct link *link, const uint8_t *bytes, size_t size, int64_t due, int64_t waited)
{
	if (link->count == link->room) {
		link->room = link->room * 2 + 64;
		link->packets = realloc(link->packets, link->room * sizeof link->packets[0]);
		if (!link->packets)
			abort();
	}
	struct link_packet *packet = &link->packets[link->count++];
	packet->due = due;
	packet->waited = waited;
	packet->size = size;
	memcpy(packet->bytes, bytes, size);
}

void link_put(struct link *link, const uint8_t *bytes, size_t size, int64_t now)
{
	const struct link_settings *settings = &link->settings;
	int64_t begin = link->free_at > now ? link->free_at : now;
	bool lost = link_random(link) < settings->loss, twice = link_random(link) < settings->repeat;
	int64_t jitter = (int64_t)((double)settings->jitter * link_random(link));
	if (lost || (settings->queue && begin - now > settings->queue)) {
		link->lost++;
		return;
	}
	link->free_at = begin + (settings->rate ? (int64_t)size * 8 * 1000000000 / settings->rate : 0);
	if (settings->policed) {
		add(link, bytes, size, now + settings->delay + jitter, 0);
		return;
	}
	add(link, bytes, size, link->free_at + settings->delay + jitter, link->free_at - now);
	if (twice)
		add(link, bytes, size, link->free_at + settings->delay + 2 * jitter, link->free_at - now);
}

bool link_take(struct link *link, int64_t now, struct link_packet *packet)
{
	size_t first = 0;
	for (size_t i = 1; i < link->count; i++)
		if (link->packets[i].due < link->packets[first].due)
			first = i;
	if (link->count == 0 || link->packets[first].due > now)
		return false;
	*packet = link->packets[first];
	memmove(&link->packets[first], &link->packets[first + 1], (--link->count - first) * sizeof *packet);
	return true;
}

void link_free(struct link *link)
{
	free(link->packets);
}
