/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/audiosource.h>

#include "mutant.h"

static struct qv_audiosource_class __mutant;
static struct qv_audiosource_class __good;

static struct qv_audiosource *open_mutant(const struct qv_host *host, const struct qv_options *options,
					  const struct qv_audio_format *format, size_t block_frames,
					  struct qv_error *err)
{
	static struct qv_host __changed;
	__changed = *host;
	static const struct qv_audio_format other = { 48000, 2 };
#ifdef MUTATE_DEAF
	__changed.cancel_fd = -1;
#endif
#ifdef MUTATE_CREDULOUS
	format = &other;
#endif
	(void)other;
	return __good.open(&__changed, options, format, block_frames, err);
}

static int read_mutant(struct qv_audiosource *source, struct qv_audio_block *block, int timeout_ms,
		       struct qv_error *err)
{
#ifdef MUTATE_WAITS
	if (timeout_ms == 0)
		for (;;)
			pause();
#endif
	int result = __good.read(source, block, timeout_ms, err);
	if (result != 1)
		return result;
#ifdef MUTATE_FUTURE
	block->capture_ns += 3600 * QV_NS_PER_SECOND;
#endif
#ifdef MUTATE_OVERLAP
	block->position = 0;
#endif
#ifdef MUTATE_FORMAT
	block->format.rate /= 2;
#endif
#ifdef MUTATE_LONG
	block->frames *= 2;
#endif
	return 1;
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_audiosource_class(original_class());
	__mutant = __good;
	__mutant.open = open_mutant;
	__mutant.read = read_mutant;
}

MUTANT_MODULE
