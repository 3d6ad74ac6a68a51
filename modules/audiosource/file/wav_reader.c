/* SPDX-License-Identifier: Apache-2.0 */
#include "wav_reader.h"

#include <math.h>
#include <sndfile.h>
#include <stdlib.h>

#define FILE_CHANNELS_MAX 8
#define CHUNK_FRAMES      1024

struct wav_reader {
	SNDFILE *file;
	int in, out; /* channels of the file and of what is asked for */
	float chunk[CHUNK_FRAMES * FILE_CHANNELS_MAX];
};

/* The file's own rate, and its channels where these cannot be had as asked for without loss of one. */
static int choose_format(const SF_INFO *info, const char *path, struct qv_audio_format *format, struct qv_error *err)
{
	struct qv_audio_format own = { info->samplerate, info->channels };
	if (qv_audio_format_check(&own, NULL) != 0)
		return qv_fail(
			err, QV_E_UNSUPPORTED,
			"%s: it has %d Hz, %d channels; 8000 to 192000 Hz and 1 to %d channels can be read; convert "
			"it with: ffmpeg -i IN -ar %d -ac %d -c:a pcm_s16le OUT.wav",
			path, own.rate, own.channels, FILE_CHANNELS_MAX, format->rate, format->channels);
	format->rate = own.rate;
	if (own.channels != 1 && format->channels != 1)
		format->channels = own.channels;
	return 0;
}

struct wav_reader *wav_reader_open(int fd, const char *path, struct qv_audio_format *format, struct qv_error *err)
{
	struct wav_reader *reader = calloc(1, sizeof *reader);
	if (!reader) {
		qv_fail(err, QV_E_NOMEM, "no memory to read %s", path);
		return NULL;
	}
	SF_INFO info = { 0 };
	reader->file = sf_open_fd(fd, SFM_READ, &info, SF_FALSE);
	if (!reader->file) {
		qv_fail(err, QV_E_INVALID, "%s: not a sound file that can be read: %s", path, sf_strerror(NULL));
		wav_reader_close(reader);
		return NULL;
	}
	if (choose_format(&info, path, format, err) != 0) {
		wav_reader_close(reader);
		return NULL;
	}
	reader->in = info.channels;
	reader->out = format->channels;
	return reader;
}

void wav_reader_close(struct wav_reader *reader)
{
	if (!reader)
		return;
	if (reader->file)
		sf_close(reader->file);
	free(reader);
}

/* Holds 16-bit samples exactly, and clips what a float file may have beyond full scale. */
static int16_t to_sample(float value)
{
	float scaled = value * 32768;
	if (!(scaled > INT16_MIN))
		return isnan(scaled) ? 0 : INT16_MIN;
	return scaled < INT16_MAX ? (int16_t)lrintf(scaled) : INT16_MAX;
}

/* One channel to all, or the mean of all to one. */
static void mix(const struct wav_reader *reader, int16_t *samples, size_t frames)
{
	size_t in = (size_t)reader->in, out = (size_t)reader->out;
	for (size_t i = 0; i < frames; i++) {
		const float *from = reader->chunk + i * in;
		float mean = 0;
		for (size_t c = 0; c < in; c++)
			mean += from[c] / (float)in;
		for (size_t c = 0; c < out; c++)
			samples[i * out + c] = to_sample(in == out ? from[c] : mean);
	}
}

int64_t wav_reader_read(struct wav_reader *reader, int16_t *samples, size_t frames, struct qv_error *err)
{
	size_t filled = 0;
	while (filled < frames) {
		size_t wanted = frames - filled < CHUNK_FRAMES ? frames - filled : CHUNK_FRAMES;
		sf_count_t got = sf_readf_float(reader->file, reader->chunk, (sf_count_t)wanted);
		if (got < 0 || (got == 0 && sf_error(reader->file) != SF_ERR_NO_ERROR))
			return qv_fail(err, QV_E_IO, "%s", sf_strerror(reader->file));
		if (got == 0)
			break;
		mix(reader, samples + filled * (size_t)reader->out, (size_t)got);
		filled += (size_t)got;
	}
	return (int64_t)filled;
}

int wav_reader_rewind(struct wav_reader *reader, struct qv_error *err)
{
	if (sf_seek(reader->file, 0, SF_SEEK_SET) != 0)
		return qv_fail(err, QV_E_IO, "it cannot be started again: %s", sf_strerror(reader->file));
	return 0;
}
