/* SPDX-License-Identifier: Apache-2.0 */
/* The buffers of a streaming camera, mapped into memory. */
#ifndef VIDEOSOURCE_V4L2_STREAM_H
#define VIDEOSOURCE_V4L2_STREAM_H

#include "camera.h"

#define STREAM_BUFFERS 4

struct stream {
	int fd;
	const char *device; /* borrowed */
	unsigned count;
	struct {
		void *start;
		size_t length;
	} buffer[STREAM_BUFFERS];
	bool on;
	int failures; /* EIO in a row */
};

/* Maps and queues the buffers and switches the camera on. On failure nothing is left behind. */
int stream_start(struct stream *stream, int fd, const char *device, struct qv_error *err);
void stream_stop(struct stream *stream);

/* 1: `buffer` is a filled one, to be given back with stream_give_back; 0: none now; -1: QV_E_GONE, QV_E_IO. */
int stream_take(struct stream *stream, struct v4l2_buffer *buffer, struct qv_error *err);

/* The bytes of a buffer that was taken; `size` is what the camera filled. */
const uint8_t *stream_bytes(const struct stream *stream, const struct v4l2_buffer *buffer, size_t *size);

/* A failure shows at the next stream_take. */
void stream_give_back(struct stream *stream, struct v4l2_buffer *buffer);

#endif
