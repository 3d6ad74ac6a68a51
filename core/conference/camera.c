/* SPDX-License-Identifier: Apache-2.0 */
#include "camera.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <qvisio/conference.h>

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
	const struct media *media;
	const struct qv_role *role;
	struct module_host host;
	const struct qv_videosource_class *class;
	pthread_mutex_t opening; /* held while the source is opened or closed; before `lock` */
	struct qv_videosource *source;
	struct qv_video_format format;
	struct stop stop;
	pthread_t thread;
	pthread_mutex_t lock; /* of the rest */
	unsigned opened;      /* how often the source was, so far */
	struct qv_videosource *shares[QV_CONFERENCE_SEATS];
	struct slot slots[SLOTS];
	int newest;     /* -1: none yet */
	uint64_t count; /* of frames since the source was opened */
	struct qv_error failure;
};

/* A share. */
struct qv_videosource {
	struct camera *camera;
	const struct qv_host *host;
	int event_fd; /* readable when there is something new */
	struct qv_video_format format;
	unsigned opened;
	uint64_t seen;
	int held; /* slot; -1: none */
};

static bool same_format(const struct qv_video_format *a, const struct qv_video_format *b)
{
	return a->pixel == b->pixel && a->range == b->range && a->width == b->width && a->height == b->height;
}

static void tell_shares(struct camera *camera)
{
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++)
		if (camera->shares[i])
			eventfd_write(camera->shares[i]->event_fd, 1);
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
	pthread_mutex_lock(&camera->lock);
	int slot = free_slot(camera);
	pthread_mutex_unlock(&camera->lock);
	if (slot < 0)
		return qv_fail(err, QV_E_INTERNAL, "no room for a shared frame");
	if (fill_slot(&camera->slots[slot], frame, err) != 0)
		return -1;
	pthread_mutex_lock(&camera->lock);
	camera->newest = slot;
	camera->count++;
	tell_shares(camera);
	pthread_mutex_unlock(&camera->lock);
	return 0;
}

static void *run(void *argument)
{
	struct camera *camera = argument;
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	while (!stop_raised(&camera->stop)) {
		int got = camera->class->read(camera->source, &frame, READ_MS, &err);
		if (got < 0 || (got > 0 && publish(camera, &frame, &err) != 0))
			break;
	}
	pthread_mutex_lock(&camera->lock);
	camera->failure = err;
	/* Whoever still has a share then opens it anew. */
	if (stop_raised(&camera->stop) && !stop_raised(&camera->media->stop))
		qv_fail(&camera->failure, QV_E_GONE, "another camera was chosen");
	else if (err.code == QV_OK)
		qv_fail(&camera->failure, QV_E_CANCELLED, "the conference was closed");
	tell_shares(camera);
	pthread_mutex_unlock(&camera->lock);
	return NULL;
}

static void close_source(struct camera *camera)
{
	if (!camera->source)
		return;
	stop_raise(&camera->stop);
	pthread_join(camera->thread, NULL);
	camera->class->close(camera->source);
	camera->source = NULL;
	stop_clear(&camera->stop);
}

static int open_source(struct camera *camera, const struct qv_options *options, const struct qv_video_want *want,
		       struct qv_error *err)
{
	if (stop_init(&camera->stop, camera->media->stop.poll_fd, err) != 0)
		return -1;
	camera->host.host.cancel_fd = camera->stop.poll_fd;
	camera->source = camera->class->open(&camera->host.host, options, want, err);
	if (!camera->source) {
		stop_clear(&camera->stop);
		return -1;
	}
	pthread_mutex_lock(&camera->lock);
	camera->class->format(camera->source, &camera->format);
	camera->opened++;
	camera->newest = -1;
	camera->count = 0;
	camera->failure = (struct qv_error)QV_ERROR_INIT;
	pthread_mutex_unlock(&camera->lock);
	int failed = pthread_create(&camera->thread, NULL, run, camera);
	if (!failed)
		return 0;
	camera->class->close(camera->source);
	camera->source = NULL;
	stop_clear(&camera->stop);
	return qv_fail_errno(err, QV_E_IO, failed, "starting the thread of the shared camera");
}

static bool has_failed(struct camera *camera)
{
	pthread_mutex_lock(&camera->lock);
	bool failed = camera->failure.code != QV_OK;
	pthread_mutex_unlock(&camera->lock);
	return failed;
}

/* With `opening` held: there is a source that works, whose frames the share wants. */
static int have_source(struct camera *camera, const struct qv_video_want *want, struct qv_error *err)
{
	if (camera->source && has_failed(camera))
		close_source(camera);
	if (!camera->source && open_source(camera, camera->role->options, want, err) != 0)
		return -1;
	if (!(want->pixels & QV_PIXEL_BIT(camera->format.pixel)))
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "the shared camera gives %s pictures, which this call cannot encode",
			       qv_pixel_name(camera->format.pixel));
	return 0;
}

static bool add_share(struct camera *camera, struct qv_videosource *share)
{
	bool added = false;
	pthread_mutex_lock(&camera->lock);
	share->format = camera->format;
	share->opened = camera->opened;
	for (size_t i = 0; i < QV_CONFERENCE_SEATS && !added; i++)
		if (!camera->shares[i]) {
			camera->shares[i] = share;
			added = true;
		}
	pthread_mutex_unlock(&camera->lock);
	return added;
}

/* False: it was the last one. */
static bool remove_share(struct camera *camera, const struct qv_videosource *share)
{
	bool others = false;
	pthread_mutex_lock(&camera->lock);
	if (share->held >= 0)
		camera->slots[share->held].readers--;
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++) {
		if (camera->shares[i] == share)
			camera->shares[i] = NULL;
		others = others || camera->shares[i];
	}
	pthread_mutex_unlock(&camera->lock);
	return others;
}

static void close_share(struct qv_videosource *share)
{
	if (!share)
		return;
	struct camera *camera = share->camera;
	pthread_mutex_lock(&camera->opening);
	if (!remove_share(camera, share))
		close_source(camera);
	pthread_mutex_unlock(&camera->opening);
	close(share->event_fd);
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
	*share = (struct qv_videosource){ .camera = host->object, .host = host, .held = -1 };
	share->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (share->event_fd < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "making an event descriptor");
		free(share);
		return NULL;
	}
	struct camera *camera = share->camera;
	pthread_mutex_lock(&camera->opening);
	int status = have_source(camera, want, err);
	if (status == 0 && !add_share(camera, share))
		status = qv_fail(err, QV_E_BUSY, "the shared camera has no share left");
	pthread_mutex_unlock(&camera->opening);
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
	if (share->opened == camera->opened)
		return 0;
	if (!same_format(&share->format, &camera->format))
		return qv_fail(err, QV_E_GONE, "the shared camera came back with other pictures");
	share->opened = camera->opened;
	share->seen = 0;
	return 0;
}

/* With the lock held. */
static int take(struct qv_videosource *share, struct qv_frame *frame, struct qv_error *err)
{
	struct camera *camera = share->camera;
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
	if (camera->failure.code == QV_OK)
		return 0;
	if (err)
		*err = camera->failure;
	return -1;
}

static int read_share(struct qv_videosource *share, struct qv_frame *frame, int timeout_ms, struct qv_error *err)
{
	for (int tries = 0; tries < 2; tries++) {
		eventfd_t told;
		eventfd_read(share->event_fd, &told);
		pthread_mutex_lock(&share->camera->lock);
		int got = take(share, frame, err);
		pthread_mutex_unlock(&share->camera->lock);
		if (got != 0 || tries > 0)
			return got;
		int ready = qv_wait_fd(share->event_fd, POLLIN, timeout_ms, share->host->cancel_fd, err);
		if (ready <= 0)
			return ready;
	}
	return 0;
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
	camera->media = media;
	camera->role = role;
	camera->class = qv_videosource_class(role->class);
	camera->newest = -1;
	camera->stop = (struct stop){ -1, -1 };
	module_host_init(&camera->host, media, "video.source");
	module_host_take(&camera->host, role);
	pthread_mutex_init(&camera->opening, NULL);
	pthread_mutex_init(&camera->lock, NULL);
	return camera;
}

void camera_use(struct camera *camera, const struct qv_role *role)
{
	pthread_mutex_lock(&camera->opening);
	close_source(camera);
	camera->role = role;
	camera->class = qv_videosource_class(role->class);
	module_host_take(&camera->host, role);
	pthread_mutex_unlock(&camera->opening);
}

void camera_free(struct camera *camera)
{
	if (!camera)
		return;
	close_source(camera);
	for (int i = 0; i < SLOTS; i++)
		free(camera->slots[i].bytes);
	module_host_clear(&camera->host);
	pthread_mutex_destroy(&camera->opening);
	pthread_mutex_destroy(&camera->lock);
	free(camera);
}
