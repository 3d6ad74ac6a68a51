/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The video sinks of all calls: a thread paints the newest picture of each into tiles, and owns the real sinks. Nobody
 * waits for it: a picture that comes before the last one was painted replaces it.
 */
#ifndef QV_CONFERENCE_WALL_H
#define QV_CONFERENCE_WALL_H

#include <qvisio/conference.h>
#include <qvisio/videosink.h>

#include "../call/medium.h"
#include "speaker.h"

struct wall;

/* A place on it: what a call's role names. */
struct wall_place {
	struct wall *wall;
	size_t number;
};

/* Waits until the sinks are open. `speaker` tells who speaks; NULL: nobody does. */
struct wall *wall_open(struct media *media, const struct qv_conference_plan *plan, struct speaker *speaker,
		       struct qv_error *err);
void wall_close(struct wall *wall); /* NULL is fine; no place is open. Raise media->stop before. */

struct wall_place *wall_place(struct wall *wall, size_t number);

/* A tile appears and goes. */
void wall_add(struct wall *wall, size_t number, const char *name);
void wall_remove(struct wall *wall, size_t number);
void wall_note(struct wall *wall, size_t number, const char *text);

/* A class whose instances are places: qv_host.object is a struct wall_place. */
extern const struct qv_videosink_class wall_place_class;

#endif
