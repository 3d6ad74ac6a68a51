/* SPDX-License-Identifier: Apache-2.0 */
#include "bucket.h"

#include <qvisio/clock.h>

static int64_t time_of(const struct bucket *bucket, unsigned tokens)
{
	return (int64_t)tokens * QV_NS_PER_SECOND / bucket->rate;
}

int64_t bucket_take(struct bucket *bucket, unsigned tokens, int64_t now)
{
	if (bucket->rate == 0)
		return 0;
	int64_t full = atomic_load(&bucket->full), next;
	do {
		next = (full > now ? full : now) + time_of(bucket, tokens);
		int64_t wait = next - now - time_of(bucket, bucket->burst);
		if (wait > 0)
			return wait;
	} while (!atomic_compare_exchange_weak(&bucket->full, &full, next));
	return 0;
}

void bucket_return(struct bucket *bucket, unsigned tokens)
{
	if (bucket->rate != 0)
		atomic_fetch_sub(&bucket->full, time_of(bucket, tokens));
}
