/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_picture WIDTH HEIGHT FPS BITRATE: the least that a picture can be late. One process and one thread: the test
 * pattern, libvpx, the path of floor.h in packets of 1200 bytes, and back; a line for each picture as of the witness.
 */
#include <stdlib.h>
#include <string.h>

#include <qvisio/clock.h>

#include "../../modules/videosource/testpattern/pattern.h"
#include "../../tests/harness/witness/judge.h"
#include "bare_vpx.h"
#include "floor.h"

#define PIECE 1200

static int number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);
	floor_check(end != text && !*end && value >= 1 && value <= 100000000, text);
	return (int)value;
}

int main(int argc, char **argv)
{
	static uint8_t passed[QV_PACKET_MAX];
	floor_check(argc == 5, "usage: floor_picture WIDTH HEIGHT FPS BITRATE;");
	int width = number(argv[1]), height = number(argv[2]), fps = number(argv[3]);
	struct qv_video_format format = { .pixel = QV_PIXEL_I420, .width = width, .height = height, .fps_den = 1 };
	struct qv_picture *picture = qv_picture_new(&format, NULL);
	struct bare_vpx *vpx = bare_vpx_new(width, height, fps, number(argv[4]));
	struct floor_path *path = floor_path_new();
	int64_t begin = qv_clock_now(&qv_clock_monotonic);
	floor_check(picture != NULL, "memory");
	for (int64_t n = 0;; n++) {
		qv_clock_sleep_until(begin + n * QV_NS_PER_SECOND / fps, -1, NULL);
		int64_t captured = begin + n * QV_NS_PER_SECOND / fps;
		floor_check(pattern_paint(picture, (uint64_t)n, captured, NULL) == 0, "the pattern");
		struct qv_frame frame = qv_picture_frame(picture);
		const uint8_t *bytes;
		size_t size = bare_vpx_encode(vpx, &frame, &bytes);
		for (size_t at = 0; at < size; at += PIECE)
			floor_path_pass(path, bytes + at, size - at < PIECE ? size - at : PIECE, passed + at);
		if (size == 0)
			continue;
		struct qv_frame shown = bare_vpx_decode(vpx, passed, size);
		struct judgement it = { 0 };
		int64_t now = qv_clock_now(&qv_clock_monotonic);
		it.stamped = qv_stamp_read(&shown, &it.stamp);
		judge_print(stdout, now, &shown, &it);
	}
}
