/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a sound file as interleaved 16-bit samples. */
#ifndef FILE_WAV_READER_H
#define FILE_WAV_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/media.h>

struct wav_reader;

/*
 * Reads from `fd` (borrowed, seekable) from its start. QV_E_INVALID when it is no sound file that libsndfile knows;
 * QV_E_UNSUPPORTED when no program of ours could take its rate or channels. `format` is what is wanted, and becomes
 * what is read: the file's own rate; the channels that are wanted where either has only one, else the file's own.
 * `path` is for messages only.
 */
struct wav_reader *wav_reader_open(int fd, const char *path, struct qv_audio_format *format, struct qv_error *err);
void wav_reader_close(struct wav_reader *reader); /* NULL is fine */

/* Fills up to `frames` samples per channel; the number filled, 0 at the end of the file; -1 QV_E_IO. */
int64_t wav_reader_read(struct wav_reader *reader, int16_t *samples, size_t frames, struct qv_error *err);

/* Back to the first sample. */
int wav_reader_rewind(struct wav_reader *reader, struct qv_error *err);

#endif
