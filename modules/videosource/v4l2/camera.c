/* SPDX-License-Identifier: Apache-2.0 */
#include "camera.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <libv4l2.h>

int camera_ioctl(int fd, unsigned long request, void *argument)
{
	int result;
	do
		result = v4l2_ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result;
}

int camera_fail(struct qv_error *err, int errnum, const char *device, const char *doing)
{
	switch (errnum) {
	case EBUSY:
		return qv_fail(err, QV_E_BUSY,
			       "%s: %s: the camera is in use by another program (`fuser -v %s` shows which)", device,
			       doing, device);
	case ENODEV:
		return qv_fail(err, QV_E_GONE, "%s: %s: the camera was unplugged", device, doing);
	case ENOSPC:
		return qv_fail(err, QV_E_IO,
			       "%s: %s: the USB bus has no bandwidth left: take a smaller picture, a lower rate or "
			       "format = \"mjpg\", or another USB port",
			       device, doing);
	default:
		return qv_fail_errno(err, QV_E_IO, errnum, "%s: %s", device, doing);
	}
}

static int open_fail(struct qv_error *err, int errnum, const char *device)
{
	switch (errnum) {
	case ENOENT:
		return qv_fail(err, QV_E_NOT_FOUND,
			       "%s: there is no such device (`v4l2-ctl --list-devices` shows the cameras)", device);
	case EACCES:
	case EPERM:
		return qv_fail(err, QV_E_DENIED,
			       "%s: no permission to use the camera (its group, often \"video\", has it)", device);
	case ENXIO:
		return qv_fail(err, QV_E_GONE, "%s: the camera was unplugged", device);
	default:
		return camera_fail(err, errnum, device, "opening");
	}
}

static int not_a_camera(struct qv_error *err, const char *device, const char *why)
{
	return qv_fail(err, QV_E_INVALID, "%s: not a camera: %s (`v4l2-ctl --list-devices` shows the cameras)", device,
		       why);
}

static int check_capabilities(int fd, const char *device, struct qv_error *err)
{
	struct v4l2_capability capability = { 0 };
	if (camera_ioctl(fd, VIDIOC_QUERYCAP, &capability) != 0)
		return camera_fail(err, errno, device, "asking what it is");
	bool own = capability.capabilities & V4L2_CAP_DEVICE_CAPS;
	uint32_t can = own ? capability.device_caps : capability.capabilities;
	if (!(can & V4L2_CAP_VIDEO_CAPTURE))
		return not_a_camera(err, device,
				    "it captures no pictures; a camera often has a second device for metadata");
	if (!(can & V4L2_CAP_STREAMING))
		return not_a_camera(err, device, "it cannot stream");
	return 0;
}

int camera_open(const char *device, struct qv_error *err)
{
	int fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return open_fail(err, errno, device);
	if (v4l2_fd_open(fd, 0) < 0) {
		int errnum = errno;
		close(fd);
		if (errnum == EBUSY || errnum == ENODEV)
			return camera_fail(err, errnum, device, "opening");
		return not_a_camera(err, device, "it does not answer as a video device");
	}
	if (check_capabilities(fd, device, err) == 0)
		return fd;
	v4l2_close(fd);
	return -1;
}
