/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Opus decoder, on packets of a hostile peer: the first byte gives rate and channels; then come packets, each behind
 * a byte of its length and one that says whether to recover what was before it, and whether to conceal.
 */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/audiocodec.h>

const char *const fuzz_corpus = "fuzz/modules/corpus/opus";

static const struct qv_audiocodec_class *class;

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void touch(const struct qv_audio_block *block, size_t frames)
{
	volatile int16_t sum = 0;
	require(block->frames == frames);
	for (size_t i = 0; i < frames * (size_t)block->format.channels; i++)
		sum = (int16_t)(sum ^ block->samples[i]);
}

static void take(struct qv_audiodecoder *decoder, const struct qv_packet *packet, unsigned how)
{
	struct qv_audio_block block;
	struct qv_error err = QV_ERROR_INIT;
	size_t frames = 0, gap = 20 * (1 + how % 128);
	int told = class->duration(decoder, packet, &frames, &err);
	require(told == 0 || err.code == QV_E_PROTOCOL);
	if (how & 128 && class->conceal(decoder, QV_GAP_LOST, gap, &block, NULL) == 1)
		touch(&block, gap);
	int got = class->recover(decoder, packet, gap, &block, &err);
	require(got >= 0 || err.code == QV_E_PROTOCOL);
	if (got == 1)
		touch(&block, gap);
	got = class->decode(decoder, packet, &block, &err);
	require(got == 1 || err.code == QV_E_PROTOCOL);
	require(got != 1 || told == 0);
	if (got == 1)
		touch(&block, frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int rates[] = { 8000, 12000, 16000, 24000, 48000 };
	class = qv_audiocodec_class(qv_module.classes[0]);
	if (size < 1)
		return 0;
	struct qv_audio_format format = { rates[data[0] % 5], 1 + data[0] / 5 % 2 };
	struct qv_audiodecoder *decoder = class->decoder_open(NULL, NULL, &format, NULL);
	if (!decoder)
		return 0;
	for (size_t at = 1; at + 2 <= size;) {
		size_t length = data[at] < size - at - 2 ? data[at] : size - at - 2;
		/* Its own copy, so that a read past the end is seen. */
		uint8_t *bytes = malloc(length ? length : 1);
		require(bytes);
		memcpy(bytes, data + at + 2, length);
		struct qv_packet packet = { .data = bytes, .size = length };
		take(decoder, &packet, data[at + 1]);
		free(bytes);
		at += 2 + length;
	}
	class->decoder_close(decoder);
	return 0;
}
