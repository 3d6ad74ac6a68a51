/* SPDX-License-Identifier: Apache-2.0 */
/* What a camera offers, in words. */
#include "camera.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MANY 64 /* of one thing; a driver that never ends its list must not hold us */

struct text {
	char *start;
	size_t room, used;
};

static void __attribute__((format(printf, 2, 3))) append(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text->start + text->used, text->room - text->used, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	text->used += (size_t)length;
	if (text->used >= text->room)
		text->used = text->room - 1;
}

static void append_rates(struct text *text, int fd, uint32_t fourcc, uint32_t width, uint32_t height)
{
	struct v4l2_frmivalenum rate = { .pixel_format = fourcc, .width = width, .height = height };
	for (rate.index = 0; rate.index < MANY && camera_ioctl(fd, VIDIOC_ENUM_FRAMEINTERVALS, &rate) == 0;
	     rate.index++) {
		bool discrete = rate.type == V4L2_FRMIVAL_TYPE_DISCRETE;
		const struct v4l2_fract *time = discrete ? &rate.discrete : &rate.stepwise.min;
		if (time->numerator == 0)
			continue;
		append(text, "%s%s%.4g", rate.index ? ", " : " at ", discrete ? "" : "up to ",
		       (double)time->denominator / (double)time->numerator);
		if (!discrete)
			break;
	}
}

static void append_sizes(struct text *text, int fd, uint32_t fourcc)
{
	struct v4l2_frmsizeenum size = { .pixel_format = fourcc };
	for (size.index = 0; size.index < MANY && camera_ioctl(fd, VIDIOC_ENUM_FRAMESIZES, &size) == 0; size.index++) {
		const char *before = size.index ? ", " : " ";
		if (size.type != V4L2_FRMSIZE_TYPE_DISCRETE) {
			append(text, "%s%ux%u to %ux%u", before, size.stepwise.min_width, size.stepwise.min_height,
			       size.stepwise.max_width, size.stepwise.max_height);
			append_rates(text, fd, fourcc, size.stepwise.max_width, size.stepwise.max_height);
			break;
		}
		append(text, "%s%ux%u", before, size.discrete.width, size.discrete.height);
		append_rates(text, fd, fourcc, size.discrete.width, size.discrete.height);
	}
}

void camera_describe(int fd, char *room, size_t size)
{
	struct text text = { .start = room, .room = size };
	struct v4l2_fmtdesc format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	append(&text, "%s", "");
	for (format.index = 0; format.index < MANY && camera_ioctl(fd, VIDIOC_ENUM_FMT, &format) == 0; format.index++) {
		if (format.flags & V4L2_FMT_FLAG_EMULATED)
			continue;
		uint32_t code = format.pixelformat;
		append(&text, "%s%c%c%c%c", text.used ? "; " : "", (char)(code & 0x7f), (char)(code >> 8 & 0x7f),
		       (char)(code >> 16 & 0x7f), (char)(code >> 24 & 0x7f));
		append_sizes(&text, fd, code);
	}
	if (text.used == 0)
		append(&text, "nothing that it tells");
	/* No control character of a driver reaches a terminal. */
	for (char *c = room; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}
