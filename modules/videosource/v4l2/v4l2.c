/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <libv4l2.h>

#include "../common/jpeg_scan.h"
#include "stream.h"

#define BACK_OFF_NS QV_NS_PER_MS

struct qv_videosource {
	const struct qv_host *host;
	char *device;
	int fd;
	struct camera_mode mode;
	struct stream stream;
	struct qv_picture *picture; /* YUYV is split into it */
	struct v4l2_buffer held;    /* of the frame that was handed out last */
	bool holds;
	bool started;           /* a buffer was seen */
	uint32_t last_sequence; /* as the driver counts */
	uint64_t sequence;
	uint64_t damaged;
};

static const char *const formats[] = { "auto", "mjpg", "yuyv", NULL };

static const struct qv_option options_table[] = {
	{ .name = "device", .type = QV_OPTION_STRING, .fallback = "/dev/video0", .help = "Device of the camera." },
	{ .name = "width",
	  .type = QV_OPTION_INT,
	  .min = 1,
	  .max = QV_VIDEO_SIDE_MAX,
	  .unit = "px",
	  .help = "Width of the picture; unset takes the camera's own." },
	{ .name = "height",
	  .type = QV_OPTION_INT,
	  .min = 1,
	  .max = QV_VIDEO_SIDE_MAX,
	  .unit = "px",
	  .help = "Height of the picture; unset takes the camera's own." },
	{ .name = "fps",
	  .type = QV_OPTION_FLOAT,
	  .min = 0.1,
	  .max = 1000,
	  .unit = "frames/s",
	  .help = "Frames a second; unset takes the camera's own." },
	{ .name = "format",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "auto",
	  .choices = formats,
	  .help = "What the camera is to send; auto takes the first that both the camera and the codec can do of mjpg "
		  "(passed on undecoded), yuyv, and whatever libv4lconvert can make 4:2:0 of." },
	{ .name = NULL },
};

static void v4l2_source_close(struct qv_videosource *source)
{
	if (!source)
		return;
	if (source->fd >= 0) {
		stream_stop(&source->stream);
		v4l2_close(source->fd);
	}
	qv_picture_free(source->picture);
	free(source->device);
	free(source);
}

static struct camera_request request_of(const struct qv_options *options, const struct qv_video_want *want)
{
	const char *format = qv_options_string(options, "format");
	bool mjpg = strcmp(format, "mjpg") == 0, yuyv = strcmp(format, "yuyv") == 0;
	return (struct camera_request){
		.fourcc = mjpg   ? V4L2_PIX_FMT_MJPEG
			  : yuyv ? V4L2_PIX_FMT_YUYV
				 : 0,
		.pixels = want->pixels,
		.width = (int)qv_options_int(options, "width"),
		.height = (int)qv_options_int(options, "height"),
		.fps = qv_options_float(options, "fps"),
	};
}

static int start(struct qv_videosource *source, const struct camera_request *request, struct qv_error *err)
{
	source->fd = camera_open(source->device, err);
	if (source->fd < 0)
		return -1;
	if (camera_negotiate(source->fd, source->device, request, source->host->log, &source->mode, err) != 0)
		return -1;
	if (source->mode.format.pixel == QV_PIXEL_I422) {
		source->picture = qv_picture_new(&source->mode.format, err);
		if (!source->picture)
			return -1;
	}
	return stream_start(&source->stream, source->fd, source->device, err);
}

static struct qv_videosource *v4l2_source_open(const struct qv_host *host, const struct qv_options *options,
					       const struct qv_video_want *want, struct qv_error *err)
{
	struct camera_request request = request_of(options, want);
	struct qv_videosource *source = calloc(1, sizeof *source);
	if (!source) {
		qv_fail(err, QV_E_NOMEM, "no memory for a camera");
		return NULL;
	}
	source->fd = -1;
	source->host = host;
	source->device = strdup(qv_options_string(options, "device"));
	if (!source->device)
		qv_fail(err, QV_E_NOMEM, "no memory for a camera");
	else if (start(source, &request, err) == 0)
		return source;
	v4l2_source_close(source);
	return NULL;
}

static void v4l2_source_format(const struct qv_videosource *source, struct qv_video_format *format)
{
	*format = source->mode.format;
}

/* Continues the driver's 32-bit count; a driver that does not count moves it by one. */
static uint64_t count_buffer(struct qv_videosource *source, const struct v4l2_buffer *buffer)
{
	uint32_t step = buffer->sequence - source->last_sequence;
	if (!source->started)
		source->sequence = 0;
	else
		source->sequence += step == 0 || step > INT32_MAX ? 1 : step;
	source->started = true;
	source->last_sequence = buffer->sequence;
	return source->sequence;
}

static int64_t capture_time(const struct qv_videosource *source, const struct v4l2_buffer *buffer)
{
	if ((buffer->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
		return (int64_t)buffer->timestamp.tv_sec * QV_NS_PER_SECOND + (int64_t)buffer->timestamp.tv_usec * 1000;
	return qv_clock_now(source->host->clock);
}

static bool view_jpeg(const struct qv_videosource *source, const uint8_t *bytes, size_t size, struct qv_frame *frame,
		      const char **why)
{
	struct jpeg_scan scan;
	enum jpeg_verdict verdict = jpeg_scan(bytes, size, &scan);
	*why = verdict == JPEG_SHORT ? "the JPEG image has no end" : scan.why;
	if (verdict != JPEG_COMPLETE)
		return false;
	*why = "the JPEG image has another size than was agreed";
	if (scan.width != source->mode.format.width || scan.height != source->mode.format.height ||
	    scan.size > QV_PACKET_MAX)
		return false;
	frame->plane[0] = bytes;
	frame->size[0] = scan.size;
	return true;
}

static bool view_i420(const struct qv_videosource *source, const uint8_t *bytes, size_t size, struct qv_frame *frame,
		      const char **why)
{
	size_t at = 0;
	for (int i = 0; i < 3; i++) {
		int width, height, stride = i ? source->mode.stride / 2 : source->mode.stride;
		qv_plane_dimensions(&source->mode.format, i, &width, &height);
		frame->plane[i] = bytes + at;
		frame->stride[i] = stride;
		frame->size[i] = (size_t)stride * (size_t)height;
		at += frame->size[i];
	}
	*why = "too few bytes";
	return at <= size;
}

/* Makes a frame of a buffer, in place where that is possible. False, and `why`, for a damaged one. */
static bool view(struct qv_videosource *source, const struct v4l2_buffer *buffer, struct qv_frame *frame,
		 const char **why)
{
	size_t size;
	const uint8_t *bytes = stream_bytes(&source->stream, buffer, &size);
	*why = "the camera marked it as damaged";
	if (buffer->flags & V4L2_BUF_FLAG_ERROR)
		return false;
	*frame = (struct qv_frame){ .format = source->mode.format };
	if (frame->format.pixel == QV_PIXEL_JPEG)
		return view_jpeg(source, bytes, size, frame, why);
	if (frame->format.pixel == QV_PIXEL_I420)
		return view_i420(source, bytes, size, frame, why);
	*why = "too few bytes";
	if (qv_picture_from_yuyv(source->picture, bytes, size, source->mode.stride, NULL) != 0)
		return false;
	*frame = qv_picture_frame(source->picture);
	return true;
}

/* Says so at the 1st, 2nd, 4th, 8th… so that a bad cable does not flood the log. */
static void note_damage(struct qv_videosource *source, const char *why)
{
	source->damaged++;
	if ((source->damaged & (source->damaged - 1)) == 0)
		qv_log_warning(source->host->log, "%s: a picture was left out: %s (%llu so far)", source->device, why,
			       (unsigned long long)source->damaged);
}

static void release_held(struct qv_videosource *source)
{
	if (source->holds)
		stream_give_back(&source->stream, &source->held);
	source->holds = false;
}

/*
 * Takes all that is there and keeps the newest that is whole: when the reader was slow, older ones would only add delay.
 * 1 with `frame`, 0 if nothing is there, -1.
 */
static int take_newest(struct qv_videosource *source, struct qv_frame *frame, struct qv_error *err)
{
	bool found = false;
	for (unsigned i = 0; i < source->stream.count; i++) {
		struct v4l2_buffer buffer;
		struct qv_frame seen;
		const char *why;
		int taken = stream_take(&source->stream, &buffer, found ? NULL : err);
		if (taken < 0 && !found)
			return -1;
		if (taken <= 0)
			break;
		uint64_t sequence = count_buffer(source, &buffer);
		if (!view(source, &buffer, &seen, &why)) {
			note_damage(source, why);
			stream_give_back(&source->stream, &buffer);
			continue;
		}
		release_held(source);
		source->held = buffer;
		source->holds = true;
		*frame = seen;
		frame->sequence = sequence;
		frame->capture_ns = capture_time(source, &buffer);
		found = true;
	}
	return found;
}

/* 1: look again; 0: the time is over; -1. `looked`: poll(2) said ready, and nothing was there. */
static int wait_for_buffer(struct qv_videosource *source, int64_t deadline_ns, bool looked, struct qv_error *err)
{
	int cancel_fd = source->host->cancel_fd;
	int64_t now = qv_clock_now(&qv_clock_monotonic), left = deadline_ns - now;
	int timeout_ms = -1;
	if (deadline_ns != INT64_MAX) {
		if (looked && left <= 0)
			return 0;
		timeout_ms = left > 0 ? (int)((left + QV_NS_PER_MS - 1) / QV_NS_PER_MS) : 0;
	}
	/* Some drivers and all libv4l2 plugins are always ready for poll(2). */
	if (looked && qv_clock_sleep_until(now + (left < BACK_OFF_NS ? left : BACK_OFF_NS), cancel_fd, err) != 0)
		return -1;
	return qv_wait_fd(source->fd, POLLIN, timeout_ms, cancel_fd, err);
}

static int v4l2_source_read(struct qv_videosource *source, struct qv_frame *frame, int timeout_ms, struct qv_error *err)
{
	int64_t deadline = timeout_ms < 0 ? INT64_MAX : qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	release_held(source);
	for (bool looked = false;; looked = true) {
		int ready = wait_for_buffer(source, deadline, looked, err);
		if (ready <= 0)
			return ready;
		int taken = take_newest(source, frame, err);
		if (taken != 0)
			return taken;
	}
}

static const struct qv_videosource_class class = {
	.head = {
		.kind = "videosource",
		.name = "v4l2",
		.summary = "a camera, through libv4l2",
		.abi_major = QV_VIDEOSOURCE_ABI_MAJOR,
		.abi_minor = QV_VIDEOSOURCE_ABI_MINOR,
		.size = sizeof(struct qv_videosource_class),
		.option_size = sizeof(struct qv_option),
		.options = options_table,
	},
	.open = v4l2_source_open,
	.close = v4l2_source_close,
	.format = v4l2_source_format,
	.read = v4l2_source_read,
};

static const struct qv_class *const classes[] = { &class.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0 AND LGPL-2.1-or-later",
	.classes = classes,
};
