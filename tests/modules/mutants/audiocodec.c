/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/audiocodec.h>

#include "mutant.h"

static struct qv_audiocodec_class __mutant;
static struct qv_audiocodec_class __good;

static int decode(struct qv_audiodecoder *decoder, const struct qv_packet *packet, struct qv_audio_block *block,
		  struct qv_error *err)
{
	int result = __good.decode(decoder, packet, block, err);
#ifdef MUTATE_CODE
	if (result < 0)
		err->code = QV_E_INVALID;
#endif
#ifdef MUTATE_NOISE
	static const int16_t noise[8192] = { 1, -30000, 5, 30000, 7 };
	if (result == 1)
		block->samples = noise;
#endif
	return result;
}

static int plan(const struct qv_options *options, struct qv_audio_format *format, size_t *block_frames,
		struct qv_error *err)
{
	int result = __good.plan(options, format, block_frames, err);
#ifdef MUTATE_PLAN
	format->channels = 0;
#endif
	return result;
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_audiocodec_class(original_class());
	__mutant = __good;
	__mutant.decode = decode;
	__mutant.plan = plan;
}

MUTANT_MODULE
