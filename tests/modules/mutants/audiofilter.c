/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/audiofilter.h>

#include "mutant.h"

#include <math.h>

#define FRAMES 160 /* of the first rate that the suite tries */

static struct qv_audiofilter_class __mutant;
static struct qv_audiofilter_class __good;
static unsigned __random;

static int plan(const struct qv_options *options, int rate, size_t *block_frames, struct qv_error *err)
{
	if (mutation("PLAN") && rate > 48000) {
		*block_frames = 100;
		return 0;
	}
	int result = __good.plan(options, rate, block_frames, err);
	if (mutation("LONG"))
		*block_frames *= 5;
	return result;
}

static struct qv_audiofilter *open_any(const struct qv_host *host, const struct qv_options *options, int rate,
				       struct qv_error *err)
{
	bool false_rate = rate < 8000 || rate > 192000;
	return __good.open(host, options, mutation("CREDULOUS") && false_rate ? 16000 : rate, err);
}

static int process(struct qv_audiofilter *filter, int16_t *captured, const int16_t *played, struct qv_error *err)
{
	int16_t before[FRAMES];
	memcpy(before, captured, sizeof before);
	if (mutation("FAILS") && captured[0] == INT16_MIN)
		return qv_fail(err, QV_E_INVALID, "too loud");
	int result = __good.process(filter, captured, played, err);
	if (mutation("ECHO") && played)
		for (int i = 0; i < FRAMES; i++)
			captured[i] = (int16_t)(captured[i] + before[i] / 2);
	for (int i = 0; i < FRAMES; i++) {
		if (mutation("HUM"))
			captured[i] = (int16_t)(captured[i] + 40 * (i / 100 % 2));
		if (mutation("DEAF"))
			captured[i] = 0;
		if (mutation("LOUD"))
			captured[i] = (int16_t)(captured[i] / 16);
	}
	if (mutation("RANDOM") && __random++ % 1000 == 7)
		captured[0]++;
	return result;
}

static size_t no_lag(const struct qv_audiofilter *filter)
{
	(void)filter;
	return 0;
}

static void meters_mutant(const struct qv_audiofilter *filter, struct qv_audiofilter_meters *meters)
{
	__good.meters(filter, meters);
	if (mutation("METERS"))
		meters->voice = 55;
	if (mutation("LEVEL"))
		meters->level_dbfs -= 20;
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_audiofilter_class(original_class());
	__mutant = __good;
	__mutant.plan = plan;
	__mutant.open = open_any;
	__mutant.process = process;
	__mutant.meters = meters_mutant;
	if (mutation("LAG"))
		__mutant.lag = no_lag;
}

MUTANT_MODULE
