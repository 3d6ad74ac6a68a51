/* SPDX-License-Identifier: Apache-2.0 */
#include "shared_device.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

void shared_device_init(struct shared_device *device, const struct media *media, const struct qv_role *role,
			const char *name)
{
	*device = (struct shared_device){ .media = media, .role = role, .stop = { -1, -1 } };
	module_host_init(&device->host, media, name);
	module_host_take(&device->host, role);
	pthread_mutex_init(&device->opening, NULL);
	pthread_mutex_init(&device->lock, NULL);
}

void shared_device_clear(struct shared_device *device)
{
	module_host_clear(&device->host);
	pthread_mutex_destroy(&device->opening);
	pthread_mutex_destroy(&device->lock);
}

int shared_device_prepare(struct shared_device *device, struct qv_error *err)
{
	if (stop_init(&device->stop, device->media->stop.poll_fd, err) != 0)
		return -1;
	device->host.host.cancel_fd = device->stop.poll_fd;
	return 0;
}

void shared_device_opened(struct shared_device *device)
{
	device->opened++;
	device->failure = (struct qv_error)QV_ERROR_INIT;
}

void shared_device_join(struct shared_device *device)
{
	stop_raise(&device->stop);
	pthread_join(device->thread, NULL);
}

void shared_device_ended(struct shared_device *device, const struct qv_error *why, const char *what)
{
	pthread_mutex_lock(&device->lock);
	device->failure = *why;
	/* Whoever still has a share then opens it anew. */
	if (stop_raised(&device->stop) && !stop_raised(&device->media->stop))
		qv_fail(&device->failure, QV_E_GONE, "another %s was chosen", what);
	else if (why->code == QV_OK)
		qv_fail(&device->failure, QV_E_CANCELLED, "the conference was closed");
	shared_device_tell(device);
	pthread_mutex_unlock(&device->lock);
}

bool shared_device_has_failed(struct shared_device *device)
{
	pthread_mutex_lock(&device->lock);
	bool failed = device->failure.code != QV_OK;
	pthread_mutex_unlock(&device->lock);
	return failed;
}

void shared_device_tell(const struct shared_device *device)
{
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++)
		if (device->shares[i])
			eventfd_write(device->shares[i]->event_fd, 1);
}

int share_init(struct share *share, const struct qv_host *host, struct qv_error *err)
{
	*share = (struct share){ .host = host, .event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	return share->event_fd >= 0 ? 0 : qv_fail_errno(err, QV_E_IO, errno, "making an event descriptor");
}

void share_clear(struct share *share)
{
	if (share->event_fd >= 0)
		close(share->event_fd);
}

int share_add(struct shared_device *device, struct share *share, const char *what, struct qv_error *err)
{
	share->opened = device->opened;
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++)
		if (!device->shares[i]) {
			device->shares[i] = share;
			return 0;
		}
	return qv_fail(err, QV_E_BUSY, "the shared %s has no share left", what);
}

bool share_remove(struct shared_device *device, const struct share *share)
{
	bool others = false;
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++) {
		if (device->shares[i] == share)
			device->shares[i] = NULL;
		others = others || device->shares[i];
	}
	return others;
}

int share_read(struct shared_device *device, struct share *share, share_take take, void *into, int timeout_ms,
	       struct qv_error *err)
{
	for (int tries = 0; tries < 2; tries++) {
		eventfd_t told;
		eventfd_read(share->event_fd, &told);
		pthread_mutex_lock(&device->lock);
		int got = take(share, into, err);
		pthread_mutex_unlock(&device->lock);
		if (got != 0 || tries > 0)
			return got;
		int ready = qv_wait_fd(share->event_fd, POLLIN, timeout_ms, share->host->cancel_fd, err);
		if (ready <= 0)
			return ready;
	}
	return 0;
}
