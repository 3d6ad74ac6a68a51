/* SPDX-License-Identifier: Apache-2.0 */
#include "stream_rate.h"

#include <qvisio/clock.h>

#define LOOK_NS  (500 * QV_NS_PER_MS)
#define LATE_NS  (40 * QV_NS_PER_MS) /* more than the next picture should find before it */
#define EARLY_NS (10 * QV_NS_PER_MS)
#define DECREASE 0.85 /* of what went through */
#define INCREASE 1.05
#define LEAST    30000

int64_t stream_rate_note(struct stream_rate *stream, int64_t waited_ns, uint64_t bytes, int64_t most, int64_t now)
{
	if (stream->since_ns == 0) {
		stream->since_ns = now;
		stream->bytes = bytes;
	}
	if (waited_ns > stream->waited_ns)
		stream->waited_ns = waited_ns;
	int64_t passed = now - stream->since_ns;
	if (passed < LOOK_NS)
		return stream->rate;
	int64_t through = (int64_t)((double)(bytes - stream->bytes) * 8 * QV_NS_PER_SECOND / (double)passed);
	if (stream->waited_ns > LATE_NS)
		stream->rate = (int64_t)(DECREASE * (double)(through < most ? through : most));
	else if (stream->rate && stream->waited_ns < EARLY_NS)
		stream->rate = (int64_t)(INCREASE * (double)stream->rate);
	if (stream->rate && stream->rate < LEAST)
		stream->rate = LEAST;
	if (stream->rate > most)
		stream->rate = most;
	stream->since_ns = now;
	stream->bytes = bytes;
	stream->waited_ns = 0;
	return stream->rate;
}
