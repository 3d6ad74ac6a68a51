/* SPDX-License-Identifier: Apache-2.0 */
#include "seat.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DAMAGED_IN_A_ROW_MAX 100
/* Times in a file that jump further are taken for a cut: what follows is played on. */
#define GAP_MAX_US  (10 * INT64_C(1000000))
#define BACK_MAX_US (1 * INT64_C(1000000))
/* From the key picture before the second to start at up to there. */
#define PREROLL_MAX_US (60 * INT64_C(1000000))
#define PIXELS_MAX     ((int64_t)QV_VIDEO_SIDE_MAX * QV_VIDEO_SIDE_MAX)

static const char *kind_name(enum AVMediaType type)
{
	return type == AVMEDIA_TYPE_VIDEO ? "pictures" : "sound";
}

static int choose_stream(struct player *player, const struct qv_options *options, enum AVMediaType type,
			 struct qv_error *err)
{
	AVFormatContext *input = player->input;
	int wanted = qv_options_has(options, "stream") ? (int)qv_options_int(options, "stream") : -1;
	if (wanted >= 0 && (wanted >= (int)input->nb_streams || input->streams[wanted]->codecpar->codec_type != type))
		return qv_options_fail(options, "stream", err, "stream %d of %s is no %s", wanted,
				       input_name(&player->choice), kind_name(type));
	int found = av_find_best_stream(input, type, wanted, -1, NULL, 0);
	if (found >= 0)
		return found;
	return qv_fail(err, QV_E_UNSUPPORTED, "%s: there is no %s in it", input_name(&player->choice), kind_name(type));
}

static int open_decoder(struct seat *seat, struct qv_error *err)
{
	const AVCodecParameters *parameters = seat->stream->codecpar;
	const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
	if (!codec)
		return qv_fail(err, QV_E_UNSUPPORTED, "%s: FFmpeg here has no decoder for %s", seat_name(seat),
			       avcodec_get_name(parameters->codec_id));
	seat->decoder = avcodec_alloc_context3(codec);
	int status = seat->decoder ? avcodec_parameters_to_context(seat->decoder, parameters) : AVERROR(ENOMEM);
	if (status >= 0) {
		seat->decoder->pkt_timebase = seat->stream->time_base;
		seat->decoder->max_pixels = PIXELS_MAX;
		seat->decoder->thread_count = 1; /* more would hold frames back */
		status = avcodec_open2(seat->decoder, codec, NULL);
	}
	return status < 0 ? libav_fail(err, QV_E_UNSUPPORTED, status, "%s: decoding %s", seat_name(seat), codec->name)
			  : 0;
}

struct seat *seat_new(struct player *player, const struct qv_host *host, const struct qv_options *options,
		      enum AVMediaType type, struct qv_error *err)
{
	int index = choose_stream(player, options, type, err);
	struct seat *seat = index >= 0 ? calloc(1, sizeof *seat) : NULL;
	if (!seat) {
		if (index >= 0)
			qv_fail(err, QV_E_NOMEM, "no memory to read %s", input_name(&player->choice));
		return NULL;
	}
	seat->player = player;
	seat->host = host;
	seat->stream = player->input->streams[index];
	seat->end = &seat->first;
	seat->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (seat->event_fd < 0)
		qv_fail_errno(err, QV_E_IO, errno, "making an event descriptor");
	else if (open_decoder(seat, err) == 0)
		return seat;
	seat_free(seat);
	return NULL;
}

void seat_free(struct seat *seat)
{
	avcodec_free_context(&seat->decoder);
	if (seat->event_fd >= 0)
		close(seat->event_fd);
	free(seat);
}

AVRational seat_frame_rate(const struct seat *seat)
{
	/* It only looks, though it does not say so. */
	return av_guess_frame_rate(seat->player->input, seat->player->input->streams[seat->stream->index], NULL);
}

const AVStream *seat_stream(const struct seat *seat)
{
	return seat->stream;
}

bool seat_paced(const struct seat *seat)
{
	return seat->player->choice.paced;
}

const char *seat_name(const struct seat *seat)
{
	return input_name(&seat->player->choice);
}

static int64_t length_us(const struct seat *seat, const AVFrame *frame)
{
	AVRational rate = seat->stream->avg_frame_rate;
	if (frame->sample_rate > 0)
		return av_rescale(frame->nb_samples, 1000000, frame->sample_rate);
	if (frame->pkt_duration > 0)
		return av_rescale_q(frame->pkt_duration, seat->stream->time_base, AV_TIME_BASE_Q);
	return rate.num > 0 && rate.den > 0 ? av_rescale(1000000, rate.den, rate.num) : 40000;
}

/* When a frame is in its pass, by what the file says, which may be nothing or nonsense. */
static bool time_said(const struct seat *seat, const AVFrame *frame, int64_t *us)
{
	const int64_t limit = INT64_MAX / 8;
	if (frame->best_effort_timestamp == AV_NOPTS_VALUE)
		return false;
	int64_t said = av_rescale_q(frame->best_effort_timestamp, seat->stream->time_base, AV_TIME_BASE_Q);
	said = said > limit ? limit : said < -limit ? -limit : said;
	*us = said - seat->player->base_us + seat->shift_us;
	return true;
}

/* The time of a frame since the beginning, over all passes. False: it comes before the second to start at. */
static bool place(struct seat *seat, const AVFrame *frame, int64_t *at)
{
	int64_t in_pass;
	bool said = time_said(seat, frame, &in_pass);
	if (said && in_pass < 0 && in_pass >= -PREROLL_MAX_US)
		return false;
	*at = said ? in_pass + seat->offset_us : seat->next_us;
	int64_t off = *at - seat->next_us;
	if (off > GAP_MAX_US || off < -BACK_MAX_US) {
		seat->shift_us -= off;
		*at = seat->next_us;
	}
	seat->next_us = *at + length_us(seat, frame);
	return *at >= 0;
}

/* 1: a frame; 0: the decoder wants a packet; -1. */
static int receive(struct seat *seat, AVFrame *frame, struct qv_error *err)
{
	int status = avcodec_receive_frame(seat->decoder, frame);
	if (status == AVERROR(EAGAIN))
		return 0;
	if (status == AVERROR_EOF) {
		seat->drained = true;
		return 0;
	}
	if (status >= 0) {
		seat->damaged_in_a_row = 0;
		return 1;
	}
	if (status == AVERROR(ENOMEM))
		return qv_fail(err, QV_E_NOMEM, "%s: no memory to decode it", seat_name(seat));
	if (++seat->damaged_in_a_row > DAMAGED_IN_A_ROW_MAX)
		return libav_fail(err, QV_E_IO, status, "%s: %d damaged packets in a row", seat_name(seat),
				  DAMAGED_IN_A_ROW_MAX);
	return 0;
}

static void drain(struct seat *seat)
{
	seat->draining = true;
	seat->drained = false;
	avcodec_send_packet(seat->decoder, NULL);
}

/* The decoder has nothing more: a looping file goes on at its beginning. */
static void start_again(struct seat *seat)
{
	avcodec_flush_buffers(seat->decoder);
	seat->draining = seat->drained = false;
	seat->offset_us = seat->next_offset_us;
}

static int wait_for_packet(struct seat *seat, int64_t deadline, struct qv_error *err)
{
	int64_t left = deadline == INT64_MAX ? -1 : deadline - qv_clock_now(&qv_clock_monotonic);
	int timeout = deadline == INT64_MAX ? -1 : left <= 0 ? 0 : (int)(left / QV_NS_PER_MS) + 1;
	eventfd_t value;
	int ready = qv_wait_fd(seat->event_fd, POLLIN, timeout, seat->host->cancel_fd, err);
	if (ready > 0)
		eventfd_read(seat->event_fd, &value);
	return ready;
}

static int end(const struct seat *seat, int failure, struct qv_error *err)
{
	if (failure == 0)
		return qv_fail(err, QV_E_END, "%s has ended", seat_name(seat));
	return libav_fail(err, seat->player->choice.url ? QV_E_GONE : QV_E_IO, failure, "reading %s", seat_name(seat));
}

/* Where so much waited that the beginning of a pass was given up, its packets still say which one it is. */
static void follow_pass(struct seat *seat, int64_t offset_us)
{
	if (offset_us == seat->offset_us)
		return;
	seat->next_offset_us = offset_us;
	start_again(seat);
}

/* Gives the decoder the next packet. 1: given; 0: none in time; -1. */
static int feed(struct seat *seat, int64_t deadline, bool *ended, struct qv_error *err)
{
	struct item *item;
	int failure = 0, got = player_next(seat, &item, &failure);
	if (got == 0)
		return wait_for_packet(seat, deadline, err);
	if (got < 0) {
		if (*ended)
			return end(seat, failure, err);
		*ended = true;
		drain(seat);
		return 1;
	}
	if (item->again) {
		seat->next_offset_us = item->offset_us;
		drain(seat);
	} else {
		follow_pass(seat, item->offset_us);
		int status = avcodec_send_packet(seat->decoder, item->packet);
		seat->damaged_in_a_row += status < 0;
	}
	av_packet_free(&item->packet);
	free(item);
	if (seat->damaged_in_a_row <= DAMAGED_IN_A_ROW_MAX)
		return 1;
	return qv_fail(err, QV_E_IO, "%s: %d damaged packets in a row", seat_name(seat), DAMAGED_IN_A_ROW_MAX);
}

int seat_frame(struct seat *seat, AVFrame *frame, int64_t *at_ns, int timeout_ms, struct qv_error *err)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	int64_t deadline = timeout_ms < 0 ? INT64_MAX : now + timeout_ms * QV_NS_PER_MS;
	bool ended = seat->drained;
	if (player_start(seat->player, err) != 0)
		return -1;
	for (;;) {
		int got = receive(seat, frame, err);
		if (got < 0)
			return -1;
		if (got > 0) {
			int64_t at;
			if (place(seat, frame, &at)) {
				*at_ns = at * 1000;
				return 1;
			}
			av_frame_unref(frame);
			continue;
		}
		if (seat->drained && !ended)
			start_again(seat);
		int fed = feed(seat, deadline, &ended, err);
		if (fed <= 0)
			return fed;
	}
}
