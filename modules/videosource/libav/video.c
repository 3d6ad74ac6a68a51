/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include <qvisio/videosource.h>

#include "classes.h"
#include "player.h"

/* Of pictures that are later than this only each fifth is shown; a second late, all of them wait. */
#define LATE_NS    (100 * QV_NS_PER_MS)
#define LATE_SHOWN 5
#define HD_HEIGHT  720 /* from here on BT.709 is meant where a file does not say */

struct qv_videosource {
	const struct qv_host *host;
	struct seat *seat;
	struct qv_video_format format;
	struct qv_picture *picture;
	struct SwsContext *scaler;
	AVFrame *frame;
	bool waiting; /* `frame` is decoded and not yet due */
	int64_t at_ns;
	uint64_t sequence;
	int late_in_a_row;
};

static const struct {
	enum qv_pixel pixel;
	enum AVPixelFormat av;
} pixels[] = {
	{ QV_PIXEL_I420, AV_PIX_FMT_YUV420P },
	{ QV_PIXEL_I422, AV_PIX_FMT_YUV422P },
	{ QV_PIXEL_I444, AV_PIX_FMT_YUV444P },
	{ QV_PIXEL_GRAY, AV_PIX_FMT_GRAY8 },
};
#define PIXELS (sizeof pixels / sizeof pixels[0])

/* The old names of full range. */
static enum AVPixelFormat plain(enum AVPixelFormat format, bool *full)
{
	*full = format == AV_PIX_FMT_YUVJ420P || format == AV_PIX_FMT_YUVJ422P || format == AV_PIX_FMT_YUVJ444P;
	switch (format) {
	case AV_PIX_FMT_YUVJ420P:
		return AV_PIX_FMT_YUV420P;
	case AV_PIX_FMT_YUVJ422P:
		return AV_PIX_FMT_YUV422P;
	case AV_PIX_FMT_YUVJ444P:
		return AV_PIX_FMT_YUV444P;
	default:
		return format;
	}
}

static enum AVPixelFormat av_pixel(enum qv_pixel pixel)
{
	size_t i = 0;
	while (pixels[i].pixel != pixel)
		i++;
	return pixels[i].av;
}

static bool is_rgb(enum AVPixelFormat format)
{
	const AVPixFmtDescriptor *description = av_pix_fmt_desc_get(format);
	return description && (description->flags & AV_PIX_FMT_FLAG_RGB);
}

/* What the stream has, if it is wanted, else the first that is. */
static int choose_format(struct qv_videosource *source, const struct qv_video_want *want, struct qv_error *err)
{
	const AVCodecParameters *parameters = seat_stream(source->seat)->codecpar;
	AVRational rate = seat_frame_rate(source->seat);
	bool full;
	enum AVPixelFormat has = plain(parameters->format, &full);
	struct qv_video_format *format = &source->format;
	*format = (struct qv_video_format){ .width = parameters->width, .height = parameters->height, .fps_den = 1 };
	for (size_t i = PIXELS; i-- > 0;)
		if (want->pixels & QV_PIXEL_BIT(pixels[i].pixel))
			format->pixel = pixels[i].pixel;
	for (size_t i = 0; i < PIXELS; i++)
		if ((want->pixels & QV_PIXEL_BIT(pixels[i].pixel)) && pixels[i].av == has)
			format->pixel = pixels[i].pixel;
	if (format->pixel == QV_PIXEL_NONE)
		return qv_fail(err, QV_E_UNSUPPORTED, "%s: the video codec takes none of the formats that can be made",
			       seat_name(source->seat));
	format->range = full || parameters->color_range == AVCOL_RANGE_JPEG || is_rgb(parameters->format)
				? QV_RANGE_FULL
				: QV_RANGE_LIMITED;
	if (rate.num > 0 && rate.den > 0 && av_q2d(rate) <= 1000) {
		format->fps_num = rate.num;
		format->fps_den = rate.den;
	}
	if (qv_video_format_check(format, err) != 0)
		return qv_error_prefix(err, "%s", seat_name(source->seat));
	return 0;
}

void libav_video_close(struct qv_videosource *source)
{
	if (!source)
		return;
	seat_leave(source->seat);
	qv_picture_free(source->picture);
	sws_freeContext(source->scaler);
	av_frame_free(&source->frame);
	free(source);
}

struct qv_videosource *libav_video_open(const struct qv_host *host, const struct qv_options *options,
					const struct qv_video_want *want, struct qv_error *err)
{
	struct qv_videosource *source = calloc(1, sizeof *source);
	if (!source || !(source->frame = av_frame_alloc())) {
		free(source);
		qv_fail(err, QV_E_NOMEM, "no memory for a video source");
		return NULL;
	}
	source->host = host;
	source->seat = seat_take(host, options, AVMEDIA_TYPE_VIDEO, err);
	if (source->seat && choose_format(source, want, err) == 0)
		source->picture = qv_picture_new(&source->format, err);
	if (source->picture)
		return source;
	libav_video_close(source);
	return NULL;
}

void libav_video_format(const struct qv_videosource *source, struct qv_video_format *format)
{
	*format = source->format;
}

/* The matrix of a frame, as libswscale numbers it. All pictures of a call are BT.601. */
static int matrix_of(const AVFrame *frame)
{
	switch (frame->colorspace) {
	case AVCOL_SPC_BT709:
		return SWS_CS_ITU709;
	case AVCOL_SPC_BT2020_NCL:
	case AVCOL_SPC_BT2020_CL:
		return SWS_CS_BT2020;
	case AVCOL_SPC_UNSPECIFIED:
		return frame->height >= HD_HEIGHT ? SWS_CS_ITU709 : SWS_CS_ITU601;
	default:
		return SWS_CS_ITU601;
	}
}

static int convert(struct qv_videosource *source, struct qv_error *err)
{
	const AVFrame *frame = source->frame;
	struct qv_frame view = qv_picture_frame(source->picture);
	bool old_full;
	enum AVPixelFormat from = plain(frame->format, &old_full);
	if (frame->width < 1 || frame->height < 1 || frame->width > QV_VIDEO_SIDE_MAX ||
	    frame->height > QV_VIDEO_SIDE_MAX)
		return qv_fail(err, QV_E_IO, "%s: a picture of %dx%d", seat_name(source->seat), frame->width,
			       frame->height);
	source->scaler = sws_getCachedContext(source->scaler, frame->width, frame->height, from, source->format.width,
					      source->format.height, av_pixel(source->format.pixel), SWS_BILINEAR, NULL,
					      NULL, NULL);
	if (!source->scaler)
		return qv_fail(err, QV_E_UNSUPPORTED, "%s: pictures in the format %s cannot be converted",
			       seat_name(source->seat), av_get_pix_fmt_name(frame->format));
	bool full = old_full || frame->color_range == AVCOL_RANGE_JPEG;
	sws_setColorspaceDetails(source->scaler, sws_getCoefficients(matrix_of(frame)), full,
				 sws_getCoefficients(SWS_CS_ITU601), source->format.range == QV_RANGE_FULL, 0, 1 << 16,
				 1 << 16);
	uint8_t *planes[4] = { NULL };
	int strides[4] = { 0 };
	for (int i = 0; i < qv_pixel_planes(source->format.pixel); i++) {
		planes[i] = qv_picture_plane(source->picture, i);
		strides[i] = view.stride[i];
	}
	int done = sws_scale(source->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height,
			     planes, strides);
	return done > 0 ? 0 : libav_fail(err, QV_E_IO, done, "%s: converting a picture", seat_name(source->seat));
}

static int fetch(struct qv_videosource *source, int timeout_ms, struct qv_error *err)
{
	if (source->waiting)
		return 1;
	av_frame_unref(source->frame);
	int got = seat_frame(source->seat, source->frame, &source->at_ns, timeout_ms, err);
	source->waiting = got > 0;
	return got;
}

/* Waits until the picture is due. 1: it is; 2: it is so late that it is left out; 0: not yet; -1. */
static int await_instant(struct qv_videosource *source, int64_t deadline, int64_t *instant, struct qv_error *err)
{
	int64_t now = qv_clock_now(source->host->clock);
	*instant = seat_paced(source->seat) ? seat_instant(source->seat, source->at_ns) : now;
	int64_t left = *instant - now;
	if (-left > QV_NS_PER_SECOND) {
		seat_delay(source->seat, -left);
		*instant = now;
		left = 0;
	}
	if (-left > LATE_NS && ++source->late_in_a_row % LATE_SHOWN)
		return 2;
	if (-left <= LATE_NS)
		source->late_in_a_row = 0;
	int64_t until = qv_clock_now(&qv_clock_monotonic) + (left > 0 ? left : 0);
	bool in_time = until <= deadline;
	if (qv_clock_sleep_until(in_time ? until : deadline, source->host->cancel_fd, err) != 0)
		return -1;
	return in_time;
}

int libav_video_read(struct qv_videosource *source, struct qv_frame *frame, int timeout_ms, struct qv_error *err)
{
	int64_t deadline = timeout_ms < 0 ? INT64_MAX : qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	for (;;) {
		int64_t instant, left = deadline - qv_clock_now(&qv_clock_monotonic);
		int left_ms = timeout_ms < 0 ? -1 : left < 0 ? 0 : (int)(left / QV_NS_PER_MS);
		int got = fetch(source, left_ms, err);
		if (got <= 0)
			return got;
		got = await_instant(source, deadline, &instant, err);
		if (got <= 0)
			return got;
		source->waiting = false;
		source->sequence++;
		if (got == 2)
			continue;
		if (convert(source, err) != 0)
			return -1;
		*frame = qv_picture_frame(source->picture);
		frame->format = source->format;
		frame->capture_ns = instant;
		frame->sequence = source->sequence - 1;
		return 1;
	}
}
