/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/audiosink.h>

#include "mutant.h"

static struct qv_audiosink_class __mutant;
static struct qv_audiosink_class __good;

static int write_mutant(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	int result = __good.write(sink, block, err);
#ifdef MUTATE_CREDULOUS
	return 0;
#endif
#ifdef MUTATE_SHORT
	if (block->frames < 50)
		return qv_fail(err, QV_E_INVALID, "too short");
#endif
	return result;
}

static int64_t negative_delay(struct qv_audiosink *sink)
{
	(void)sink;
	return -5;
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_audiosink_class(original_class());
	__mutant = __good;
	__mutant.write = write_mutant;
#ifdef MUTATE_DELAY
	__mutant.delay = negative_delay;
#endif
#ifdef MUTATE_PACED
	__mutant.paced = true;
#endif
	(void)negative_delay;
}

MUTANT_MODULE
