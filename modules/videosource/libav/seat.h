/* SPDX-License-Identifier: Apache-2.0 */
/* What player and seats know of each other. */
#ifndef LIBAV_SEAT_H
#define LIBAV_SEAT_H

#include <pthread.h>
#include <stdatomic.h>

#include <qvisio/media.h>

#include "player.h"

enum seat_place { SEAT_VIDEO, SEAT_AUDIO, SEATS };

/* A packet on its way to a seat's decoder. */
struct item {
	struct item *next;
	AVPacket *packet; /* empty where the file starts again */
	bool again;
	int64_t offset_us; /* by which its times are later than the file says */
};

struct player {
	struct player *next;
	struct input_choice choice;
	AVFormatContext *input;
	int64_t first_us, base_us; /* times in the file: where it begins, and where it is begun */
	atomic_bool stopping;
	atomic_llong patience_ns;
	int opening_cancel_fd;
	bool started;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct seat *seats[SEATS];
	int64_t offset_us, pass_us; /* of the earlier passes; length of this one */
	bool any;                   /* packet in this pass */
	bool ended;
	int failure; /* of libav; 0: a regular end */
	bool begun;
	int64_t begin_ns; /* on the clock */
};

struct seat {
	struct player *player;
	const struct qv_host *host;
	const AVStream *stream;
	int event_fd;
	/* Of the player's lock. */
	struct item *first, **end;
	int count;
	size_t bytes;
	/* Of the one who reads. */
	AVCodecContext *decoder;
	bool draining; /* up to where the file starts again, or ends */
	bool drained;
	int64_t offset_us, next_offset_us;
	int64_t next_us;  /* where the next frame is expected */
	int64_t shift_us; /* by which jumps in the file's times were evened out */
	int damaged_in_a_row;
};

struct seat *seat_new(struct player *player, const struct qv_host *host, const struct qv_options *options,
		      enum AVMediaType type, struct qv_error *err);
void seat_free(struct seat *seat);

int player_start(struct player *player, struct qv_error *err);
/* 1: an item, now the caller's; 0: none yet; -1: the end, and of libav `failure` or 0. */
int player_next(struct seat *seat, struct item **item, int *failure);

#endif
