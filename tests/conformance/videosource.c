/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance.h"

#include <qvisio/videosource.h>

#define FRAMES      8
#define PATIENCE_MS 10000
#define ANY_PIXEL   (QV_PIXELS_PLANAR | QV_PIXEL_BIT(QV_PIXEL_JPEG))

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	const struct qv_videosource_class *class = qv_videosource_class(check->class);
	struct qv_videosource *sources[2] = { NULL, NULL };
	struct qv_video_want want = { .pixels = ANY_PIXEL };
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		sources[i] = class->open(&check->host, options, &want, err);
		result = sources[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++)
		class->close(sources[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_videosource_class(class)->close(NULL);
}

static struct qv_videosource *try_open(struct check *check, uint32_t pixels, struct qv_error *err)
{
	struct qv_video_want want = { .pixels = pixels };
	struct qv_options *options = check_options(check, NULL);
	struct qv_videosource *source = qv_videosource_class(check->class)->open(&check->host, options, &want, err);
	qv_options_free(options);
	return source;
}

static struct qv_videosource *open_source(struct check *check)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_videosource *source = try_open(check, ANY_PIXEL, &err);
	if (!source)
		check_not_opened(check, &err);
	return source;
}

/* The next frame, however long it takes; false at the end of a file. */
static bool next(struct check *check, struct qv_videosource *source, struct qv_frame *frame)
{
	struct qv_error err = QV_ERROR_INIT;
	int got = qv_videosource_class(check->class)->read(source, frame, PATIENCE_MS, &err);
	if (got < 0) {
		check_error_filled(check, "read", &err);
		REQUIRE(check, err.code == QV_E_END, "read: %s", err.message);
		return false;
	}
	REQUIRE(check, got <= 1, "read returned %d", got);
	if (got == 0)
		check_fail(check, "no frame came within %d ms", PATIENCE_MS);
	REQUIRE(check, qv_frame_check(frame, &err) == 0, "a frame does not hold what it says: %s", err.message);
	return true;
}

static void check_format(struct check *check, const struct qv_video_format *format, uint32_t pixels)
{
	struct qv_error err = QV_ERROR_INIT;
	REQUIRE(check, qv_video_format_check(format, &err) == 0, "the format is invalid: %s", err.message);
	REQUIRE(check, pixels & QV_PIXEL_BIT(format->pixel), "its pixel format %s is none of those wanted",
		qv_pixel_name(format->pixel));
}

static void frames_are_sound(struct check *check)
{
	const struct qv_videosource_class *class = qv_videosource_class(check->class);
	struct qv_videosource *source = open_source(check);
	struct qv_video_format format = { .pixel = QV_PIXEL_NONE };
	class->format(source, &format);
	check_format(check, &format, ANY_PIXEL);
	struct qv_frame frame;
	int64_t before = 0;
	uint64_t sequence = 0;
	for (int i = 0; i < FRAMES && next(check, source, &frame); i++) {
		REQUIRE(check,
			frame.format.pixel == format.pixel && frame.format.width == format.width &&
				frame.format.height == format.height && frame.format.range == format.range,
			"frame %d is of another format than was negotiated", i);
		REQUIRE(check, frame.capture_ns > before, "the capture time of frame %d is not after the one before",
			i);
		REQUIRE(check, frame.capture_ns <= qv_clock_now(check->host.clock), "frame %d is from the future", i);
		REQUIRE(check, i == 0 || frame.sequence > sequence, "the sequence number of frame %d does not grow", i);
		before = frame.capture_ns;
		sequence = frame.sequence;
	}
	REQUIRE(check, before != 0, "it ended before the first frame");
	class->close(source);
}

static void wishes_are_honoured(struct check *check)
{
	static const enum qv_pixel pixels[] = { QV_PIXEL_I420, QV_PIXEL_I422, QV_PIXEL_I444, QV_PIXEL_GRAY,
						QV_PIXEL_JPEG };
	const struct qv_videosource_class *class = qv_videosource_class(check->class);
	class->close(open_source(check));
	for (size_t i = 0; i < sizeof pixels / sizeof pixels[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		struct qv_videosource *source = try_open(check, QV_PIXEL_BIT(pixels[i]), &err);
		if (!source) {
			check_error_filled(check, "open", &err);
			continue;
		}
		struct qv_video_format format;
		struct qv_frame frame;
		class->format(source, &format);
		check_format(check, &format, QV_PIXEL_BIT(pixels[i]));
		if (next(check, source, &frame))
			check_format(check, &frame.format, QV_PIXEL_BIT(pixels[i]));
		class->close(source);
	}
	struct qv_error err = QV_ERROR_INIT;
	REQUIRE(check, !try_open(check, 0, &err), "it opens although no pixel format is wanted");
	check_error_filled(check, "open", &err);
}

static void no_wait_returns(struct check *check)
{
	const struct qv_videosource_class *class = qv_videosource_class(check->class);
	struct qv_videosource *source = open_source(check);
	for (int i = 0; i < 50; i++) {
		struct qv_frame frame;
		struct qv_error err = QV_ERROR_INIT;
		int got = class->read(source, &frame, 0, &err);
		REQUIRE(check, got >= 0 || err.code == QV_E_END, "read: %s", err.message);
		if (got > 0)
			REQUIRE(check, qv_frame_check(&frame, &err) == 0, "%s", err.message);
	}
	class->close(source);
}

static void cancel_is_heard(struct check *check)
{
	const struct qv_videosource_class *class = qv_videosource_class(check->class);
	struct qv_videosource *source = open_source(check);
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	check_cancel(check);
	int got = 1;
	/* What was captured before may still come. */
	for (int i = 0; i < 64 && got == 1; i++)
		got = class->read(source, &frame, 10 * PATIENCE_MS, &err);
	REQUIRE(check, got < 0, "it was cancelled and still returns %d", got);
	check_error_filled(check, "read", &err);
	REQUIRE(check, err.code == QV_E_CANCELLED || err.code == QV_E_END, "it was cancelled and says: %s",
		err.message);
	class->close(source);
}

static const struct check_case cases[] = {
	{ "frames are sound, of one format, in order, not from the future", frames_are_sound },
	{ "only wanted pixel formats are delivered", wishes_are_honoured },
	{ "a read without waiting returns", no_wait_returns },
	{ "a cancelled read ends", cancel_is_heard },
	{ NULL, NULL },
};

const struct check_suite check_videosource = { "videosource", open_close, close_null, cases, NULL };
