/* SPDX-License-Identifier: Apache-2.0 */
#include "camera.h"

#include <stdlib.h>
#include <string.h>

#include "shared_device.h"

#define READ_MS 200
/* Each share holds a frame, one is the newest, one is being written. */
#define SLOTS (QV_CONFERENCE_SEATS + 2)

struct slot {
	struct qv_frame frame; /* its planes are in `bytes` */
	uint8_t *bytes;
	size_t room;
	int readers;
};

struct camera {
	struct shared_device device; /* its lock is of what stands behind `format`, too */
	const struct qv_videosource_class *class;
	struct qv_videosource *source;
	struct qv_video_format format;
	struct slot slots[SLOTS];
	int newest;     /* -1: none yet */
	uint64_t count; /* of frames since the source was opened */
};

/* A share. */
struct qv_videosource {
	struct share share;
	struct camera *camera;
	struct qv_video_format format;
	uint64_t seen;
	int held; /* slot; -1: none */
};

static bool same_format(const struct qv_video_format *a, const struct qv_video_format *b)
{
	return a->pixel == b->pixel && a->range == b->range && a->width == b->width && a->height == b->height;
}

static int free_slot(const struct camera *camera)
{
	for (int i = 0; i < SLOTS; i++)
		if (camera->slots[i].readers == 0 && i != camera->newest)
			return i;
	return -1; /* cannot be: there are more slots than shares */
}

static int fill_slot(struct slot *slot, const struct qv_frame *frame, struct qv_error *err)
{
	int planes = frame->format.pixel == QV_PIXEL_JPEG ? 1 : qv_pixel_planes(frame->format.pixel);
	size_t size = 0;
	for (int i = 0; i < planes; i++)
		size += frame->size[i];
	if (size > slot->room) {
		uint8_t *grown = realloc(slot->bytes, size);
		if (!grown)
			return qv_fail(err, QV_E_NOMEM, "no memory for a shared frame of %zu bytes", size);
		slot->bytes = grown;
		slot->room = size;
	}
	slot->frame = *frame;
	size = 0;
	for (int i = 0; i < planes; i++) {
		memcpy(slot->bytes + size, frame->plane[i], frame->size[i]);
		slot->frame.plane[i] = slot->bytes + size;
		size += frame->size[i];
	}
	return 0;
}

/* The slot that is written is nobody's meanwhile: `newest` moves only here. */
static int publish(struct camera *camera, const struct qv_frame *frame, struct qv_error *err)
{
	pthread_mutex_lock(&camera->device.lock);
	int slot = free_slot(camera);
	pthread_mutex_unlock(&camera->device.lock);
	if (slot < 0)
		return qv_fail(err, QV_E_INTERNAL, "no room for a shared frame");
	if (fill_slot(&camera->slots[slot], frame, err) != 0)
		return -1;
	pthread_mutex_lock(&camera->device.lock);
	camera->newest = slot;
	camera->count++;
	shared_device_tell(&camera->device);
	pthread_mutex_unlock(&camera->device.lock);
	return 0;
}

static void *run(void *argument)
{
	struct camera *camera = argument;
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	while (!stop_raised(&camera->device.stop)) {
		int got = camera->class->read(camera->source, &frame, READ_MS, &err);
		if (got < 0 || (got > 0 && publish(camera, &frame, &err) != 0))
			break;
	}
	shared_device_ended(&camera->device, &err, "camera");
	return NULL;
}

static void close_source(struct camera *camera)
{
	if (!camera->source)
		return;
	shared_device_join(&camera->device);
	camera->class->close(camera->source);
	camera->source = NULL;
	stop_clear(&camera->device.stop);
}

static int open_source(struct camera *camera, const struct qv_options *options, const struct qv_video_want *want,
		       struct qv_error *err)
{
	if (shared_device_prepare(&camera->device, err) != 0)
		return -1;
	camera->source = camera->class->open(&camera->device.host.host, options, want, err);
	if (!camera->source) {
		stop_clear(&camera->device.stop);
		return -1;
	}
	pthread_mutex_lock(&camera->device.lock);
	camera->class->format(camera->source, &camera->format);
	camera->newest = -1;
	camera->count = 0;
	shared_device_opened(&camera->device);
	pthread_mutex_unlock(&camera->device.lock);
	int failed = pthread_create(&camera->device.thread, NULL, run, camera);
	if (!failed)
		return 0;
	camera->class->close(camera->source);
	camera->source = NULL;
	stop_clear(&camera->device.stop);
	return qv_fail_errno(err, QV_E_IO, failed, "starting the thread of the shared camera");
}

/* With `opening` held: there is a source that works, whose frames the share wants. */
static int have_source(struct camera *camera, const struct qv_video_want *want, struct qv_error *err)
{
	if (camera->source && shared_device_has_failed(&camera->device))
		close_source(camera);
	if (!camera->source && open_source(camera, camera->device.role->options, want, err) != 0)
		return -1;
	if (!(want->pixels & QV_PIXEL_BIT(camera->format.pixel)))
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "the shared camera gives %s pictures, which this call cannot encode",
			       qv_pixel_name(camera->format.pixel));
	return 0;
}

static int add_share(struct camera *camera, struct qv_videosource *share, struct qv_error *err)
{
	pthread_mutex_lock(&camera->device.lock);
	share->format = camera->format;
	int status = share_add(&camera->device, &share->share, "camera", err);
	pthread_mutex_unlock(&camera->device.lock);
	return status;
}

/* False: it was the last one. */
static bool remove_share(struct camera *camera, const struct qv_videosource *share)
{
	pthread_mutex_lock(&camera->device.lock);
	if (share->held >= 0)
		camera->slots[share->held].readers--;
	bool others = share_remove(&camera->device, &share->share);
	pthread_mutex_unlock(&camera->device.lock);
	return others;
}

static void close_share(struct qv_videosource *share)
{
	if (!share)
		return;
	struct camera *camera = share->camera;
	pthread_mutex_lock(&camera->device.opening);
	if (!remove_share(camera, share))
		close_source(camera);
	pthread_mutex_unlock(&camera->device.opening);
	share_clear(&share->share);
	free(share);
}

static struct qv_videosource *open_share(const struct qv_host *host, const struct qv_options *options,
					 const struct qv_video_want *want, struct qv_error *err)
{
	struct qv_videosource *share = calloc(1, sizeof *share);
	(void)options;
	if (!share) {
		qv_fail(err, QV_E_NOMEM, "no memory for a share of the camera");
		return NULL;
	}
	*share = (struct qv_videosource){ .camera = host->object, .held = -1 };
	if (share_init(&share->share, host, err) != 0) {
		free(share);
		return NULL;
	}
	struct camera *camera = share->camera;
	pthread_mutex_lock(&camera->device.opening);
	int status = have_source(camera, want, err);
	if (status == 0)
		status = add_share(camera, share, err);
	pthread_mutex_unlock(&camera->device.opening);
	if (status == 0)
		return share;
	close_share(share);
	return NULL;
}

static void share_format(const struct qv_videosource *share, struct qv_video_format *format)
{
	*format = share->format;
}

/* With the lock held: the source was opened anew, by another share. */
static int follow(struct qv_videosource *share, struct qv_error *err)
{
	struct camera *camera = share->camera;
	if (share->share.opened == camera->device.opened)
		return 0;
	if (!same_format(&share->format, &camera->format))
		return qv_fail(err, QV_E_GONE, "the shared camera came back with other pictures");
	share->share.opened = camera->device.opened;
	share->seen = 0;
	return 0;
}

/* With the lock held. */
static int take(struct share *of, void *into, struct qv_error *err)
{
	struct qv_videosource *share = (struct qv_videosource *)of;
	struct camera *camera = share->camera;
	struct qv_frame *frame = into;
	if (share->held >= 0)
		camera->slots[share->held].readers--;
	share->held = -1;
	if (follow(share, err) != 0)
		return -1;
	if (camera->count > share->seen) {
		share->held = camera->newest;
		share->seen = camera->count;
		camera->slots[share->held].readers++;
		*frame = camera->slots[share->held].frame;
		return 1;
	}
	if (camera->device.failure.code == QV_OK)
		return 0;
	if (err)
		*err = camera->device.failure;
	return -1;
}

static int read_share(struct qv_videosource *share, struct qv_frame *frame, int timeout_ms, struct qv_error *err)
{
	return share_read(&share->camera->device, &share->share, take, frame, timeout_ms, err);
}

const struct qv_videosource_class camera_share_class = {
	.head = { .kind = "videosource", .name = "shared" },
	.open = open_share,
	.close = close_share,
	.format = share_format,
	.read = read_share,
};

struct camera *camera_new(const struct media *media, const struct qv_role *role, struct qv_error *err)
{
	struct camera *camera = calloc(1, sizeof *camera);
	if (!camera) {
		qv_fail(err, QV_E_NOMEM, "no memory for a shared camera");
		return NULL;
	}
	shared_device_init(&camera->device, media, role, "video.source");
	camera->class = qv_videosource_class(role->class);
	camera->newest = -1;
	return camera;
}

void camera_use(struct camera *camera, const struct qv_role *role)
{
	pthread_mutex_lock(&camera->device.opening);
	close_source(camera);
	camera->device.role = role;
	camera->class = qv_videosource_class(role->class);
	module_host_take(&camera->device.host, role);
	pthread_mutex_unlock(&camera->device.opening);
}

void camera_free(struct camera *camera)
{
	if (!camera)
		return;
	close_source(camera);
	for (int i = 0; i < SLOTS; i++)
		free(camera->slots[i].bytes);
	shared_device_clear(&camera->device);
	free(camera);
}
