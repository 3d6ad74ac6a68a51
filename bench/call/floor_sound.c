/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_sound DEVICE: the least that sound in packets of 20 ms can be late. One process and one thread: ALSA, libopus,
 * the path of floor.h and back, with 10 ms of sound kept in the device. Runs until it is ended.
 */
#include <alsa/asoundlib.h>
#include <opus.h>
#include <stdbool.h>

#include "floor.h"

#define RATE      48000
#define FRAME     960
#define MARGIN    480
#define BITRATE   32000
#define SOURCE_US 80000 /* of which ALSA wakes at a quarter: a packet */
#define SINK_US   100000

static snd_pcm_t *open_device(const char *name, snd_pcm_stream_t stream, unsigned latency_us)
{
	snd_pcm_t *pcm;
	floor_check(snd_pcm_open(&pcm, name, stream, 0) == 0, name);
	floor_check(
		snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16, SND_PCM_ACCESS_RW_INTERLEAVED, 1, RATE, 0, latency_us) == 0,
		name);
	return pcm;
}

/* False after an underrun: what waits at the source is late by then. */
static bool play(snd_pcm_t *sink, const int16_t *samples, snd_pcm_uframes_t frames)
{
	static const int16_t silence[MARGIN];
	if (snd_pcm_state(sink) == SND_PCM_STATE_PREPARED)
		snd_pcm_writei(sink, silence, MARGIN);
	snd_pcm_sframes_t written = snd_pcm_writei(sink, samples, frames);
	if (written < 0)
		snd_pcm_recover(sink, (int)written, 1);
	else if (snd_pcm_state(sink) == SND_PCM_STATE_PREPARED)
		snd_pcm_start(sink);
	return written >= 0;
}

static void leave_out(snd_pcm_t *source)
{
	int16_t late[FRAME];
	while (snd_pcm_avail_update(source) >= FRAME && snd_pcm_readi(source, late, FRAME) == FRAME)
		continue;
}

int main(int argc, char **argv)
{
	floor_check(argc == 2, "usage: floor_sound DEVICE;");
	int error;
	OpusEncoder *encoder = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, &error);
	OpusDecoder *decoder = opus_decoder_create(RATE, 1, &error);
	if (!encoder || !decoder)
		return 1;
	opus_encoder_ctl(encoder, OPUS_SET_BITRATE(BITRATE));
	struct floor_path *path = floor_path_new();
	snd_pcm_t *sink = open_device(argv[1], SND_PCM_STREAM_PLAYBACK, SINK_US);
	snd_pcm_t *source = open_device(argv[1], SND_PCM_STREAM_CAPTURE, SOURCE_US);
	int16_t samples[FRAME];
	uint8_t packet[FLOOR_PACKET_MAX], passed[FLOOR_PACKET_MAX];
	for (;;) {
		snd_pcm_sframes_t got = snd_pcm_readi(source, samples, FRAME);
		if (got != FRAME) {
			snd_pcm_recover(source, got < 0 ? (int)got : -EPIPE, 1);
			continue;
		}
		int size = opus_encode(encoder, samples, FRAME, packet, sizeof packet);
		floor_check(size > 0, "opus_encode");
		floor_path_pass(path, packet, (size_t)size, passed);
		floor_check(opus_decode(decoder, passed, size, samples, FRAME, 0) == FRAME, "opus_decode");
		if (!play(sink, samples, FRAME))
			leave_out(source);
	}
}
