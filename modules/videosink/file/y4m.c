/* SPDX-License-Identifier: Apache-2.0 */
#include "y4m.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One length whatever the rate, so that it can be written when it is known. ffmpeg reads up to 96 bytes. */
#define HEADER_SIZE 88
#define FRAME_MARK  "FRAME\n"
#define MARK_SIZE   (sizeof FRAME_MARK - 1)

struct y4m {
	char *path;
	int fd;
	struct qv_video_format format; /* width 0: no frame yet */
	uint64_t frames;
	int64_t first_ns, last_ns; /* capture times */
	off_t end;                 /* behind the last whole frame */
	uint8_t *buffer;           /* one frame as it is written */
	size_t size;
};

struct y4m *y4m_open(const char *path, struct qv_error *err)
{
	struct y4m *file = calloc(1, sizeof *file);
	if (!file || !(file->path = strdup(path))) {
		free(file);
		qv_fail(err, QV_E_NOMEM, "no memory to write %s", path);
		return NULL;
	}
	/* O_NONBLOCK: a FIFO that nobody reads is an error now and not a program that hangs. */
	file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0600);
	if (file->fd < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "cannot write %s", path);
		free(file->path);
		free(file);
		return NULL;
	}
	int flags = fcntl(file->fd, F_GETFL);
	if (flags >= 0)
		fcntl(file->fd, F_SETFL, flags & ~O_NONBLOCK);
	return file;
}

static int write_all(struct y4m *file, const void *bytes, size_t size)
{
	const char *at = bytes;
	while (size > 0) {
		ssize_t written = write(file->fd, at, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		at += written;
		size -= (size_t)written;
	}
	return 0;
}

static const char *colour_space(enum qv_pixel pixel)
{
	switch (pixel) {
	case QV_PIXEL_I420:
		return "420jpeg";
	case QV_PIXEL_I422:
		return "422";
	case QV_PIXEL_I444:
		return "444";
	default:
		return "mono";
	}
}

/* The comment field X fills up what the others leave. */
static void format_header(const struct y4m *file, struct y4m_rate rate, char header[static HEADER_SIZE + 1])
{
	int used = snprintf(header, HEADER_SIZE + 1, "YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C%s XCOLORRANGE=%s X",
			    file->format.width, file->format.height, rate.num, rate.den,
			    colour_space(file->format.pixel), file->format.range == QV_RANGE_FULL ? "FULL" : "LIMITED");
	memset(header + used, '.', (size_t)(HEADER_SIZE - used));
	header[HEADER_SIZE - 1] = '\n';
	header[HEADER_SIZE] = '\0';
}

static struct y4m_rate announced_rate(const struct qv_video_format *format)
{
	struct y4m_rate rate = { format->fps_num, format->fps_den };
	return rate.num > 0 ? rate : (struct y4m_rate){ 30, 1 };
}

static size_t frame_size(const struct qv_video_format *format)
{
	size_t size = MARK_SIZE;
	for (int i = 0; i < qv_pixel_planes(format->pixel); i++) {
		int width, height;
		qv_plane_dimensions(format, i, &width, &height);
		size += (size_t)width * (size_t)height;
	}
	return size;
}

static int start(struct y4m *file, const struct qv_frame *frame, struct qv_error *err)
{
	size_t size = frame_size(&frame->format);
	uint8_t *buffer = realloc(file->buffer, size);
	if (!buffer)
		return qv_fail(err, QV_E_NOMEM, "no memory for a frame of %zu bytes of %s", size, file->path);
	file->buffer = buffer;
	file->size = size;
	file->format = frame->format;
	char header[HEADER_SIZE + 1];
	format_header(file, announced_rate(&file->format), header);
	if (write_all(file, header, HEADER_SIZE) != 0) {
		int why = errno;
		file->format.width = 0;
		return qv_fail_errno(err, QV_E_IO, why, "cannot write %s", file->path);
	}
	file->end = HEADER_SIZE;
	file->first_ns = frame->capture_ns;
	return 0;
}

bool y4m_takes(const struct y4m *file, const struct qv_frame *frame)
{
	const struct qv_video_format *a = &file->format, *b = &frame->format;
	return a->width == 0 ||
	       (a->width == b->width && a->height == b->height && a->pixel == b->pixel && a->range == b->range);
}

int64_t y4m_cost(const struct y4m *file, const struct qv_frame *frame)
{
	return (int64_t)frame_size(&frame->format) + (file->format.width == 0 ? HEADER_SIZE : 0);
}

static void pack(struct y4m *file, const struct qv_frame *frame)
{
	uint8_t *out = file->buffer;
	memcpy(out, FRAME_MARK, MARK_SIZE);
	out += MARK_SIZE;
	for (int i = 0; i < qv_pixel_planes(frame->format.pixel); i++) {
		int width, height;
		qv_plane_dimensions(&frame->format, i, &width, &height);
		for (int y = 0; y < height; y++) {
			memcpy(out, frame->plane[i] + (size_t)y * (size_t)frame->stride[i], (size_t)width);
			out += width;
		}
	}
}

int y4m_write(struct y4m *file, const struct qv_frame *frame, struct qv_error *err)
{
	if (file->format.width == 0 && start(file, frame, err) != 0)
		return -1;
	pack(file, frame);
	if (write_all(file, file->buffer, file->size) != 0) {
		qv_fail_errno(err, QV_E_IO, errno, "cannot write frame %llu to %s", (unsigned long long)file->frames,
			      file->path);
		/* Neither can do anything about a pipe or a device. */
		if (ftruncate(file->fd, file->end) == 0)
			lseek(file->fd, file->end, SEEK_SET);
		return -1;
	}
	file->frames++;
	file->end += (off_t)file->size;
	file->last_ns = frame->capture_ns;
	return 0;
}

/* Frames per 1000 s over the capture times; 0: they tell nothing. */
static struct y4m_rate measured_rate(const struct y4m *file)
{
	struct y4m_rate none = { 0, 1 };
	int64_t span = file->last_ns - file->first_ns;
	if (file->frames < 2 || span <= 0)
		return none;
	double fps = (double)(file->frames - 1) * 1e9 / (double)span;
	if (fps < 0.001 || fps > 1000)
		return none;
	return (struct y4m_rate){ (int)(fps * 1000 + 0.5), 1000 };
}

static struct y4m_rate final_rate(const struct y4m *file, struct y4m_rate wanted)
{
	if (wanted.num > 0)
		return wanted;
	struct y4m_rate announced = announced_rate(&file->format), measured = measured_rate(file);
	if (measured.num == 0)
		return announced;
	double ratio = (double)measured.num * announced.den / ((double)measured.den * announced.num);
	bool agree = file->format.fps_num > 0 && ratio > 0.99 && ratio < 1.01;
	return agree ? announced : measured;
}

static int write_rate(const struct y4m *file, struct y4m_rate rate)
{
	struct stat status;
	char header[HEADER_SIZE + 1];
	if (fstat(file->fd, &status) != 0 || !S_ISREG(status.st_mode))
		return 0;
	format_header(file, rate, header);
	return pwrite(file->fd, header, HEADER_SIZE, 0) == HEADER_SIZE ? 0 : -1;
}

int y4m_close(struct y4m *file, struct y4m_rate rate, struct qv_error *err)
{
	if (!file)
		return 0;
	int result = 0;
	if (file->frames > 0 && write_rate(file, final_rate(file, rate)) != 0)
		result = qv_fail_errno(err, QV_E_IO, errno, "cannot finish %s", file->path);
	if (close(file->fd) != 0 && result == 0)
		result = qv_fail_errno(err, QV_E_IO, errno, "cannot finish %s", file->path);
	free(file->path);
	free(file->buffer);
	free(file);
	return result;
}

uint64_t y4m_frames(const struct y4m *file)
{
	return file->frames;
}
