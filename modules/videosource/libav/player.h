/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file or stream that plays, for a camera and a microphone that read it together: its packets are read once, by a
 * thread of its own, and both stand on one time axis. That is why both classes lie in one shared object.
 */
#ifndef LIBAV_PLAYER_H
#define LIBAV_PLAYER_H

#include <libavcodec/avcodec.h>

#include "input.h"

struct player;
struct seat;

/*
 * Takes a place at what the options name, opening it if nobody reads it yet or the place is taken. `type` is video or
 * audio. NULL with err. One thread at a time uses a seat.
 */
struct seat *seat_take(const struct qv_host *host, const struct qv_options *options, enum AVMediaType type,
		       struct qv_error *err);
void seat_leave(struct seat *seat); /* NULL is fine */

const AVStream *seat_stream(const struct seat *seat);
AVRational seat_frame_rate(const struct seat *seat);
bool seat_paced(const struct seat *seat);
const char *seat_name(const struct seat *seat);

/*
 * The next decoded frame, waiting at most `timeout_ms`. 1: `frame` is filled, and `at_ns` is its time since the
 * beginning, which goes on over loops and over jumps in the file's own times; 0; -1: QV_E_END, QV_E_IO, QV_E_GONE,
 * QV_E_CANCELLED. A damaged packet is left out.
 */
int seat_frame(struct seat *seat, AVFrame *frame, int64_t *at_ns, int timeout_ms, struct qv_error *err);

/* When `at_ns` is on the clock. The first who asks sets the beginning: now. */
int64_t seat_instant(struct seat *seat, int64_t at_ns);
/* Everything comes later from now on: the reader was stopped, or the network stood still. */
void seat_delay(struct seat *seat, int64_t late_ns);

#endif
