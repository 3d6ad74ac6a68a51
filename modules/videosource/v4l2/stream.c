/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <errno.h>
#include <sys/mman.h>

#include <libv4l2.h>

#define FAILURES_MAX 30

static int map_buffer(struct stream *stream, unsigned index, struct qv_error *err)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP, .index = index };
	if (camera_ioctl(stream->fd, VIDIOC_QUERYBUF, &buffer) != 0)
		return camera_fail(err, errno, stream->device, "asking for a buffer");
	void *start = v4l2_mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, stream->fd, buffer.m.offset);
	if (start == MAP_FAILED)
		return camera_fail(err, errno, stream->device, "mapping a buffer");
	stream->buffer[index].start = start;
	stream->buffer[index].length = buffer.length;
	if (camera_ioctl(stream->fd, VIDIOC_QBUF, &buffer) != 0)
		return camera_fail(err, errno, stream->device, "queueing a buffer");
	return 0;
}

static int start(struct stream *stream, struct qv_error *err)
{
	struct v4l2_requestbuffers request = {
		.count = STREAM_BUFFERS,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	if (camera_ioctl(stream->fd, VIDIOC_REQBUFS, &request) != 0)
		return camera_fail(err, errno, stream->device, "asking for buffers");
	if (request.count < 2)
		return qv_fail(err, QV_E_IO, "%s: the camera gave %u buffers where two are needed at least",
			       stream->device, request.count);
	stream->count = request.count < STREAM_BUFFERS ? request.count : STREAM_BUFFERS;
	for (unsigned i = 0; i < stream->count; i++)
		if (map_buffer(stream, i, err) != 0)
			return -1;
	enum v4l2_buf_type type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	if (camera_ioctl(stream->fd, VIDIOC_STREAMON, &type) != 0)
		return camera_fail(err, errno, stream->device, "starting to stream");
	stream->on = true;
	return 0;
}

int stream_start(struct stream *stream, int fd, const char *device, struct qv_error *err)
{
	*stream = (struct stream){ .fd = fd, .device = device };
	if (start(stream, err) == 0)
		return 0;
	stream_stop(stream);
	return -1;
}

void stream_stop(struct stream *stream)
{
	enum v4l2_buf_type type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	if (stream->on)
		camera_ioctl(stream->fd, VIDIOC_STREAMOFF, &type);
	stream->on = false;
	for (unsigned i = 0; i < STREAM_BUFFERS; i++) {
		if (stream->buffer[i].start)
			v4l2_munmap(stream->buffer[i].start, stream->buffer[i].length);
		stream->buffer[i].start = NULL;
	}
}

int stream_take(struct stream *stream, struct v4l2_buffer *buffer, struct qv_error *err)
{
	*buffer = (struct v4l2_buffer){ .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP };
	if (camera_ioctl(stream->fd, VIDIOC_DQBUF, buffer) == 0) {
		stream->failures = 0;
		if (buffer->index < stream->count)
			return 1;
		return qv_fail(err, QV_E_IO, "%s: the camera gave buffer %u of %u", stream->device, buffer->index,
			       stream->count);
	}
	if (errno == EAGAIN)
		return 0;
	/* A driver says EIO for a passing fault such as a lost signal, libv4lconvert for a picture it cannot decode. */
	if ((errno == EIO || errno == EPIPE) && ++stream->failures <= FAILURES_MAX)
		return 0;
	return camera_fail(err, errno, stream->device, "waiting for a picture");
}

const uint8_t *stream_bytes(const struct stream *stream, const struct v4l2_buffer *buffer, size_t *size)
{
	size_t length = stream->buffer[buffer->index].length;
	*size = buffer->bytesused < length ? buffer->bytesused : length;
	return stream->buffer[buffer->index].start;
}

void stream_give_back(struct stream *stream, struct v4l2_buffer *buffer)
{
	camera_ioctl(stream->fd, VIDIOC_QBUF, buffer);
}
