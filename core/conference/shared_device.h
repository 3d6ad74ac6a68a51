/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a camera and a microphone have in common when calls share them: the device is open while a call has its share open,
 * a thread reads it, and whoever chose another device, or made it fail, is followed by all shares.
 */
#ifndef QV_CONFERENCE_SHARED_DEVICE_H
#define QV_CONFERENCE_SHARED_DEVICE_H

#include <pthread.h>

#include <qvisio/conference.h>
#include <qvisio/loader.h>

#include "../call/medium.h"

/* The first member of a call's share. */
struct share {
	const struct qv_host *host; /* of the call */
	int event_fd;               /* readable when there is something new */
	unsigned opened;            /* which opening of the device the share is at */
};

/* The first member of a shared camera or microphone. */
struct shared_device {
	const struct media *media;
	const struct qv_role *role;
	struct module_host host;
	pthread_mutex_t opening; /* held while the device is opened or closed; before `lock` */
	struct stop stop;        /* of the thread that reads */
	pthread_t thread;
	pthread_mutex_t lock; /* of the rest, and of what there is to share */
	unsigned opened;      /* how often the device was, so far */
	struct share *shares[QV_CONFERENCE_SEATS];
	struct qv_error failure; /* why nothing is read any more */
};

void shared_device_init(struct shared_device *device, const struct media *media, const struct qv_role *role,
			const char *name);
/* No share is open, and nothing is read any more. */
void shared_device_clear(struct shared_device *device);

/* With `opening` held: `stop` and the host's cancel descriptor are there for another opening. */
int shared_device_prepare(struct shared_device *device, struct qv_error *err);
/* With the lock held: the device was opened. */
void shared_device_opened(struct shared_device *device);
/* Ends the thread. */
void shared_device_join(struct shared_device *device);
/* The last that the thread does. `what` is a camera or a microphone; `why` is QV_OK when the thread was stopped. */
void shared_device_ended(struct shared_device *device, const struct qv_error *why, const char *what);
bool shared_device_has_failed(struct shared_device *device);
/* With the lock held: there is something new. */
void shared_device_tell(const struct shared_device *device);

int share_init(struct share *share, const struct qv_host *host, struct qv_error *err);
void share_clear(struct share *share);
/* With the lock held. `share_add` fails with QV_E_BUSY; `share_remove` says whether others remain. */
int share_add(struct shared_device *device, struct share *share, const char *what, struct qv_error *err);
bool share_remove(struct shared_device *device, const struct share *share);

/* With the lock held. 1: `into` is filled; 0: nothing new; -1. */
typedef int (*share_take)(struct share *share, void *into, struct qv_error *err);
/* As the read callback of a source. */
int share_read(struct shared_device *device, struct share *share, share_take take, void *into, int timeout_ms,
	       struct qv_error *err);

#endif
