/* SPDX-License-Identifier: Apache-2.0 */
/* What the shared devices of a conference know of each other. */
#ifndef QV_CONFERENCE_H
#define QV_CONFERENCE_H

#include <pthread.h>

#include <qvisio/conference.h>

#include "../call/medium.h"
#include "camera.h"
#include "microphone.h"
#include "speaker.h"
#include "wall.h"

struct qv_seat {
	struct qv_conference *conference;
	size_t number;
	bool taken;
	struct qv_seat_roles roles;
};

struct qv_conference {
	struct media media;    /* no call's: host and stop, for real devices */
	struct camera *camera; /* NULL: there is none; likewise the others */
	struct microphone *microphone;
	struct wall *wall;
	struct speaker *speaker;
	pthread_mutex_t lock; /* of who has a seat */
	struct qv_seat seats[QV_CONFERENCE_SEATS];
};

#endif
