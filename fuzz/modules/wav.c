/* SPDX-License-Identifier: Apache-2.0 */
/* The sound file reader, on a file that anybody may have made. */
#include "../fuzz.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../modules/audiosource/file/wav_reader.h"

#define READS_MAX 256

const char *const fuzz_corpus = "fuzz/modules/corpus/wav";

static void read_as(int fd, struct qv_audio_format *format)
{
	int16_t samples[512 * 8];
	struct wav_reader *reader = wav_reader_open(fd, "input", format, NULL);
	if (!reader)
		return;
	for (int i = 0; i < READS_MAX; i++) {
		int64_t got = wav_reader_read(reader, samples, 512, NULL);
		if (got > 512)
			abort();
		if (got <= 0)
			break;
	}
	wav_reader_rewind(reader, NULL);
	wav_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	if (size == 0 || write(fd, data, size) == (ssize_t)size) {
		for (int channels = 1; channels <= 2; channels++) {
			struct qv_audio_format format = { 16000, channels };
			lseek(fd, 0, SEEK_SET);
			read_as(fd, &format);
		}
	}
	close(fd);
	return 0;
}
