/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a wall share: its thread (wall.c), its window (wall_window.c) and the calls (wall_place.c). */
#ifndef QV_CONFERENCE_WALL_STATE_H
#define QV_CONFERENCE_WALL_STATE_H

#include <pthread.h>

#include "../call/video_sinks.h"
#include "tile.h"
#include "wall.h"

#define KEYS 8 /* of the window that wait to be told */

/* What the calls and the thread of the wall hand to each other. A picture belongs to whoever took it out. */
struct place {
	bool used;    /* there is a tile */
	bool changed; /* since it was painted */
	bool fresh;   /* `newest` has not been painted */
	bool held;    /* a call has it open */
	bool blank;   /* and has shown nothing yet */
	bool stale;
	char name[80], note[160], text[TILE_TEXT];
	char overlay[QV_OVERLAY_COUNT][TILE_OVERLAY];
	enum qv_secured secured;
	bool speaks;
	int level;                         /* as of struct tile */
	double sent_db, heard_db;          /* as its call tells; NAN: no such sound */
	struct qv_picture *newest, *spare; /* NULL: none */
	struct qv_picture *painted;        /* the wall's own */
	int64_t came_ns;
};

struct wall {
	struct media *media;
	struct speaker *speaker;
	struct qv_conference_plan plan;
	struct qv_receive_plan sinks_plan;
	struct video_sinks *sinks; /* the thread's */
	struct qv_picture *canvas; /* the thread's */
	pthread_t thread;
	struct wall_place handles[QV_CONFERENCE_SEATS];
	pthread_mutex_t lock; /* of the rest */
	pthread_cond_t changed;
	struct place places[QV_CONFERENCE_SEATS];
	bool layout;  /* tiles have come or gone */
	bool started; /* the sinks are open, or `failure` says why not */
	bool stopped;
	int keys[KEYS];            /* pressed in the window, not told yet; 0: none */
	int fullscreen;            /* asked for: 1 on, 0 off; -1: nothing new */
	struct qv_picture *mirror; /* our own picture; NULL: none */
	bool mirror_set;           /* and it is new */
	bool levels_set;           /* some place has told its levels */
	struct qv_error failure;
};

static inline int64_t now_ns(void)
{
	return qv_clock_now(&qv_clock_monotonic);
}

/* With the lock held. */
static inline void wall_mark(struct wall *wall, size_t number)
{
	wall->places[number].changed = true;
	pthread_cond_signal(&wall->changed);
}

/* With the lock held: no place before that number is held. */
bool wall_first_held(const struct wall *wall, size_t number);

/* On the wall's thread: hands to the window what the calls have for it, and takes its keys. */
void wall_pass_on(struct wall *wall);

#endif
