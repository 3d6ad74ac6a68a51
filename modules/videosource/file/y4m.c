/* SPDX-License-Identifier: Apache-2.0 */
#include "y4m.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 1024
#define MAGIC          "YUV4MPEG2"
#define PICTURE        "FRAME"

struct chroma {
	const char *tag;
	enum qv_pixel pixel;
};

/* The kinds of 4:2:0 differ in where chroma samples lie, which nothing here depends on. */
static const struct chroma chromas[] = {
	{ "420", QV_PIXEL_I420 },      { "420jpeg", QV_PIXEL_I420 }, { "420mpeg2", QV_PIXEL_I420 },
	{ "420paldv", QV_PIXEL_I420 }, { "422", QV_PIXEL_I422 },     { "444", QV_PIXEL_I444 },
	{ "mono", QV_PIXEL_GRAY },
};

/* Reads to the line feed, which is taken off. 1, 0 at the end of the file, -1. */
static int read_line(FILE *file, char line[LINE_MAX_BYTES], struct qv_error *err)
{
	long long start = ftello(file);
	size_t length = 0;
	int c;
	while ((c = getc(file)) != EOF && c != '\n') {
		if (c == 0 || length == LINE_MAX_BYTES - 1)
			return qv_fail(err, QV_E_IO, "byte %lld: a header line with %s", start + (long long)length,
				       c == 0 ? "a zero byte" : "more than 1023 bytes");
		line[length++] = (char)c;
	}
	line[length] = '\0';
	if (c == '\n')
		return 1;
	if (ferror(file))
		return qv_fail_errno(err, QV_E_IO, errno, "byte %lld: reading", start);
	if (length == 0)
		return 0;
	return qv_fail(err, QV_E_IO, "byte %lld: the file ends within a header line", start + (long long)length);
}

static int parse_number(const char **text, int *number)
{
	char *end;
	if (**text < '0' || **text > '9')
		return -1;
	errno = 0;
	long value = strtol(*text, &end, 10);
	if (errno != 0 || value > INT32_MAX)
		return -1;
	*text = end;
	*number = (int)value;
	return 0;
}

static int parse_side(const char *value, const char *what, int *side, struct qv_error *err)
{
	const char *rest = value;
	if (parse_number(&rest, side) != 0 || *rest || *side < 1 || *side > QV_VIDEO_SIDE_MAX)
		return qv_fail(err, QV_E_IO, "the header gives a %s of \"%.32s\", which is not from 1 to %d", what,
			       value, QV_VIDEO_SIDE_MAX);
	return 0;
}

/* "30000:1001"; "0:0" stands for unknown. */
static int parse_rate(const char *value, struct qv_video_format *format, struct qv_error *err)
{
	const char *rest = value;
	int num, den;
	if (parse_number(&rest, &num) != 0 || *rest++ != ':' || parse_number(&rest, &den) != 0 || *rest)
		return qv_fail(err, QV_E_IO, "the header gives a frame rate of \"%.32s\", which is not NUMBER:NUMBER",
			       value);
	format->fps_num = den == 0 ? 0 : num;
	format->fps_den = format->fps_num == 0 ? 1 : den;
	return 0;
}

static int parse_chroma(const char *value, struct qv_video_format *format, struct qv_error *err)
{
	for (size_t i = 0; i < sizeof chromas / sizeof chromas[0]; i++)
		if (strcmp(value, chromas[i].tag) == 0) {
			format->pixel = chromas[i].pixel;
			return 0;
		}
	return qv_fail(err, QV_E_UNSUPPORTED,
		       "the header gives the pixel format \"C%.32s\"; C420, C422, C444 and Cmono with 8 bits are taken "
		       "(ffmpeg -pix_fmt yuv420p makes one)",
		       value);
}

static int parse_interlacing(const char *value, struct qv_error *err)
{
	if (strcmp(value, "p") == 0 || strcmp(value, "?") == 0)
		return 0;
	return qv_fail(err, QV_E_UNSUPPORTED,
		       "the header says interlaced (\"I%.32s\"); only progressive pictures are taken (ffmpeg -vf yadif "
		       "makes them)",
		       value);
}

static int parse_field(const char *field, struct qv_video_format *format, struct qv_error *err)
{
	switch (field[0]) {
	case 'W':
		return parse_side(field + 1, "width", &format->width, err);
	case 'H':
		return parse_side(field + 1, "height", &format->height, err);
	case 'F':
		return parse_rate(field + 1, format, err);
	case 'I':
		return parse_interlacing(field + 1, err);
	case 'C':
		return parse_chroma(field + 1, format, err);
	case 'X':
		if (strcmp(field, "XCOLORRANGE=FULL") == 0)
			format->range = QV_RANGE_FULL;
		return 0;
	default: /* A is the aspect of a pixel; others may come */
		return 0;
	}
}

int y4m_read_header(FILE *file, struct qv_video_format *format, struct qv_error *err)
{
	char line[LINE_MAX_BYTES], *rest = line;
	/* Without a word on chroma it is 4:2:0. C420jpeg only says where chroma lies: the range is limited all the same. */
	*format = (struct qv_video_format){ .pixel = QV_PIXEL_I420, .range = QV_RANGE_LIMITED, .fps_den = 1 };
	int got = read_line(file, line, err);
	if (got < 0)
		return -1;
	const char *magic = strsep(&rest, " ");
	if (got == 0 || strcmp(magic, MAGIC) != 0)
		return qv_fail(err, QV_E_IO, "byte 0: no \"" MAGIC "\" header");
	for (char *field; (field = strsep(&rest, " ")) != NULL;)
		if (parse_field(field, format, err) != 0)
			return -1;
	if (format->width == 0 || format->height == 0)
		return qv_fail(err, QV_E_IO, "the header gives no %s", format->width == 0 ? "width" : "height");
	return qv_video_format_check(format, err);
}

static int short_picture(FILE *file, struct qv_error *err)
{
	if (ferror(file))
		return qv_fail_errno(err, QV_E_IO, errno, "byte %lld: reading", (long long)ftello(file));
	return qv_fail(err, QV_E_IO, "byte %lld: the file ends within a picture", (long long)ftello(file));
}

static int read_planes(FILE *file, struct qv_picture *picture, struct qv_error *err)
{
	struct qv_frame frame = qv_picture_frame(picture);
	for (int i = 0; i < qv_pixel_planes(frame.format.pixel); i++) {
		int width, height;
		qv_plane_dimensions(&frame.format, i, &width, &height);
		for (int y = 0; y < height; y++) {
			uint8_t *row = qv_picture_plane(picture, i) + (size_t)y * (size_t)frame.stride[i];
			if (fread(row, 1, (size_t)width, file) != (size_t)width)
				return short_picture(file, err);
		}
	}
	return 0;
}

static int step_over(FILE *file, const struct qv_video_format *format, struct qv_error *err)
{
	long long size = 0;
	for (int i = 0; i < qv_pixel_planes(format->pixel); i++) {
		int width, height;
		qv_plane_dimensions(format, i, &width, &height);
		size += (long long)width * height;
	}
	/* All but the last byte: a seek past the end of the file would succeed. */
	if (fseeko(file, size - 1, SEEK_CUR) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "byte %lld: stepping over a picture",
				     (long long)ftello(file));
	return getc(file) == EOF ? short_picture(file, err) : 0;
}

int y4m_read_picture(FILE *file, const struct qv_video_format *format, struct qv_picture *picture, struct qv_error *err)
{
	char line[LINE_MAX_BYTES] = "";
	long long start = ftello(file);
	int got = read_line(file, line, err);
	if (got < 0)
		return -1;
	if (got == 0)
		return qv_fail(err, QV_E_END, "the file ended");
	size_t word = strlen(PICTURE);
	if (strncmp(line, PICTURE, word) != 0 || (line[word] != ' ' && line[word] != '\0'))
		return qv_fail(err, QV_E_IO, "byte %lld: no \"" PICTURE "\" where a picture must begin", start);
	return picture ? read_planes(file, picture, err) : step_over(file, format, err);
}
