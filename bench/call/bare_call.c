/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_call SECONDS: the codec work of one end of a call and nothing else, at the pace of a call: the test pattern at
 * 1280x720 and 30 pictures a second through libvpx at 1.5 Mbit/s and back, a tone through libopus at 32 kbit/s and back.
 * Prints the processor's time in seconds.
 */
#include <opus.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <qvisio/clock.h>

#include "../../modules/audiosource/tone/signal.h"
#include "../../modules/videosource/testpattern/pattern.h"
#include "bare_vpx.h"

#define FPS     30
#define RATE    48000
#define SAMPLES 960

static void check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bare_call: %s\n", what);
	exit(1);
}

static void do_picture(struct bare_vpx *vpx, struct qv_picture *picture, uint64_t number)
{
	const uint8_t *bytes;
	check(pattern_paint(picture, number, qv_clock_now(&qv_clock_monotonic), NULL) == 0, "the pattern failed");
	struct qv_frame frame = qv_picture_frame(picture);
	size_t size = bare_vpx_encode(vpx, &frame, &bytes);
	if (size > 0)
		bare_vpx_decode(vpx, bytes, size);
}

static void do_sound(OpusEncoder *encoder, OpusDecoder *decoder, uint64_t number)
{
	static const struct tone_signal signal = { TONE_SINE, RATE, 8000, 440, 0, 0 };
	int16_t samples[SAMPLES];
	uint8_t packet[1500];
	for (uint64_t i = 0; i < SAMPLES; i++)
		samples[i] = tone_sample(&signal, number * SAMPLES + i);
	int size = opus_encode(encoder, samples, SAMPLES, packet, sizeof packet);
	check(size > 0 && opus_decode(decoder, packet, size, samples, SAMPLES, 0) == SAMPLES, "libopus failed");
}

int main(int argc, char **argv)
{
	char *end = NULL;
	double seconds = argc == 2 ? strtod(argv[1], &end) : 0;
	check(end && !*end && seconds > 0 && seconds < 3600, "usage: bare_call SECONDS");
	struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_LIMITED, 1280, 720, FPS, 1 };
	struct qv_picture *picture = qv_picture_new(&format, NULL);
	struct bare_vpx *vpx = bare_vpx_new(format.width, format.height, FPS, 1500000);
	int error;
	OpusEncoder *encoder = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, &error);
	OpusDecoder *decoder = opus_decoder_create(RATE, 1, &error);
	check(picture && encoder && decoder, "no memory");
	opus_encoder_ctl(encoder, OPUS_SET_BITRATE(32000));
	opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(10));
	opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(1));
	opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(5));
	int64_t begin = qv_clock_now(&qv_clock_monotonic);
	uint64_t pictures = 0, sounds = 0;
	while (pictures < (uint64_t)(seconds * FPS)) {
		int64_t picture_at = begin + (int64_t)pictures * QV_NS_PER_SECOND / FPS;
		int64_t sound_at = begin + (int64_t)(sounds + 1) * QV_NS_PER_SECOND * SAMPLES / RATE;
		qv_clock_sleep_until(picture_at < sound_at ? picture_at : sound_at, -1, NULL);
		if (picture_at < sound_at)
			do_picture(vpx, picture, pictures++);
		else
			do_sound(encoder, decoder, sounds++);
	}
	printf("%.4f\n", (double)clock() / CLOCKS_PER_SEC);
	bare_vpx_free(vpx);
	qv_picture_free(picture);
	opus_encoder_destroy(encoder);
	opus_decoder_destroy(decoder);
	return 0;
}
