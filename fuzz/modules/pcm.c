/* SPDX-License-Identifier: Apache-2.0 */
/* The PCM decoder, on a packet of a hostile peer; the first byte gives the number of channels. */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/audiocodec.h>

const char *const fuzz_corpus = "fuzz/modules/corpus/pcm";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct qv_audiocodec_class *pcm = qv_audiocodec_class(qv_module.classes[0]);
	if (size < 1)
		return 0;
	struct qv_audio_format format = { 16000, 1 + data[0] % 8 };
	struct qv_audiodecoder *decoder = pcm->decoder_open(NULL, NULL, &format, NULL);
	if (!decoder)
		return 0;
	/* Its own copy, so that a read past the end is seen. */
	uint8_t *bytes = malloc(size);
	if (bytes) {
		memcpy(bytes, data + 1, size - 1);
		struct qv_packet packet = { .data = bytes, .size = size - 1 };
		struct qv_audio_block block;
		struct qv_error err = QV_ERROR_INIT;
		int got = pcm->decode(decoder, &packet, &block, &err);
		if (got == 1 ? block.frames * (size_t)format.channels * 2 != packet.size : err.code != QV_E_PROTOCOL)
			abort();
	}
	free(bytes);
	pcm->decoder_close(decoder);
	return 0;
}
