/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One video source for all calls. It is open while a call has its share open. Every share gets the newest frame; who is
 * slow misses some, and holds up nobody.
 */
#ifndef QV_CONFERENCE_CAMERA_H
#define QV_CONFERENCE_CAMERA_H

#include <qvisio/loader.h>
#include <qvisio/videosource.h>

#include "../call/medium.h"

struct camera;

struct camera *camera_new(const struct media *media, const struct qv_role *role, struct qv_error *err);
/* Goes over to another source. */
void camera_use(struct camera *camera, const struct qv_role *role);
void camera_free(struct camera *camera); /* NULL is fine; no share is open */

/* A class whose instances are shares of the camera that qv_host.object names. */
extern const struct qv_videosource_class camera_share_class;

#endif
