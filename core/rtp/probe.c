/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <qvisio/clock.h>
#include <qvisio/rtp.h>

#define LEAST_CAME 0.7 /* of the packets, and */
#define LEAST      5
#define PATIENCE   (500 * QV_NS_PER_MS) /* beyond a round trip */
#define UNSENT     (500 * QV_NS_PER_MS) /* in which a cluster must have left */

void probe_start(struct probe *probe, size_t bytes)
{
	*probe = (struct probe){ .on = true, .left = bytes };
}

void probe_sent(struct probe *probe, uint16_t transport, size_t size, int64_t now)
{
	if (!probe->on || probe->left == 0)
		return;
	if (probe->sent++ == 0) {
		probe->first = transport;
		probe->sent_from = now;
	}
	probe->sent_to = now;
	probe->sent_bytes += size;
	probe->last_size = size;
	probe->left = size < probe->left ? probe->left - size : 0;
}

void probe_came(struct probe *probe, uint16_t transport, size_t size, int64_t arrived)
{
	if (!probe->on || probe->sent == 0 || (uint16_t)(transport - probe->first) >= probe->sent)
		return;
	if (probe->told == 0 || arrived < probe->came_from) {
		probe->came_from = arrived;
		probe->first_size = size;
	}
	if (probe->told++ == 0 || arrived > probe->came_to)
		probe->came_to = arrived;
	probe->came_bytes += size;
}

static double rate_of(size_t bytes, int64_t ns)
{
	return ns > 0 ? (double)bytes * 8 * (double)QV_NS_PER_SECOND / (double)ns : 0;
}

bool probe_done(struct probe *probe, uint16_t told, int64_t now, int64_t rtt, struct probe_result *result)
{
	*result = (struct probe_result){ 0 };
	if (!probe->on)
		return false;
	if (probe->left > 0) {
		probe->on = probe->sent == 0 || now - probe->sent_from < UNSENT;
		return !probe->on;
	}
	uint16_t end = (uint16_t)(probe->first + probe->sent);
	bool passed = qv_rtp_sequence_diff(told, end) > 0 || now - probe->sent_to > PATIENCE + rtt;
	if (probe->told < probe->sent && !passed)
		return false;
	probe->on = false;
	if (probe->told < LEAST || probe->told < LEAST_CAME * probe->sent)
		return true;
	result->sent = rate_of(probe->sent_bytes - probe->last_size, probe->sent_to - probe->sent_from);
	result->came = rate_of(probe->came_bytes - probe->first_size, probe->came_to - probe->came_from);
	if (result->came == 0)
		result->came = result->sent;
	return true;
}
