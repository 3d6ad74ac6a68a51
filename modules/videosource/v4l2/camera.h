/* SPDX-License-Identifier: Apache-2.0 */
/* A V4L2 capture device through libv4l2: open, negotiate, and what it offers in words. */
#ifndef VIDEOSOURCE_V4L2_CAMERA_H
#define VIDEOSOURCE_V4L2_CAMERA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/videodev2.h>

#include <qvisio/videosource.h>

/* What to ask of a camera; 0 leaves it to the camera. */
struct camera_request {
	uint32_t fourcc; /* V4L2_PIX_FMT_MJPEG, V4L2_PIX_FMT_YUYV */
	uint32_t pixels; /* set of QV_PIXEL_BIT that the codec takes */
	int width, height;
	double fps;
};

/* What was agreed. */
struct camera_mode {
	uint32_t fourcc; /* V4L2_PIX_FMT_MJPEG, _JPEG, _YUYV or _YUV420 */
	int stride;      /* of luma, or of packed samples */
	struct qv_video_format format;
};

/* v4l2_ioctl, again when a signal interrupts it. */
int camera_ioctl(int fd, unsigned long request, void *argument);

/* Records what the errno value `errnum` means for a camera, after `doing` failed. Returns -1. */
int camera_fail(struct qv_error *err, int errnum, const char *device, const char *doing);

/* A descriptor for the v4l2_* functions, non-blocking; or -1. Close with v4l2_close. */
int camera_open(const char *device, struct qv_error *err);

/* QV_E_UNSUPPORTED with what the camera offers when it cannot do what is asked. */
int camera_negotiate(int fd, const char *device, const struct camera_request *request, const struct qv_log *log,
		     struct camera_mode *mode, struct qv_error *err);

/* "MJPG 640x480 at 30, 15; YUYV 320x240 at 30": formats of the camera itself, as many as there is room for. */
void camera_describe(int fd, char *room, size_t size);

#endif
