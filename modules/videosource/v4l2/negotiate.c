/* SPDX-License-Identifier: Apache-2.0 */
#include "camera.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <libv4l2.h>

#define FORMATS_MAX 64

/* What could be captured, best first: without decoding, without conversion, through libv4lconvert. */
struct candidate {
	uint32_t fourcc;
	enum qv_pixel pixel;
	bool only_native;
};

static const struct candidate candidates[] = {
	{ V4L2_PIX_FMT_MJPEG, QV_PIXEL_JPEG, true },
	{ V4L2_PIX_FMT_JPEG, QV_PIXEL_JPEG, true },
	{ V4L2_PIX_FMT_YUYV, QV_PIXEL_I422, true },
	{ V4L2_PIX_FMT_YUV420, QV_PIXEL_I420, false },
};

struct negotiation {
	int fd;
	const char *device;
	const struct camera_request *request;
	const struct qv_log *log;
	struct v4l2_pix_format current;
};

static bool is_jpeg(uint32_t fourcc)
{
	return fourcc == V4L2_PIX_FMT_MJPEG || fourcc == V4L2_PIX_FMT_JPEG;
}

static bool offers(const struct negotiation *negotiation, uint32_t fourcc, bool only_native)
{
	struct v4l2_fmtdesc format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	for (format.index = 0; format.index < FORMATS_MAX; format.index++) {
		if (camera_ioctl(negotiation->fd, VIDIOC_ENUM_FMT, &format) != 0)
			return false;
		if (format.pixelformat == fourcc && !(only_native && format.flags & V4L2_FMT_FLAG_EMULATED))
			return true;
	}
	return false;
}

static bool is_asked_for(const struct negotiation *negotiation, const struct candidate *candidate)
{
	uint32_t asked = negotiation->request->fourcc;
	bool named = asked == 0 || asked == candidate->fourcc || (is_jpeg(asked) && is_jpeg(candidate->fourcc));
	return named && negotiation->request->pixels & QV_PIXEL_BIT(candidate->pixel);
}

/* Full range when the driver says so, and for what libv4lconvert decodes from a camera's JPEG. */
static enum qv_range range_of(const struct negotiation *negotiation, const struct v4l2_pix_format *pix)
{
	if (is_jpeg(pix->pixelformat))
		return QV_RANGE_FULL;
	if (pix->pixelformat == V4L2_PIX_FMT_YUV420 && !offers(negotiation, V4L2_PIX_FMT_YUV420, true) &&
	    offers(negotiation, V4L2_PIX_FMT_MJPEG, true) && !offers(negotiation, V4L2_PIX_FMT_YUYV, true))
		return QV_RANGE_FULL;
	uint32_t quantization = pix->quantization;
	if (quantization == V4L2_QUANTIZATION_DEFAULT)
		quantization = V4L2_MAP_QUANTIZATION_DEFAULT(false, pix->colorspace, pix->ycbcr_enc);
	return quantization == V4L2_QUANTIZATION_FULL_RANGE ? QV_RANGE_FULL : QV_RANGE_LIMITED;
}

/* 1: set just so; 0: the camera would take another size or format; -1. */
static int set_format(const struct negotiation *negotiation, const struct candidate *candidate,
		      struct camera_mode *mode, struct qv_error *err)
{
	const struct camera_request *request = negotiation->request;
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .fmt.pix = negotiation->current };
	struct v4l2_pix_format *pix = &format.fmt.pix;
	pix->pixelformat = candidate->fourcc;
	pix->field = V4L2_FIELD_ANY;
	pix->bytesperline = 0;
	pix->sizeimage = 0;
	pix->width = request->width ? (uint32_t)request->width : pix->width;
	pix->height = request->height ? (uint32_t)request->height : pix->height;
	uint32_t width = pix->width, height = pix->height;
	if (camera_ioctl(negotiation->fd, VIDIOC_S_FMT, &format) != 0)
		return errno == EINVAL ? 0 : camera_fail(err, errno, negotiation->device, "setting the format");
	bool size_asked = request->width || request->height;
	if (pix->pixelformat != candidate->fourcc || (size_asked && (pix->width != width || pix->height != height)))
		return 0;
	if (pix->width > QV_VIDEO_SIDE_MAX || pix->height > QV_VIDEO_SIDE_MAX)
		return 0;
	/* How odd sides are rounded is not defined for it. */
	if (candidate->pixel == QV_PIXEL_I420 && (pix->width % 2 || pix->height % 2))
		return 0;
	uint32_t tight = candidate->pixel == QV_PIXEL_I422 ? (pix->width + 1) / 2 * 4 : pix->width;
	*mode = (struct camera_mode){
		.fourcc = pix->pixelformat,
		.stride =
			(int)(pix->bytesperline > tight && pix->bytesperline <= INT16_MAX ? pix->bytesperline : tight),
		.format = { .pixel = candidate->pixel,
			    .range = range_of(negotiation, pix),
			    .width = (int)pix->width,
			    .height = (int)pix->height,
			    .fps_den = 1 },
	};
	return 1;
}

/* 1: the rate is what was asked, or the camera's own, or the camera cannot say; 0: it is another. */
static int set_rate(const struct negotiation *negotiation, struct camera_mode *mode, struct qv_error *err)
{
	double asked = negotiation->request->fps;
	struct v4l2_streamparm parameters = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_fract *time = &parameters.parm.capture.timeperframe;
	bool known = camera_ioctl(negotiation->fd, VIDIOC_G_PARM, &parameters) == 0;
	bool settable = known && parameters.parm.capture.capability & V4L2_CAP_TIMEPERFRAME;
	if (settable && asked > 0) {
		*time = (struct v4l2_fract){ .numerator = 1000, .denominator = (uint32_t)lround(asked * 1000) };
		if (camera_ioctl(negotiation->fd, VIDIOC_S_PARM, &parameters) != 0)
			return camera_fail(err, errno, negotiation->device, "setting the frame rate");
	}
	if (!known || time->numerator == 0 || time->denominator == 0 || time->numerator > INT32_MAX ||
	    time->denominator > INT32_MAX || time->denominator / time->numerator > 1000) {
		if (asked > 0)
			qv_log_warning(negotiation->log,
				       "%s: the camera does not tell its frame rate, so that %g may not be it",
				       negotiation->device, asked);
		return 1;
	}
	mode->format.fps_num = (int)time->denominator;
	mode->format.fps_den = (int)time->numerator;
	double got = (double)time->denominator / (double)time->numerator;
	return asked <= 0 || fabs(got - asked) <= 0.01 * asked;
}

static int refuse(const struct negotiation *negotiation, struct qv_error *err)
{
	const struct camera_request *request = negotiation->request;
	char offered[512], size[32] = "", rate[32] = "";
	camera_describe(negotiation->fd, offered, sizeof offered);
	if (request->width || request->height)
		snprintf(size, sizeof size, " %dx%d", request->width ? request->width : (int)negotiation->current.width,
			 request->height ? request->height : (int)negotiation->current.height);
	if (request->fps > 0)
		snprintf(rate, sizeof rate, " at %g frames/s", request->fps);
	const char *format = request->fourcc == 0       ? "a format that the video codec takes"
			     : is_jpeg(request->fourcc) ? "MJPG"
							: "YUYV";
	return qv_fail(err, QV_E_UNSUPPORTED, "%s: the camera does not do %s%s%s; it offers: %s", negotiation->device,
		       format, size, rate, offered);
}

static int check_codec(const struct camera_request *request, const char *device, struct qv_error *err)
{
	if (is_jpeg(request->fourcc) && !(request->pixels & QV_PIXEL_BIT(QV_PIXEL_JPEG)))
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "%s: format \"mjpg\" is passed on undecoded, which only the video codec mjpeg takes; "
			       "format \"auto\" decodes it",
			       device);
	if (request->fourcc == V4L2_PIX_FMT_YUYV && !(request->pixels & QV_PIXEL_BIT(QV_PIXEL_I422)))
		return qv_fail(
			err, QV_E_UNSUPPORTED,
			"%s: format \"yuyv\" is i422, which the video codec does not take; format \"auto\" converts it",
			device);
	return 0;
}

int camera_negotiate(int fd, const char *device, const struct camera_request *request, const struct qv_log *log,
		     struct camera_mode *mode, struct qv_error *err)
{
	struct v4l2_format current = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	if (check_codec(request, device, err) != 0)
		return -1;
	if (camera_ioctl(fd, VIDIOC_G_FMT, &current) != 0)
		return camera_fail(err, errno, device, "asking for its format");
	struct negotiation negotiation = { fd, device, request, log, current.fmt.pix };
	for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
		const struct candidate *candidate = &candidates[i];
		if (!is_asked_for(&negotiation, candidate) ||
		    !offers(&negotiation, candidate->fourcc, candidate->only_native))
			continue;
		int set = set_format(&negotiation, candidate, mode, err);
		if (set > 0)
			set = set_rate(&negotiation, mode, err);
		if (set != 0)
			return set > 0 ? 0 : -1;
	}
	return refuse(&negotiation, err);
}
