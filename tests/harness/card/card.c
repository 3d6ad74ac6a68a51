/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sound card that is not there, for libasound (type "qvcard"): the microphone hears chirps that begin where
 * CLOCK_MONOTONIC is a multiple of the interval, the loudspeaker writes down what it plays when (see recording.h). So
 * any program that plays and records through ALSA can be measured, with no delay but its own and the network's.
 *
 *   pcm_type.qvcard { lib "/path/of/this.so" }
 *   pcm.!default { type qvcard path "heard" frequency 400 sweep 3000 chirp 60 interval 500 level 8000 }
 *
 * Its rate is off by `ppm` if that is given. It has any rate, one or two channels and 16-bit samples, or only those
 * given as `rate`, `channels` and `format` (linear ones, lowest byte first, and floats). One stream each way at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

#include "../../../modules/audiosource/tone/signal.h"
#include "../witness/recording.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define CHANNELS_MAX  2
#define BUFFER_MAX    (1 << 20)

struct card {
	snd_pcm_ioplug_t io;
	char *path;
	struct tone_signal signal;
	long chirp_ms, interval_ms, ppm, rate, channels;
	snd_pcm_format_t format;
	snd_pcm_uframes_t avail_min;
	bool running;
	int64_t start_ns;
	uint64_t moved; /* samples that the program wrote or read since the start */
	struct recording recording;
	int16_t *early; /* written before the start, of which nobody knows yet when it is played */
	size_t early_frames;
};

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static double true_rate(const struct card *card)
{
	return card->io.rate * (1 + (double)card->ppm / 1e6);
}

static int64_t time_of(const struct card *card, uint64_t position)
{
	return card->start_ns + (int64_t)((double)position * (double)NS_PER_SECOND / true_rate(card));
}

static uint64_t elapsed(const struct card *card)
{
	return card->running ? (uint64_t)((double)(now_ns() - card->start_ns) * true_rate(card) / (double)NS_PER_SECOND)
			     : 0;
}

/* The descriptor becomes readable when there is as much room, or sound, as the program wants to be woken for. */
static void arm(struct card *card)
{
	bool plays = card->io.stream == SND_PCM_STREAM_PLAYBACK;
	uint64_t least = card->avail_min ? card->avail_min : 1, room = card->io.buffer_size;
	int64_t at = 1;
	if (card->running && plays && card->moved + least > room)
		at = time_of(card, card->moved + least - room);
	else if (card->running && !plays)
		at = time_of(card, card->moved + least);
	else if (!plays || card->moved + least > room)
		at = 0;
	struct itimerspec when = { .it_value = { .tv_sec = at / NS_PER_SECOND, .tv_nsec = at % NS_PER_SECOND } };
	timerfd_settime(card->io.poll_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static int card_start(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	card->running = true;
	card->start_ns = now_ns();
	if (card->early_frames > 0)
		recording_put(&card->recording, card->start_ns, card->early, card->early_frames);
	card->early_frames = 0;
	arm(card);
	return 0;
}

static int card_stop(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	card->running = false;
	return 0;
}

static int card_prepare(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	card->running = false;
	card->moved = 0;
	card->early_frames = 0;
	arm(card);
	return 0;
}

static snd_pcm_sframes_t card_pointer(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	uint64_t at = elapsed(card);
	bool plays = io->stream == SND_PCM_STREAM_PLAYBACK;
	if (card->running && (plays ? at > card->moved : at > card->moved + io->buffer_size)) {
		if (io->state == SND_PCM_STATE_DRAINING)
			at = card->moved;
		else
			return -EPIPE;
	}
	return (snd_pcm_sframes_t)(at % io->buffer_size);
}

static unsigned char *place(const snd_pcm_channel_area_t *areas, snd_pcm_uframes_t offset)
{
	return (unsigned char *)areas[0].addr + areas[0].first / 8 + offset * areas[0].step / 8;
}

static void put_sample(const struct card *card, unsigned char *to, int16_t value)
{
	int32_t stored = (int32_t)((uint32_t)value << (snd_pcm_format_width(card->format) - 16));
	float share = (float)value / 32768;
	if (card->format == SND_PCM_FORMAT_FLOAT_LE)
		memcpy(&stored, &share, sizeof share);
	memcpy(to, &stored, (size_t)snd_pcm_format_physical_width(card->format) / 8);
}

static int16_t get_sample(const struct card *card, const unsigned char *from)
{
	int32_t stored = 0;
	float share;
	memcpy(&stored, from, (size_t)snd_pcm_format_physical_width(card->format) / 8);
	memcpy(&share, &stored, sizeof share);
	if (card->format == SND_PCM_FORMAT_FLOAT_LE)
		return (int16_t)(share * 32768);
	return (int16_t)(stored >> (snd_pcm_format_width(card->format) - 16));
}

static void hear(struct card *card, unsigned char *to, size_t frames)
{
	int64_t interval = card->interval_ms * 1000000;
	for (size_t i = 0; i < frames; i++) {
		int64_t since = time_of(card, card->moved + i) % interval;
		int16_t value = tone_sample(&card->signal, (uint64_t)((double)since * card->io.rate / 1e9));
		for (unsigned c = 0; c < card->io.channels; c++, to += snd_pcm_format_physical_width(card->format) / 8)
			put_sample(card, to, value);
	}
}

static void play(struct card *card, const unsigned char *from, size_t frames)
{
	if (card->early_frames + frames > BUFFER_MAX)
		return;
	int16_t *samples = card->early + card->early_frames * card->io.channels;
	for (size_t i = 0; i < frames * card->io.channels; i++, from += snd_pcm_format_physical_width(card->format) / 8)
		samples[i] = get_sample(card, from);
	if (card->running)
		recording_put(&card->recording, time_of(card, card->moved), samples, frames);
	else
		card->early_frames += frames;
}

static snd_pcm_sframes_t card_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
				       snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	struct card *card = io->private_data;
	if (io->stream == SND_PCM_STREAM_PLAYBACK)
		play(card, place(areas, offset), size);
	else
		hear(card, place(areas, offset), size);
	card->moved += size;
	arm(card);
	return (snd_pcm_sframes_t)size;
}

static int card_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned count, unsigned short *revents)
{
	struct card *card = io->private_data;
	(void)count;
	/* It stays readable until the program has moved something. */
	*revents = 0;
	if (fds[0].revents & POLLIN)
		*revents = io->stream == SND_PCM_STREAM_PLAYBACK ? POLLOUT : POLLIN;
	(void)card;
	return 0;
}

static int card_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params)
{
	struct card *card = io->private_data;
	snd_pcm_sw_params_get_avail_min(params, &card->avail_min);
	return 0;
}

static int card_hw_params(snd_pcm_ioplug_t *io, snd_pcm_hw_params_t *params)
{
	struct card *card = io->private_data;
	(void)params;
	card->signal.rate = io->rate;
	card->signal.length = (uint64_t)card->chirp_ms * io->rate / 1000;
	if (io->stream == SND_PCM_STREAM_CAPTURE || card->recording.file)
		return 0;
	card->recording = (struct recording){ .rate = (int)io->rate, .channels = (int)io->channels };
	card->recording.file = fopen(card->path, "we");
	return card->recording.file ? 0 : -errno;
}

static int card_close(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	if (card->recording.file)
		fclose(card->recording.file);
	if (io->poll_fd >= 0)
		close(io->poll_fd);
	free(card->early);
	free(card->path);
	free(card);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = card_start,
	.stop = card_stop,
	.pointer = card_pointer,
	.transfer = card_transfer,
	.close = card_close,
	.hw_params = card_hw_params,
	.sw_params = card_sw_params,
	.prepare = card_prepare,
	.poll_revents = card_revents,
};

static int limit(struct card *card)
{
	static const unsigned access[] = { SND_PCM_ACCESS_RW_INTERLEAVED };
	const unsigned formats[] = { (unsigned)card->format };
	unsigned rate = (unsigned)card->rate, channels = (unsigned)card->channels;
	snd_pcm_ioplug_t *io = &card->io;
	int error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 1, access);
	if (error >= 0)
		error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, formats);
	if (error >= 0)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, channels ? channels : 1,
							channels ? channels : CHANNELS_MAX);
	if (error >= 0)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, rate ? rate : 8000,
							rate ? rate : 48000);
	if (error >= 0)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, BUFFER_MAX / 2);
	if (error >= 0)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 128, BUFFER_MAX);
	return error;
}

static int read_config(struct card *card, snd_config_t *conf)
{
	struct {
		const char *name;
		double *number;
		long *integer;
	} fields[] = {
		{ "frequency", &card->signal.frequency, NULL },
		{ "sweep", &card->signal.sweep, NULL },
		{ "level", &card->signal.amplitude, NULL },
		{ "chirp", NULL, &card->chirp_ms },
		{ "interval", NULL, &card->interval_ms },
		{ "ppm", NULL, &card->ppm },
		{ "rate", NULL, &card->rate },
		{ "channels", NULL, &card->channels },
	};
	snd_config_iterator_t i, next;
	snd_config_for_each(i, next, conf)
	{
		snd_config_t *entry = snd_config_iterator_entry(i);
		const char *id, *text;
		long value;
		if (snd_config_get_id(entry, &id) < 0)
			continue;
		if (strcmp(id, "path") == 0 && snd_config_get_string(entry, &text) >= 0)
			card->path = strdup(text);
		if (strcmp(id, "format") == 0 && snd_config_get_string(entry, &text) >= 0)
			card->format = snd_pcm_format_value(text);
		for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
			if (strcmp(id, fields[f].name) != 0 || snd_config_get_integer(entry, &value) < 0)
				continue;
			if (fields[f].integer)
				*fields[f].integer = value;
			else
				*fields[f].number = (double)value;
		}
	}
	bool sane = card->channels >= 0 && card->channels <= CHANNELS_MAX && card->rate >= 0;
	return sane && card->path && card->interval_ms > card->chirp_ms && card->chirp_ms > 0 ? 0 : -EINVAL;
}

__attribute__((visibility("default"))) SND_PCM_PLUGIN_DEFINE_FUNC(qvcard)
{
	struct card *card = calloc(1, sizeof *card);
	(void)root;
	if (!card)
		return -ENOMEM;
	card->signal = (struct tone_signal){ .kind = TONE_CHIRP, .amplitude = 8000, .frequency = 400, .sweep = 3000 };
	card->chirp_ms = 60;
	card->interval_ms = 500;
	card->format = SND_PCM_FORMAT_S16;
	card->early = calloc((size_t)BUFFER_MAX * CHANNELS_MAX, sizeof *card->early);
	card->io = (snd_pcm_ioplug_t){
		.version = SND_PCM_IOPLUG_VERSION,
		.name = "a sound card for measuring",
		.callback = &callbacks,
		.private_data = card,
		.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
		.poll_events = POLLIN,
	};
	int error = card->early && card->io.poll_fd >= 0 ? read_config(card, conf) : -ENOMEM;
	if (error == 0)
		error = snd_pcm_ioplug_create(&card->io, name, stream, mode);
	if (error < 0) {
		card_close(&card->io);
		return error;
	}
	error = limit(card);
	if (error < 0) {
		snd_pcm_ioplug_delete(&card->io);
		return error;
	}
	*pcmp = card->io.pcm;
	return 0;
}

__attribute__((visibility("default"))) SND_PCM_PLUGIN_SYMBOL(qvcard);
