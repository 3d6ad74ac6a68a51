/* SPDX-License-Identifier: Apache-2.0 */
/*
 * camera WIDTH HEIGHT FPS y4m|raw [gray]: the test pattern as a camera would give it, I420 on standard output, each picture
 * stamped and written at its instant. Instants at which the reader does not take the picture before are left out. Without colour, a picture comes back from a screen as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qvisio/clock.h>

#include "../../modules/videosource/testpattern/pattern.h"

static void die(const char *what)
{
	fprintf(stderr, "camera: %s\n", what);
	exit(2);
}

static int number(const char *text, int max)
{
	char *end;
	long value = strtol(text, &end, 10);
	if (end == text || *end || value < 1 || value > max)
		die("want WIDTH HEIGHT FPS y4m|raw");
	return (int)value;
}

static void put(const void *bytes, size_t size)
{
	for (const char *at = bytes; size > 0;) {
		ssize_t written = write(STDOUT_FILENO, at, size);
		if (written <= 0)
			exit(0);
		at += written;
		size -= (size_t)written;
	}
}

static size_t pack(const struct qv_picture *picture, uint8_t *out)
{
	struct qv_frame frame = qv_picture_frame(picture);
	uint8_t *at = out;
	for (int i = 0; i < 3; i++) {
		int width, height;
		qv_plane_dimensions(&frame.format, i, &width, &height);
		for (int y = 0; y < height; y++, at += width)
			memcpy(at, frame.plane[i] + (size_t)y * (size_t)frame.stride[i], (size_t)width);
	}
	return (size_t)(at - out);
}

int main(int argc, char **argv)
{
	if (argc != 5 && (argc != 6 || strcmp(argv[5], "gray") != 0))
		die("want WIDTH HEIGHT FPS y4m|raw [gray]");
	struct qv_video_format format = { .pixel = QV_PIXEL_I420,
					  .width = number(argv[1], 4096),
					  .height = number(argv[2], 4096),
					  .fps_num = number(argv[3], 240),
					  .fps_den = 1 };
	bool y4m = strcmp(argv[4], "y4m") == 0;
	struct qv_picture *picture = qv_picture_new(&format, NULL);
	uint8_t *bytes = malloc((size_t)format.width * (size_t)format.height * 2);
	char header[96];
	if (!picture || !bytes)
		die("memory");
	if (y4m)
		put(header, (size_t)snprintf(header, sizeof header, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n",
					     format.width, format.height, format.fps_num));
	int64_t begin = qv_clock_now(&qv_clock_monotonic);
	for (int64_t n = 0;; n++) {
		int64_t late = (qv_clock_now(&qv_clock_monotonic) - begin) * format.fps_num / QV_NS_PER_SECOND;
		if (late > n)
			n = late;
		qv_clock_sleep_until(begin + n * QV_NS_PER_SECOND / format.fps_num, -1, NULL);
		int64_t now = qv_clock_now(&qv_clock_monotonic);
		if (pattern_paint(picture, (uint64_t)n, now, NULL) != 0)
			die("the picture is too small for a stamp");
		size_t size = pack(picture, bytes), luma = (size_t)format.width * (size_t)format.height;
		if (argc == 6)
			memset(bytes + luma, 128, size - luma);
		if (y4m)
			put("FRAME\n", 6);
		put(bytes, size);
	}
}
