/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG images one after another in a file. */
#ifndef VIDEOSOURCE_FILE_JPEG_STREAM_H
#define VIDEOSOURCE_FILE_JPEG_STREAM_H

#include <stdio.h>

#include <qvisio/media.h>

struct jpeg_stream {
	FILE *file; /* borrowed */
	uint8_t *buffer;
	size_t capacity;
	size_t filled;    /* bytes in the buffer */
	size_t used;      /* of them, those before the next image */
	long long offset; /* of the buffer's first byte in the file */
};

struct jpeg_image {
	const uint8_t *data; /* in the stream's buffer, until the next call */
	size_t size;
	int width, height;
	long long offset;
};

/* Zeroed is an empty stream; set `file`. */
void jpeg_stream_free(struct jpeg_stream *stream);

/* Starts again at the beginning of the file. */
int jpeg_stream_rewind(struct jpeg_stream *stream, struct qv_error *err);

/*
 * 1: an image; 0: a damaged one was passed over and `err` says where and why; -1: QV_E_END between images, QV_E_IO
 * when the file ends within one or cannot be read, QV_E_NOMEM.
 */
int jpeg_stream_next(struct jpeg_stream *stream, struct jpeg_image *image, struct qv_error *err);

#endif
