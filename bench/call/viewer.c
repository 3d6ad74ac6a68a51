/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others show, judged as the witness of the tests judges (tests/harness/witness/judge.h), a line for each picture.
 *
 *   viewer raw WIDTH HEIGHT         I420 pictures on standard input
 *   viewer screen FILE WIDTH HEIGHT the screen of an Xvfb, which keeps it in FILE with -fbdir: a window at the top left
 *                                   with a border of 1 pixel
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <qvisio/clock.h>

#include "../../tests/harness/witness/judge.h"

#define LOOKS_NS 500000 /* between two looks at a screen */
#define BORDER   1      /* pixel */

static struct judge judge;

static void die(const char *what)
{
	fprintf(stderr, "viewer: %s\n", what);
	exit(2);
}

static int number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);
	if (end == text || *end || value < 1 || value > 4096)
		die("want raw WIDTH HEIGHT, or screen FILE WIDTH HEIGHT");
	return (int)value;
}

static struct qv_frame frame_of(const uint8_t *luma, int width, int height)
{
	return (struct qv_frame){ .format = { .pixel = QV_PIXEL_GRAY, .width = width, .height = height, .fps_den = 1 },
				  .plane = { luma },
				  .stride = { width },
				  .size = { (size_t)width * (size_t)height } };
}

static void tell(int64_t now, const struct qv_frame *frame)
{
	struct judgement judgement = judge_frame(&judge, frame);
	judge_print(stdout, now, frame, &judgement);
}

static void view_stream(int width, int height)
{
	size_t luma = (size_t)width * (size_t)height, size = luma * 3 / 2, got = 0;
	uint8_t *bytes = malloc(size);
	struct qv_frame frame = frame_of(bytes, width, height);
	if (!bytes)
		die("memory");
	fcntl(STDIN_FILENO, F_SETPIPE_SZ, 1 << 20);
	for (ssize_t part; (part = read(STDIN_FILENO, bytes + got, size - got)) > 0;) {
		got += (size_t)part;
		if (got < size)
			continue;
		tell(qv_clock_now(&qv_clock_monotonic), &frame);
		got = 0;
	}
	free(bytes);
}

/* The header of an XWD file, version 7: 25 numbers of 32 bits, big-endian. */
struct screen {
	const uint8_t *pixels; /* blue, green, red, unused */
	size_t stride;
};

static uint32_t field(const uint8_t *header, int index)
{
	const uint8_t *at = header + 4 * index;
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static struct screen open_screen(const char *path, int width, int height)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < 100)
		die("the screen's file cannot be read");
	uint8_t *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		die("the screen's file cannot be mapped");
	size_t at = field(map, 0) + 12 * (size_t)field(map, 19);
	struct screen screen = { map + at, field(map, 12) };
	if (field(map, 11) != 32 || field(map, 4) < (uint32_t)width + BORDER ||
	    field(map, 5) < (uint32_t)height + BORDER ||
	    at + screen.stride * ((size_t)height + BORDER) > (size_t)st.st_size)
		die("the screen is too small, or not of 24 bits");
	screen.pixels += BORDER * screen.stride + BORDER * (size_t)4;
	return screen;
}

/* Changes with the stamp, and costs little: the pixels in the midst of its cells. */
static uint64_t fingerprint(const struct screen *screen, int width, int height)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	for (int row = 0; row < QV_STAMP_ROWS; row++)
		for (int column = 0; column < QV_STAMP_COLUMNS; column++) {
			int y = (2 * row + 1) * height / (2 * QV_STAMP_GRID_ROWS);
			int x = (2 * column + 1) * width / (2 * QV_STAMP_COLUMNS);
			sum = (sum ^ screen->pixels[(size_t)y * screen->stride + 4 * (size_t)x + 1]) *
			      UINT64_C(0x100000001b3);
		}
	return sum;
}

/* BT.601, as baresip draws: it takes samples of limited range for full ones, and so they come back as they were. */
static void to_luma(const struct screen *screen, uint8_t *luma, int width, int top, int bottom)
{
	for (int y = top; y < bottom; y++) {
		const uint8_t *row = screen->pixels + (size_t)y * screen->stride;
		for (int x = 0; x < width; x++, row += 4)
			luma[(size_t)y * (size_t)width + (size_t)x] =
				(uint8_t)((29 * row[0] + 150 * row[1] + 77 * row[2] + 128) / 256);
	}
}

static void view_screen(const char *path, int width, int height)
{
	struct screen screen = open_screen(path, width, height);
	uint8_t *luma = calloc((size_t)width, (size_t)height);
	int stamped = QV_STAMP_ROWS * height / QV_STAMP_GRID_ROWS;
	struct qv_frame frame = frame_of(luma, width, height);
	struct qv_stamp last = { .capture_ns = -1 }, stamp;
	uint64_t seen = 0;
	if (!luma)
		die("memory");
	for (int64_t next = qv_clock_now(&qv_clock_monotonic);; next += LOOKS_NS) {
		qv_clock_sleep_until(next, -1, NULL);
		int64_t now = qv_clock_now(&qv_clock_monotonic);
		uint64_t print = fingerprint(&screen, width, height);
		if (print == seen)
			continue;
		seen = print;
		to_luma(&screen, luma, width, 0, stamped);
		if (!qv_stamp_read(&frame, &stamp) || stamp.capture_ns == last.capture_ns)
			continue;
		last = stamp;
		/* The server is still copying the rows below. */
		qv_clock_sleep_until(now + 3 * QV_NS_PER_MS, -1, NULL);
		to_luma(&screen, luma, width, 0, height);
		tell(now, &frame);
		next = qv_clock_now(&qv_clock_monotonic);
	}
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "raw") == 0)
		view_stream(number(argv[2]), number(argv[3]));
	else if (argc == 5 && strcmp(argv[1], "screen") == 0)
		view_screen(argv[2], number(argv[3]), number(argv[4]));
	else
		die("want raw WIDTH HEIGHT, or screen FILE WIDTH HEIGHT");
	judge_close(&judge);
	return 0;
}
