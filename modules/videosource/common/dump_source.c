/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: opens a video source, writes its samples to a file and says on standard output what it got.
 * usage: dump_source MODULE i420|planar|all COUNT FILE [name=value …]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "open_source.h"

static size_t write_samples(const struct qv_frame *frame, FILE *out)
{
	if (frame->format.pixel == QV_PIXEL_JPEG)
		return fwrite(frame->plane[0], 1, frame->size[0], out);
	size_t written = 0;
	for (int i = 0; i < qv_pixel_planes(frame->format.pixel); i++) {
		int width, height;
		qv_plane_dimensions(&frame->format, i, &width, &height);
		for (int y = 0; y < height; y++)
			written +=
				fwrite(frame->plane[i] + (size_t)y * (size_t)frame->stride[i], 1, (size_t)width, out);
	}
	return written;
}

static int dump(struct opened *it, long count, FILE *out, struct qv_error *err)
{
	struct qv_video_format format;
	struct qv_frame frame;
	it->class->format(it->source, &format);
	printf("format %s %s %dx%d %d/%d\n", qv_pixel_name(format.pixel),
	       format.range == QV_RANGE_FULL ? "full" : "limited", format.width, format.height, format.fps_num,
	       format.fps_den);
	fflush(stdout);
	for (long i = 0; i < count; i++) {
		int got = it->class->read(it->source, &frame, 10000, err);
		if (got == 0)
			return qv_fail(err, QV_E_TIMEOUT, "no frame in 10 s");
		if (got < 0 || qv_frame_check(&frame, err) != 0)
			return -1;
		if (memcmp(&frame.format, &format, sizeof format) != 0)
			return qv_fail(err, QV_E_INTERNAL, "a frame of another format");
		size_t size = write_samples(&frame, out);
		printf("frame %llu %lld %zu\n", (unsigned long long)frame.sequence, (long long)frame.capture_ns, size);
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct qv_error err = QV_ERROR_INIT;
	struct opened it;
	if (argc < 5)
		return 2;
	FILE *out = fopen(argv[4], "wb");
	struct qv_log *log = qv_log_new("test", QV_LOG_DEBUG, QV_LOG_TEXT, 1);
	if (!out || !log)
		return 2;
	struct qv_host host = { .size = sizeof host, .log = log, .clock = &qv_clock_monotonic, .cancel_fd = -1 };
	uint32_t pixels = QV_PIXELS_PLANAR;
	if (strcmp(argv[2], "i420") == 0)
		pixels = QV_PIXEL_BIT(QV_PIXEL_I420);
	if (strcmp(argv[2], "all") == 0)
		pixels |= QV_PIXEL_BIT(QV_PIXEL_JPEG);
	int result = open_source(&it, argv[1], (const char *const *)argv + 5, pixels, &host, &err);
	if (result == 0) {
		result = dump(&it, strtol(argv[3], NULL, 10), out, &err);
		close_source(&it);
	}
	if (result != 0)
		printf("error %s %s\n", qv_code_name(err.code), err.message);
	qv_log_free(log);
	return fclose(out) == 0 ? 0 : 2;
}
