/* SPDX-License-Identifier: Apache-2.0 */
#include "video.h"

#include <math.h>

#include <qvisio/videosink.h>

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	const struct qv_videosink_class *class = qv_videosink_class(check->class);
	struct qv_videosink *sinks[2] = { NULL, NULL };
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		sinks[i] = class->open(&check->host, options, "conformance", err);
		result = sinks[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++)
		class->close(sinks[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_videosink_class(class)->close(NULL);
}

static struct qv_videosink *open_sink(struct check *check)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, NULL);
	struct qv_videosink *sink =
		qv_videosink_class(check->class)->open(&check->host, options, "conformance \"\xc3\xa9\"", &err);
	qv_options_free(options);
	if (!sink)
		check_not_opened(check, &err);
	return sink;
}

static void show(struct check *check, struct qv_videosink *sink, const struct qv_video_format *format, int phase)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_picture *picture = video_picture(check, format, phase);
	struct qv_frame frame = qv_picture_frame(picture);
	frame.capture_ns = qv_clock_now(check->host.clock);
	frame.sequence = (uint64_t)phase;
	REQUIRE(check, qv_videosink_class(check->class)->show(sink, &frame, &err) == 0, "show of %s %dx%d: %s",
		qv_pixel_name(format->pixel), format->width, format->height, err.message);
	qv_picture_free(picture);
}

static void shows_each_format(struct check *check)
{
	static const enum qv_pixel pixels[] = { QV_PIXEL_I420, QV_PIXEL_I422, QV_PIXEL_I444, QV_PIXEL_GRAY };
	for (size_t i = 0; i < sizeof pixels / sizeof pixels[0]; i++) {
		struct qv_videosink *sink = open_sink(check);
		struct qv_video_format format = { pixels[i], i % 2 ? QV_RANGE_FULL : QV_RANGE_LIMITED, 64, 48, 30, 1 };
		for (int phase = 0; phase < 3; phase++)
			show(check, sink, &format, phase);
		qv_videosink_class(check->class)->close(sink);
	}
}

static void follows_changes(struct check *check)
{
	static const struct qv_video_format formats[] = {
		{ QV_PIXEL_I420, QV_RANGE_FULL, 64, 48, 30, 1 },
		{ QV_PIXEL_I420, QV_RANGE_FULL, 160, 120, 30, 1 },
		{ QV_PIXEL_I444, QV_RANGE_LIMITED, 33, 17, 0, 1 },
		{ QV_PIXEL_GRAY, QV_RANGE_FULL, 1, 1, 30000, 1001 },
		{ QV_PIXEL_I422, QV_RANGE_LIMITED, 1280, 720, 5, 1 },
		{ QV_PIXEL_I420, QV_RANGE_FULL, 64, 48, 30, 1 },
	};
	struct qv_videosink *sink = open_sink(check);
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
		show(check, sink, &formats[i], (int)i);
	qv_videosink_class(check->class)->close(sink);
}

static void refuses_false_frames(struct check *check)
{
	const struct qv_videosink_class *class = qv_videosink_class(check->class);
	struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_FULL, 64, 48, 30, 1 };
	struct qv_videosink *sink = open_sink(check);
	struct qv_picture *picture = video_picture(check, &format, 0);
	struct qv_frame good = qv_picture_frame(picture);
	struct qv_frame bad[] = { good, good, good, good };
	bad[0].size[2] = 1;
	bad[1].stride[0] = 63;
	bad[2].format.height = 4096;
	bad[3].format.pixel = QV_PIXEL_JPEG;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		REQUIRE(check, class->show(sink, &bad[i], &err) != 0,
			"a frame that does not hold what it says was shown (%zu)", i);
		check_error_filled(check, "show", &err);
	}
	show(check, sink, &format, 1);
	qv_picture_free(picture);
	class->close(sink);
}

static void takes_status(struct check *check)
{
	static const enum qv_secured states[] = { QV_SECURED_NONE, QV_SECURED_CLASSIC, QV_SECURED_QKD };
	const struct qv_videosink_class *class = qv_videosink_class(check->class);
	struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_FULL, 64, 48, 30, 1 };
	struct qv_videosink *sink = open_sink(check);
	struct qv_error err = QV_ERROR_INIT;
	if (!class->status && !class->poll)
		check_skip(check, "it has neither status nor poll");
	for (int i = 0; i < 3; i++) {
		if (class->status)
			REQUIRE(check,
				class->status(sink, states[i],
					      i ? "QKD \xc2\xb7 TLS_AES_256_GCM_SHA384 \xc2\xb7 key 1f0c" : "",
					      &err) == 0,
				"status: %s", err.message);
		if (class->poll)
			REQUIRE(check, class->poll(sink, &err) == 0, "poll: %s", err.message);
		show(check, sink, &format, i);
	}
	class->close(sink);
}

static void shows_more(struct check *check)
{
	static const char *const texts[] = { "one line", "several\nlines \xc3\xa9\n\n%s", "", "x", NULL };
	const struct qv_videosink_class *class = qv_videosink_class(check->class);
	struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_FULL, 64, 48, 30, 1 };
	struct qv_videosink *sink = open_sink(check);
	struct qv_picture *own = video_picture(check, &format, 7);
	struct qv_frame frame = qv_picture_frame(own);
	struct qv_error err = QV_ERROR_INIT;
	for (int i = 0; i < 5; i++) {
		for (int overlay = 0; class->overlay && overlay < QV_OVERLAY_COUNT; overlay++)
			REQUIRE(check, class->overlay(sink, (enum qv_overlay)overlay, texts[i], &err) == 0,
				"overlay: %s", err.message);
		if (class->self_view)
			REQUIRE(check, class->self_view(sink, i % 2 ? NULL : &frame, &err) == 0, "self_view: %s",
				err.message);
		if (class->levels)
			class->levels(sink, i % 2 ? -20.0 : NAN, -100.0 + 25 * i);
		show(check, sink, &format, i);
		if (class->key)
			REQUIRE(check, class->key(sink) == 0, "a key that nobody pressed");
	}
	qv_picture_free(own);
	class->close(sink);
}

static const struct check_case cases[] = {
	{ "each planar format is shown", shows_each_format },
	{ "size and format may change", follows_changes },
	{ "frames that do not hold what they say are refused", refuses_false_frames },
	{ "status and poll work before and between frames", takes_status },
	{ "texts, our own picture and levels may come and go, and no key is made up", shows_more },
	{ NULL, NULL },
};

const struct check_suite check_videosink = { "videosink", open_close, close_null, cases, NULL };
