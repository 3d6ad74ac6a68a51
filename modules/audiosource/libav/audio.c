/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>

#include "../../videosource/libav/classes.h"
#include "../../videosource/libav/player.h"

/* Where the file's times are off what has been played by more than this, they are right: silence, or a cut. */
#define UNEVEN_NS    (40 * QV_NS_PER_MS)
#define CHANNELS_MAX 64

struct qv_audiosource {
	const struct qv_host *host;
	struct seat *seat;
	struct qv_audio_format format;
	size_t block_frames;
	AVFrame *frame;
	struct SwrContext *resampler;
	/* The form of the frames that it was made for. */
	enum AVSampleFormat has_format;
	int has_rate, has_channels;
	int16_t *samples; /* `filled` of `room` samples per channel; the first of them is `position`, at `at_ns` */
	size_t filled, room;
	size_t given; /* of them were handed out by the last read */
	bool any;
	int64_t at_ns; /* of position 0 */
	uint64_t position;
	bool ended;
};

void libav_audio_close(struct qv_audiosource *source)
{
	if (!source)
		return;
	seat_leave(source->seat);
	swr_free(&source->resampler);
	av_frame_free(&source->frame);
	free(source->samples);
	free(source);
}

struct qv_audiosource *libav_audio_open(const struct qv_host *host, const struct qv_options *options,
					const struct qv_audio_format *format, size_t block_frames, struct qv_error *err)
{
	if (qv_audio_blocks_check(format, block_frames, err) != 0)
		return NULL;
	struct qv_audiosource *source = calloc(1, sizeof *source);
	if (!source || !(source->frame = av_frame_alloc())) {
		free(source);
		qv_fail(err, QV_E_NOMEM, "no memory for an audio source");
		return NULL;
	}
	source->host = host;
	source->format = *format;
	source->block_frames = block_frames;
	source->seat = seat_take(host, options, AVMEDIA_TYPE_AUDIO, err);
	if (source->seat)
		return source;
	libav_audio_close(source);
	return NULL;
}

static int64_t time_of(const struct qv_audiosource *source, uint64_t position)
{
	uint64_t rate = (uint64_t)source->format.rate;
	return source->at_ns + (int64_t)(position / rate) * QV_NS_PER_SECOND +
	       (int64_t)(position % rate * (uint64_t)QV_NS_PER_SECOND / rate);
}

static int make_room(struct qv_audiosource *source, size_t frames, struct qv_error *err)
{
	size_t channels = (size_t)source->format.channels;
	if (source->room - source->filled >= frames)
		return 0;
	size_t room = source->filled + frames + source->block_frames;
	int16_t *samples = realloc(source->samples, room * channels * sizeof *samples);
	if (!samples)
		return qv_fail(err, QV_E_NOMEM, "no memory for sound");
	source->samples = samples;
	source->room = room;
	return 0;
}

/* A stream may change its form at any frame. */
static int follow_form(struct qv_audiosource *source, struct qv_error *err)
{
	const AVFrame *frame = source->frame;
	AVChannelLayout out, in = frame->ch_layout;
	if (source->resampler && frame->format == source->has_format && frame->sample_rate == source->has_rate &&
	    in.nb_channels == source->has_channels)
		return 0;
	if (in.nb_channels < 1 || in.nb_channels > CHANNELS_MAX || frame->sample_rate < 1)
		return qv_fail(err, QV_E_IO, "%s: sound of %d channels at %d Hz", seat_name(source->seat),
			       in.nb_channels, frame->sample_rate);
	swr_free(&source->resampler);
	av_channel_layout_default(&out, source->format.channels);
	if (in.order == AV_CHANNEL_ORDER_UNSPEC)
		av_channel_layout_default(&in, in.nb_channels);
	int status = swr_alloc_set_opts2(&source->resampler, &out, AV_SAMPLE_FMT_S16, source->format.rate, &in,
					 frame->format, frame->sample_rate, 0, NULL);
	if (status >= 0)
		status = swr_init(source->resampler);
	if (status < 0) {
		swr_free(&source->resampler);
		return libav_fail(err, QV_E_UNSUPPORTED, status, "%s: its sound cannot be resampled",
				  seat_name(source->seat));
	}
	source->has_format = frame->format;
	source->has_rate = frame->sample_rate;
	source->has_channels = frame->ch_layout.nb_channels;
	return 0;
}

/* Samples that the resampler still holds are heard later than what it gave out. */
static int64_t next_ns(const struct qv_audiosource *source)
{
	int64_t held = source->resampler ? swr_get_delay(source->resampler, QV_NS_PER_SECOND) : 0;
	return time_of(source, source->position + source->filled) + held;
}

/* The file leaves something out: silence, so that pictures and sound stay in step. */
static int fill_gap(struct qv_audiosource *source, int64_t at_ns, struct qv_error *err)
{
	int64_t gap = at_ns - next_ns(source);
	if (gap < UNEVEN_NS)
		return 0;
	size_t frames = (size_t)(gap / 1000 * source->format.rate / 1000000),
	       channels = (size_t)source->format.channels;
	if (make_room(source, frames, err) != 0)
		return -1;
	memset(source->samples + source->filled * channels, 0, frames * channels * sizeof *source->samples);
	source->filled += frames;
	return 0;
}

static int resample(struct qv_audiosource *source, const uint8_t **in, int count, struct qv_error *err)
{
	int most = swr_get_out_samples(source->resampler, count);
	if (most < 0 || make_room(source, (size_t)most, err) != 0)
		return most < 0 ? qv_fail(err, QV_E_IO, "%s: too much sound at once", seat_name(source->seat)) : -1;
	uint8_t *out = (uint8_t *)(source->samples + source->filled * (size_t)source->format.channels);
	int made = swr_convert(source->resampler, &out, most, in, count);
	if (made < 0)
		return libav_fail(err, QV_E_IO, made, "%s: resampling", seat_name(source->seat));
	source->filled += (size_t)made;
	return 0;
}

static int take_frame(struct qv_audiosource *source, int64_t at_ns, struct qv_error *err)
{
	if (follow_form(source, err) != 0)
		return -1;
	if (!source->any)
		source->at_ns = at_ns;
	source->any = true;
	if (fill_gap(source, at_ns, err) != 0)
		return -1;
	/* Sound that overlaps what was played: the file's times are cut short there, and count from now on. */
	if (next_ns(source) - at_ns > UNEVEN_NS)
		source->at_ns -= next_ns(source) - at_ns;
	return resample(source, (const uint8_t **)source->frame->extended_data, source->frame->nb_samples, err);
}

/* Until a block is there. 1: it is, or the last sound there will be; 0: not in time; -1. */
static int fill(struct qv_audiosource *source, int timeout_ms, struct qv_error *err)
{
	while (source->filled < source->block_frames && !source->ended) {
		int64_t at_ns;
		int got = seat_frame(source->seat, source->frame, &at_ns, timeout_ms, err);
		if (got > 0) {
			got = take_frame(source, at_ns, err) == 0 ? 1 : -1;
			av_frame_unref(source->frame);
			if (got > 0)
				continue;
		}
		if (got == 0 || err->code != QV_E_END)
			return got;
		source->ended = true;
		*err = (struct qv_error)QV_ERROR_INIT;
		if (source->resampler && resample(source, NULL, 0, err) != 0)
			return -1;
	}
	if (source->filled == 0)
		return qv_fail(err, QV_E_END, "%s has ended", seat_name(source->seat));
	return 1;
}

static int await_end(struct qv_audiosource *source, size_t frames, int64_t deadline, int64_t *begin,
		     struct qv_error *err)
{
	int64_t from = time_of(source, source->position), to = time_of(source, source->position + frames);
	int64_t now = qv_clock_now(source->host->clock);
	bool paced = seat_paced(source->seat);
	*begin = paced ? seat_instant(source->seat, from) : now;
	int64_t left = paced ? *begin + (to - from) - now : 0;
	if (-left > QV_NS_PER_SECOND) {
		seat_delay(source->seat, -left);
		*begin -= left;
		left = 0;
	}
	int64_t until = qv_clock_now(&qv_clock_monotonic) + (left > 0 ? left : 0);
	bool in_time = until <= deadline;
	if (qv_clock_sleep_until(in_time ? until : deadline, source->host->cancel_fd, err) != 0)
		return -1;
	return in_time;
}

int libav_audio_read(struct qv_audiosource *source, struct qv_audio_block *block, int timeout_ms, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t begin,
		deadline = timeout_ms < 0 ? INT64_MAX : qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	err = err ? err : &own;
	size_t channels = (size_t)source->format.channels;
	if (source->given > 0) {
		source->filled -= source->given;
		source->position += source->given;
		memmove(source->samples, source->samples + source->given * channels,
			source->filled * channels * sizeof *source->samples);
		source->given = 0;
	}
	int got = fill(source, timeout_ms, err);
	if (got <= 0)
		return got;
	size_t frames = source->filled < source->block_frames ? source->filled : source->block_frames;
	got = await_end(source, frames, deadline, &begin, err);
	if (got <= 0)
		return got;
	*block = (struct qv_audio_block){ .format = source->format,
					  .samples = source->samples,
					  .frames = frames,
					  .capture_ns = begin,
					  .position = source->position };
	source->given = frames;
	return 1;
}
