/* SPDX-License-Identifier: Apache-2.0 */
#include "player.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "seat.h"

#define OPEN_MS 15000
#define READ_MS 30000
/* Packets that a seat has ahead of its reader; and the most that waits where nobody reads, or the file is ill-mixed. */
#define AHEAD_PACKETS 24
#define AHEAD_BYTES   ((size_t)4 * 1024 * 1024)
#define WAITING_MAX   ((size_t)64 * 1024 * 1024)
#define PACKETS_MAX   4096
#define STILL_US      40000 /* that a looping file of no length lasts: a still picture */

/* What exists once per process: a camera and a microphone with equal options find each other here. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static struct player *library_players;

static int interrupted(void *opaque)
{
	struct player *player = opaque;
	if (atomic_load(&player->stopping) || qv_clock_now(&qv_clock_monotonic) > atomic_load(&player->patience_ns))
		return 1;
	struct pollfd cancel = { .fd = player->opening_cancel_fd, .events = POLLIN };
	return cancel.fd >= 0 && poll(&cancel, 1, 0) > 0;
}

static void be_patient(struct player *player, int ms)
{
	atomic_store(&player->patience_ns, qv_clock_now(&qv_clock_monotonic) + ms * QV_NS_PER_MS);
}

static void player_free(struct player *player)
{
	if (player->input)
		avformat_close_input(&player->input);
	input_choice_free(&player->choice);
	pthread_cond_destroy(&player->changed);
	pthread_mutex_destroy(&player->lock);
	free(player);
}

static int go_to_start(struct player *player)
{
	if (player->base_us <= player->first_us)
		return 0;
	return avformat_seek_file(player->input, -1, INT64_MIN, player->base_us, player->base_us, 0);
}

static struct player *player_open(struct input_choice *choice, const struct qv_host *host,
				  const struct qv_options *options, struct qv_error *err)
{
	struct player *player = calloc(1, sizeof *player);
	if (!player) {
		qv_fail(err, QV_E_NOMEM, "no memory to read %s", input_name(choice));
		return NULL;
	}
	player->choice = *choice;
	*choice = (struct input_choice){ 0 };
	pthread_mutex_init(&player->lock, NULL);
	pthread_cond_init(&player->changed, NULL);
	player->opening_cancel_fd = host->cancel_fd;
	be_patient(player, OPEN_MS);
	player->input = input_open(&player->choice, options, &(AVIOInterruptCB){ interrupted, player }, err);
	player->opening_cancel_fd = -1;
	if (!player->input) {
		player_free(player);
		return NULL;
	}
	player->first_us = player->input->start_time == AV_NOPTS_VALUE ? 0 : player->input->start_time;
	player->base_us = player->first_us + (int64_t)(player->choice.start * 1e6);
	int status = go_to_start(player);
	if (status >= 0)
		return player;
	libav_fail(err, QV_E_IO, status, "going to second %.3f of %s", player->choice.start,
		   input_name(&player->choice));
	player_free(player);
	return NULL;
}

/* All of what follows up to the seats is done with the lock held. */

static void drop_oldest(struct seat *seat)
{
	struct item *item = seat->first;
	seat->first = item->next;
	if (!seat->first)
		seat->end = &seat->first;
	seat->count--;
	seat->bytes -= (size_t)item->packet->size;
	av_packet_free(&item->packet);
	free(item);
}

static void put(struct seat *seat, AVPacket *packet, int64_t offset_us)
{
	struct item *item = calloc(1, sizeof *item);
	AVPacket *kept = av_packet_alloc();
	if (!item || !kept) {
		free(item);
		av_packet_free(&kept);
		return; /* as if it were lost */
	}
	if (packet)
		av_packet_move_ref(kept, packet);
	item->packet = kept;
	item->again = !packet;
	item->offset_us = offset_us;
	*seat->end = item;
	seat->end = &item->next;
	seat->count++;
	seat->bytes += (size_t)kept->size;
	while (seat->count > 1 && (seat->bytes > WAITING_MAX || seat->count > PACKETS_MAX))
		drop_oldest(seat);
}

static void tell(struct player *player)
{
	for (int i = 0; i < SEATS; i++)
		if (player->seats[i])
			eventfd_write(player->seats[i]->event_fd, 1);
}

static bool hungry(const struct player *player)
{
	for (int i = 0; i < SEATS; i++) {
		const struct seat *seat = player->seats[i];
		if (seat && (seat->count == 0 || (seat->count < AHEAD_PACKETS && seat->bytes < AHEAD_BYTES)))
			return true;
	}
	return false;
}

static int64_t packet_us(const AVPacket *packet, const AVStream *stream)
{
	int64_t stamp = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
	return stamp == AV_NOPTS_VALUE ? AV_NOPTS_VALUE : av_rescale_q(stamp, stream->time_base, AV_TIME_BASE_Q);
}

static void route(struct player *player, AVPacket *packet)
{
	for (int i = 0; i < SEATS; i++) {
		struct seat *seat = player->seats[i];
		if (!seat || packet->stream_index != seat->stream->index || packet->size < 1 ||
		    packet->size > (int)QV_PACKET_MAX)
			continue;
		int64_t at = packet_us(packet, seat->stream);
		int64_t length = av_rescale_q(packet->duration, seat->stream->time_base, AV_TIME_BASE_Q);
		if (at != AV_NOPTS_VALUE && at - player->base_us + length > player->pass_us)
			player->pass_us = at - player->base_us + length;
		player->any = true;
		put(seat, packet, player->offset_us);
		return;
	}
}

/* Without the lock. */
static int again(struct player *player)
{
	int status = go_to_start(player);
	if (player->base_us <= player->first_us)
		status = avformat_seek_file(player->input, -1, INT64_MIN, player->first_us, player->first_us, 0);
	return status;
}

/* The end of the file, with the lock held. False: there is nothing more to read. */
static bool at_end(struct player *player)
{
	if (!player->choice.loop || !player->any)
		return false;
	player->offset_us += player->pass_us > 0 ? player->pass_us : STILL_US;
	player->pass_us = 0;
	player->any = false;
	for (int i = 0; i < SEATS; i++)
		if (player->seats[i])
			put(player->seats[i], NULL, player->offset_us);
	pthread_mutex_unlock(&player->lock);
	int status = again(player);
	pthread_mutex_lock(&player->lock);
	return status >= 0;
}

static void *run(void *argument)
{
	struct player *player = argument;
	AVPacket *packet = av_packet_alloc();
	pthread_mutex_lock(&player->lock);
	while (packet && !atomic_load(&player->stopping)) {
		if (!hungry(player)) {
			pthread_cond_wait(&player->changed, &player->lock);
			continue;
		}
		pthread_mutex_unlock(&player->lock);
		be_patient(player, READ_MS);
		int status = av_read_frame(player->input, packet);
		pthread_mutex_lock(&player->lock);
		if (status == AVERROR(EAGAIN))
			continue;
		if (status >= 0)
			route(player, packet);
		else if (status != AVERROR_EOF || !at_end(player)) {
			player->failure = status == AVERROR_EOF ? 0 : status;
			break;
		}
		av_packet_unref(packet);
		tell(player);
	}
	player->ended = true;
	tell(player);
	pthread_mutex_unlock(&player->lock);
	av_packet_free(&packet);
	return NULL;
}

int player_start(struct player *player, struct qv_error *err)
{
	/* Camera and microphone read on threads of their own, and may both be the first. */
	pthread_mutex_lock(&player->lock);
	int failed = player->started ? 0 : pthread_create(&player->thread, NULL, run, player);
	player->started = player->started || failed == 0;
	pthread_mutex_unlock(&player->lock);
	if (failed)
		return qv_fail_errno(err, QV_E_IO, failed, "starting the thread that reads %s",
				     input_name(&player->choice));
	return 0;
}

static void player_stop(struct player *player)
{
	atomic_store(&player->stopping, true);
	pthread_mutex_lock(&player->lock);
	pthread_cond_signal(&player->changed);
	pthread_mutex_unlock(&player->lock);
	if (player->started)
		pthread_join(player->thread, NULL);
	player_free(player);
}

static bool has_place(struct player *player, const struct input_choice *choice, enum seat_place place)
{
	pthread_mutex_lock(&player->lock);
	bool has = !player->seats[place] && !player->ended;
	pthread_mutex_unlock(&player->lock);
	return has && input_choice_equal(&player->choice, choice);
}

/* With the lock of the library held: a second who comes at the same time finds the first one's. */
static struct player *find_or_open(struct input_choice *choice, enum seat_place place, const struct qv_host *host,
				   const struct qv_options *options, struct qv_error *err)
{
	for (struct player *player = library_players; player; player = player->next)
		if (has_place(player, choice, place))
			return player;
	struct player *player = player_open(choice, host, options, err);
	if (player) {
		player->next = library_players;
		library_players = player;
	}
	return player;
}

/* With the lock of the library held. */
static void forget(struct player *player)
{
	struct player **at = &library_players;
	while (*at != player)
		at = &(*at)->next;
	*at = player->next;
	player_stop(player);
}

static bool is_empty(struct player *player)
{
	pthread_mutex_lock(&player->lock);
	bool empty = !player->seats[SEAT_VIDEO] && !player->seats[SEAT_AUDIO];
	pthread_mutex_unlock(&player->lock);
	return empty;
}

struct seat *seat_take(const struct qv_host *host, const struct qv_options *options, enum AVMediaType type,
		       struct qv_error *err)
{
	enum seat_place place = type == AVMEDIA_TYPE_VIDEO ? SEAT_VIDEO : SEAT_AUDIO;
	struct input_choice choice;
	struct seat *seat = NULL;
	if (input_choice_read(&choice, options, err) != 0)
		return NULL;
	pthread_mutex_lock(&library_lock);
	struct player *player = find_or_open(&choice, place, host, options, err);
	if (player) {
		seat = seat_new(player, host, options, type, err);
		if (seat) {
			pthread_mutex_lock(&player->lock);
			player->seats[place] = seat;
			pthread_mutex_unlock(&player->lock);
		} else if (is_empty(player)) {
			forget(player);
		}
	}
	pthread_mutex_unlock(&library_lock);
	input_choice_free(&choice);
	return seat;
}

void seat_leave(struct seat *seat)
{
	if (!seat)
		return;
	struct player *player = seat->player;
	pthread_mutex_lock(&library_lock);
	pthread_mutex_lock(&player->lock);
	for (int i = 0; i < SEATS; i++)
		if (player->seats[i] == seat)
			player->seats[i] = NULL;
	while (seat->first)
		drop_oldest(seat);
	pthread_mutex_unlock(&player->lock);
	if (is_empty(player))
		forget(player);
	pthread_mutex_unlock(&library_lock);
	seat_free(seat);
}

/* 1: an item, now the caller's; 0: none yet; -1: the end. */
int player_next(struct seat *seat, struct item **item, int *failure)
{
	struct player *player = seat->player;
	pthread_mutex_lock(&player->lock);
	int got = seat->first ? 1 : player->ended ? -1 : 0;
	if (got > 0) {
		*item = seat->first;
		seat->first = (*item)->next;
		if (!seat->first)
			seat->end = &seat->first;
		seat->count--;
		seat->bytes -= (size_t)(*item)->packet->size;
	}
	*failure = player->failure;
	pthread_cond_signal(&player->changed);
	pthread_mutex_unlock(&player->lock);
	return got;
}

int64_t seat_instant(struct seat *seat, int64_t at_ns)
{
	struct player *player = seat->player;
	pthread_mutex_lock(&player->lock);
	if (!player->begun) {
		player->begun = true;
		player->begin_ns = qv_clock_now(seat->host->clock) - at_ns;
	}
	int64_t instant = player->begin_ns + at_ns;
	pthread_mutex_unlock(&player->lock);
	return instant;
}

void seat_delay(struct seat *seat, int64_t late_ns)
{
	struct player *player = seat->player;
	pthread_mutex_lock(&player->lock);
	player->begin_ns += late_ns;
	pthread_mutex_unlock(&player->lock);
}
