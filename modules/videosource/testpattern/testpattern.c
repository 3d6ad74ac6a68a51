/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <qvisio/videosource.h>

#include "../common/pacer.h"
#include "pattern.h"

struct qv_videosource {
	struct qv_picture *picture;
	struct pacer pacer;
	uint64_t delivered;
	uint64_t frames; /* 0: endless */
};

static const char *const pixels[] = { "auto", "i420", "i422", "i444", "gray", NULL };

static const struct qv_option options_table[] = {
	{ .name = "width",
	  .type = QV_OPTION_INT,
	  .fallback = "640",
	  .min = QV_STAMP_WIDTH_MIN,
	  .max = QV_VIDEO_SIDE_MAX,
	  .unit = "px",
	  .help = "Width of the picture." },
	{ .name = "height",
	  .type = QV_OPTION_INT,
	  .fallback = "480",
	  .min = QV_STAMP_HEIGHT_MIN,
	  .max = QV_VIDEO_SIDE_MAX,
	  .unit = "px",
	  .help = "Height of the picture." },
	{ .name = "fps",
	  .type = QV_OPTION_INT,
	  .fallback = "30",
	  .min = 1,
	  .max = 240,
	  .unit = "frames/s",
	  .help = "Frames a second." },
	{ .name = "pixel",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "auto",
	  .choices = pixels,
	  .help = "Pixel format; auto takes the first of i420, i422, i444 and gray that the codec takes." },
	{ .name = "frames",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = 1e12,
	  .help = "Ends after so many frames; 0 never ends." },
	{ .name = NULL },
};

static enum qv_pixel choose_pixel(const char *name, uint32_t wanted)
{
	static const enum qv_pixel order[] = { QV_PIXEL_I420, QV_PIXEL_I422, QV_PIXEL_I444, QV_PIXEL_GRAY };
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		bool named = strcmp(name, "auto") == 0 || strcmp(name, qv_pixel_name(order[i])) == 0;
		if (named && wanted & QV_PIXEL_BIT(order[i]))
			return order[i];
	}
	return QV_PIXEL_NONE;
}

static void testpattern_close(struct qv_videosource *source)
{
	if (!source)
		return;
	qv_picture_free(source->picture);
	free(source);
}

static struct qv_videosource *testpattern_open(const struct qv_host *host, const struct qv_options *options,
					       const struct qv_video_want *want, struct qv_error *err)
{
	const char *pixel = qv_options_string(options, "pixel");
	struct qv_video_format format = {
		.pixel = choose_pixel(pixel, want->pixels),
		.range = QV_RANGE_LIMITED,
		.width = (int)qv_options_int(options, "width"),
		.height = (int)qv_options_int(options, "height"),
		.fps_num = (int)qv_options_int(options, "fps"),
		.fps_den = 1,
	};
	if (format.pixel == QV_PIXEL_NONE) {
		qv_options_fail(options, "pixel", err, "the video codec does not take the test pattern as %s",
				strcmp(pixel, "auto") == 0 ? "i420, i422, i444 or gray" : pixel);
		return NULL;
	}
	struct qv_videosource *source = calloc(1, sizeof *source);
	if (!source) {
		qv_fail(err, QV_E_NOMEM, "no memory for the test pattern");
		return NULL;
	}
	source->frames = (uint64_t)qv_options_int(options, "frames");
	source->picture = qv_picture_new(&format, err);
	if (!source->picture) {
		testpattern_close(source);
		return NULL;
	}
	pacer_init(&source->pacer, host, format.fps_num, format.fps_den);
	return source;
}

static void testpattern_format(const struct qv_videosource *source, struct qv_video_format *format)
{
	*format = qv_picture_frame(source->picture).format;
}

static int testpattern_read(struct qv_videosource *source, struct qv_frame *frame, int timeout_ms, struct qv_error *err)
{
	uint64_t sequence;
	int64_t capture_ns;
	if (source->frames != 0 && source->delivered >= source->frames)
		return qv_fail(err, QV_E_END, "the test pattern ended after %llu frames",
			       (unsigned long long)source->frames);
	int ready = pacer_wait(&source->pacer, timeout_ms, &sequence, &capture_ns, err);
	if (ready <= 0)
		return ready;
	if (pattern_paint(source->picture, sequence, capture_ns, err) != 0)
		return -1;
	source->delivered++;
	*frame = qv_picture_frame(source->picture);
	frame->capture_ns = capture_ns;
	frame->sequence = sequence;
	return 1;
}

static const struct qv_videosource_class class = {
	.head = {
		.kind = "videosource",
		.name = "testpattern",
		.summary = "a moving pattern that carries frame number and capture time",
		.abi_major = QV_VIDEOSOURCE_ABI_MAJOR,
		.abi_minor = QV_VIDEOSOURCE_ABI_MINOR,
		.size = sizeof(struct qv_videosource_class),
		.option_size = sizeof(struct qv_option),
		.options = options_table,
	},
	.open = testpattern_open,
	.close = testpattern_close,
	.format = testpattern_format,
	.read = testpattern_read,
};

static const struct qv_class *const classes[] = { &class.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
