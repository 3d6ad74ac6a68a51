/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: a libv4l2 plugin that makes a camera of a regular file, so that the real libv4l2 and libv4lconvert run.
 *
 * The file starts with lines "name value" that end with a line "end"; the mapped buffers lie behind CONTROL_SIZE:
 *   camera PREFIX    pictures: PREFIX-0.jpg, PREFIX-1.jpg … for MJPG, PREFIX.yuyv one after another for YUYV
 *   pictures N       how many there are; they repeat
 *   mode FOURCC WIDTH HEIGHT FPS      what the camera can do, several times; the first is the one it starts with
 *   script LETTERS   one letter a picture, the last for all that follow: . good, s short, b without an end,
 *                    e marked as damaged, z of another size, d dropped, + due together with the next, u unplugged,
 *                    w none any more
 *   pace clock       pictures are due at their instants (default: each after DQBUF has said EAGAIN once)
 *   busy IOCTL       S_FMT, REQBUFS or STREAMON fails with EBUSY, or with ENOSPC after "full IOCTL"
 *   kind none|output|still    not a camera at all, or without capture, or without streaming
 *   nocount          every sequence is 0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <libv4l-plugin.h>
#include <linux/videodev2.h>

#define CONTROL_SIZE  (64 * 1024)
#define BUFFER_SIZE   (2 * 1024 * 1024)
#define BUFFERS_MAX   8
#define MODES_MAX     16
#define NS_PER_SECOND 1000000000LL

struct mode {
	uint32_t fourcc, width, height, fps;
};

struct camera {
	int fd;
	char prefix[1024], script[4096], busy[16], full[16], kind[16];
	unsigned pictures;
	bool paced, nocount;
	struct mode mode[MODES_MAX];
	unsigned modes, current;
	unsigned buffers;
	struct v4l2_buffer queue[BUFFERS_MAX]; /* in the order of QBUF */
	unsigned queued;
	bool streaming, due;
	long long start_ns;
	unsigned next; /* picture */
};

static int fail(int errnum)
{
	errno = errnum;
	return -1;
}

static void parse_line(struct camera *camera, const char *line)
{
	char fourcc[5];
	struct mode *mode = &camera->mode[camera->modes];
	sscanf(line, "camera %1023s", camera->prefix);
	sscanf(line, "pictures %u", &camera->pictures);
	sscanf(line, "script %4095s", camera->script);
	sscanf(line, "busy %15s", camera->busy);
	sscanf(line, "full %15s", camera->full);
	sscanf(line, "kind %15s", camera->kind);
	camera->paced |= strcmp(line, "pace clock") == 0;
	camera->nocount |= strcmp(line, "nocount") == 0;
	if (camera->modes < MODES_MAX &&
	    sscanf(line, "mode %4s %u %u %u", fourcc, &mode->width, &mode->height, &mode->fps) == 4) {
		mode->fourcc = v4l2_fourcc(fourcc[0], fourcc[1], fourcc[2], fourcc[3]);
		camera->modes++;
	}
}

static void *camera_init(int fd)
{
	char control[8192];
	struct stat status;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return NULL;
	ssize_t size = pread(fd, control, sizeof control - 1, 0);
	struct camera *camera = size > 0 ? calloc(1, sizeof *camera) : NULL;
	if (!camera)
		return NULL;
	control[size] = '\0';
	camera->fd = fd;
	char *rest = control, *line;
	while ((line = strsep(&rest, "\n")) && strcmp(line, "end") != 0)
		parse_line(camera, line);
	if (line && camera->modes > 0)
		return camera;
	free(camera);
	return NULL;
}

static void camera_close(void *private)
{
	free(private);
}

static int query_capabilities(const struct camera *camera, struct v4l2_capability *capability)
{
	*capability = (struct v4l2_capability){ .driver = "fake", .card = "Fake camera", .bus_info = "none" };
	capability->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	if (strcmp(camera->kind, "none") == 0)
		return fail(ENOTTY);
	if (strcmp(camera->kind, "output") == 0)
		capability->device_caps = V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING;
	if (strcmp(camera->kind, "still") == 0)
		capability->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_READWRITE;
	capability->capabilities = capability->device_caps | V4L2_CAP_DEVICE_CAPS;
	return 0;
}

static int enumerate_formats(const struct camera *camera, struct v4l2_fmtdesc *format)
{
	unsigned seen = 0;
	for (unsigned i = 0; i < camera->modes; i++) {
		bool first = true;
		for (unsigned j = 0; j < i; j++)
			first &= camera->mode[j].fourcc != camera->mode[i].fourcc;
		if (first && seen++ == format->index) {
			format->pixelformat = camera->mode[i].fourcc;
			format->flags = camera->mode[i].fourcc == V4L2_PIX_FMT_MJPEG ? V4L2_FMT_FLAG_COMPRESSED : 0;
			return 0;
		}
	}
	return fail(EINVAL);
}

static int enumerate_sizes(const struct camera *camera, struct v4l2_frmsizeenum *size)
{
	unsigned seen = 0;
	for (unsigned i = 0; i < camera->modes; i++)
		if (camera->mode[i].fourcc == size->pixel_format && seen++ == size->index) {
			size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
			size->discrete.width = camera->mode[i].width;
			size->discrete.height = camera->mode[i].height;
			return 0;
		}
	return fail(EINVAL);
}

static int enumerate_rates(const struct camera *camera, struct v4l2_frmivalenum *rate)
{
	for (unsigned i = 0; i < camera->modes && rate->index == 0; i++)
		if (camera->mode[i].fourcc == rate->pixel_format && camera->mode[i].width == rate->width &&
		    camera->mode[i].height == rate->height) {
			rate->type = V4L2_FRMIVAL_TYPE_DISCRETE;
			rate->discrete = (struct v4l2_fract){ 1, camera->mode[i].fps };
			return 0;
		}
	return fail(EINVAL);
}

static void describe_format(const struct camera *camera, struct v4l2_pix_format *pix)
{
	const struct mode *mode = &camera->mode[camera->current];
	bool jpeg = mode->fourcc == V4L2_PIX_FMT_MJPEG;
	*pix = (struct v4l2_pix_format){
		.width = mode->width,
		.height = mode->height,
		.pixelformat = mode->fourcc,
		.field = V4L2_FIELD_NONE,
		.bytesperline = jpeg ? 0 : mode->width * 2,
		.sizeimage = jpeg ? BUFFER_SIZE : mode->width * mode->height * 2,
		.colorspace = V4L2_COLORSPACE_SRGB,
	};
}

/* Takes the mode that fits best, as drivers do: the format first, then the size. */
static int set_format(struct camera *camera, struct v4l2_format *format, bool set)
{
	unsigned best = 0, before = camera->current;
	long best_score = -1;
	for (unsigned i = 0; i < camera->modes; i++) {
		const struct mode *mode = &camera->mode[i];
		long far = labs((long)mode->width - format->fmt.pix.width) +
			   labs((long)mode->height - format->fmt.pix.height);
		long score = (mode->fourcc == format->fmt.pix.pixelformat ? 1000000 : 0) + 100000 - far;
		if (score > best_score) {
			best = i;
			best_score = score;
		}
	}
	camera->current = best;
	describe_format(camera, &format->fmt.pix);
	if (!set)
		camera->current = before;
	return 0;
}

static int rate(const struct camera *camera, struct v4l2_streamparm *parameters)
{
	parameters->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
	parameters->parm.capture.timeperframe = (struct v4l2_fract){ 1, camera->mode[camera->current].fps };
	return 0;
}

static int query_buffer(const struct camera *camera, struct v4l2_buffer *buffer)
{
	if (buffer->index >= camera->buffers)
		return fail(EINVAL);
	buffer->length = BUFFER_SIZE;
	buffer->m.offset = CONTROL_SIZE + buffer->index * BUFFER_SIZE;
	buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	return 0;
}

static int queue_buffer(struct camera *camera, const struct v4l2_buffer *buffer)
{
	if (buffer->index >= camera->buffers || camera->queued == BUFFERS_MAX)
		return fail(EINVAL);
	camera->queue[camera->queued++] = *buffer;
	return 0;
}

static size_t read_picture(const struct camera *camera, unsigned number, uint8_t *bytes)
{
	const struct mode *mode = &camera->mode[camera->current];
	bool jpeg = mode->fourcc == V4L2_PIX_FMT_MJPEG;
	size_t size = (size_t)mode->width * mode->height * 2;
	char path[1100];
	number %= camera->pictures ? camera->pictures : 1;
	if (jpeg)
		snprintf(path, sizeof path, "%s-%u.jpg", camera->prefix, number);
	else
		snprintf(path, sizeof path, "%s.yuyv", camera->prefix);
	FILE *file = fopen(path, "rb");
	if (!file)
		return 0;
	if (!jpeg)
		fseek(file, (long)(number * size), SEEK_SET);
	size_t got = fread(bytes, 1, jpeg ? BUFFER_SIZE : size, file);
	fclose(file);
	return got;
}

static long long clock_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static char letter(const struct camera *camera, unsigned number)
{
	size_t length = strlen(camera->script);
	return length == 0 ? '.' : camera->script[number < length ? number : length - 1];
}

static long long instant(const struct camera *camera, unsigned number)
{
	return camera->start_ns + number * NS_PER_SECOND / camera->mode[camera->current].fps;
}

static bool is_due(struct camera *camera)
{
	if (camera->paced)
		return clock_now() >= instant(camera, camera->next);
	bool due = camera->due || (camera->next > 0 && letter(camera, camera->next - 1) == '+');
	camera->due = !due;
	return due;
}

/* Another width in the frame header. */
static void resize(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i + 9 < size; i++)
		if (bytes[i] == 0xff && bytes[i + 1] == 0xc0) {
			bytes[i + 8] ^= 1;
			return;
		}
}

static int fill(struct camera *camera, unsigned number, struct v4l2_buffer *buffer)
{
	static uint8_t bytes[BUFFER_SIZE];
	char what = letter(camera, number);
	size_t size = read_picture(camera, number, bytes);
	if (what == 's' || what == 'b')
		size = what == 's' ? size / 2 : size - 2;
	if (what == 'z')
		resize(bytes, size);
	long long at = instant(camera, number);
	query_buffer(camera, buffer);
	buffer->bytesused = (uint32_t)size;
	buffer->flags |= what == 'e' ? V4L2_BUF_FLAG_ERROR : 0;
	buffer->sequence = camera->nocount ? 0 : number;
	buffer->field = V4L2_FIELD_NONE;
	buffer->timestamp.tv_sec = (time_t)(at / NS_PER_SECOND);
	buffer->timestamp.tv_usec = (suseconds_t)(at % NS_PER_SECOND / 1000);
	return pwrite(camera->fd, bytes, size, buffer->m.offset) == (ssize_t)size ? 0 : fail(EIO);
}

static int dequeue_buffer(struct camera *camera, struct v4l2_buffer *buffer)
{
	if (!camera->streaming)
		return fail(EINVAL);
	while (letter(camera, camera->next) == 'd')
		camera->next++;
	if (letter(camera, camera->next) == 'u')
		return fail(ENODEV);
	if (letter(camera, camera->next) == 'w' || camera->queued == 0 || !is_due(camera))
		return fail(EAGAIN);
	*buffer = camera->queue[0];
	camera->queued--;
	memmove(camera->queue, camera->queue + 1, camera->queued * sizeof camera->queue[0]);
	return fill(camera, camera->next++, buffer);
}

static int stream(struct camera *camera, bool on)
{
	camera->streaming = on;
	camera->queued = on ? camera->queued : 0;
	camera->start_ns = clock_now();
	return 0;
}

static int do_ioctl(struct camera *camera, unsigned long request, void *argument)
{
	switch (request) {
	case VIDIOC_QUERYCAP:
		return query_capabilities(camera, argument);
	case VIDIOC_ENUM_FMT:
		return enumerate_formats(camera, argument);
	case VIDIOC_ENUM_FRAMESIZES:
		return enumerate_sizes(camera, argument);
	case VIDIOC_ENUM_FRAMEINTERVALS:
		return enumerate_rates(camera, argument);
	case VIDIOC_G_FMT:
		describe_format(camera, &((struct v4l2_format *)argument)->fmt.pix);
		return 0;
	case VIDIOC_TRY_FMT:
		return set_format(camera, argument, false);
	case VIDIOC_S_FMT:
		return set_format(camera, argument, true);
	case VIDIOC_G_PARM:
	case VIDIOC_S_PARM:
		return rate(camera, argument);
	case VIDIOC_REQBUFS: {
		struct v4l2_requestbuffers *wanted = argument;
		wanted->count = camera->buffers = wanted->count < BUFFERS_MAX ? wanted->count : BUFFERS_MAX;
		camera->queued = 0;
		return 0;
	}
	case VIDIOC_QUERYBUF:
		return query_buffer(camera, argument);
	case VIDIOC_QBUF:
		return queue_buffer(camera, argument);
	case VIDIOC_DQBUF:
		return dequeue_buffer(camera, argument);
	case VIDIOC_STREAMON:
	case VIDIOC_STREAMOFF:
		return stream(camera, request == VIDIOC_STREAMON);
	default:
		return fail(ENOTTY);
	}
}

static bool is_named(unsigned long request, const char *name)
{
	return (request == VIDIOC_S_FMT && strcmp(name, "S_FMT") == 0) ||
	       (request == VIDIOC_REQBUFS && strcmp(name, "REQBUFS") == 0) ||
	       (request == VIDIOC_STREAMON && strcmp(name, "STREAMON") == 0);
}

static int camera_ioctl(void *private, int fd, unsigned long request, void *argument)
{
	struct camera *camera = private;
	(void)fd;
	request = (unsigned)request;
	if (is_named(request, camera->busy))
		return fail(EBUSY);
	if (is_named(request, camera->full))
		return fail(ENOSPC);
	return do_ioctl(camera, request, argument);
}

extern const struct libv4l_dev_ops libv4l2_plugin;

__attribute__((visibility("default"))) const struct libv4l_dev_ops libv4l2_plugin = {
	.init = camera_init,
	.close = camera_close,
	.ioctl = camera_ioctl,
};
