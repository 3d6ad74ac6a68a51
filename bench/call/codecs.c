/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the modules videocodec/vpx, audiocodec/opus and srtp/libsrtp2 cost over their libraries alone, in one process and
 * in turn, in time of this thread.
 */
#include "../bench.h"

#include <opus.h>
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/audiocodec.h>
#include <qvisio/loader.h>
#include <qvisio/secret.h>
#include <qvisio/srtp.h>
#include <qvisio/videocodec.h>

#include "../../modules/videosource/testpattern/pattern.h"
#include "bare_vpx.h"

#define WIDTH    1280
#define HEIGHT   720
#define FPS      30
#define BITRATE  1500000
#define PICTURES 10 /* a round */
#define CYCLE    60 /* pictures that are painted once */
#define RATE     48000
#define SAMPLES  960
#define BLOCKS   50
#define SOUND    32000
#define PAYLOAD  1100
#define PACKETS  2000
#define ROUNDS   15
#define GOAL     1.1

struct bench_data {
	const struct qv_videocodec_class *video;
	struct qv_videoencoder *encoder;
	struct qv_videodecoder *decoder;
	struct bare_vpx *bare;
	struct qv_picture *pictures[CYCLE];
	uint64_t ours, theirs; /* pictures so far */

	const struct qv_audiocodec_class *audio;
	struct qv_audioencoder *audio_encoder;
	struct qv_audiodecoder *audio_decoder;
	OpusEncoder *opus_encoder;
	OpusDecoder *opus_decoder;
	int16_t samples[BLOCKS * SAMPLES];

	const struct qv_srtp_class *srtp_class;
	struct qv_srtp *sender, *receiver;
	srtp_t bare_sender, bare_receiver;
	uint32_t our_sequence, their_sequence;
};

static void fail(const char *what, const struct qv_error *err)
{
	fprintf(stderr, "codecs: %s: %s\n", what, err ? err->message : "failed");
	exit(1);
}

static struct qv_frame frame_of(const struct bench_data *data, uint64_t number)
{
	struct qv_frame frame = qv_picture_frame(data->pictures[number % CYCLE]);
	frame.capture_ns = (int64_t)(number * QV_NS_PER_SECOND / FPS);
	frame.sequence = number;
	return frame;
}

static double ours_picture(struct bench_data *data)
{
	struct qv_packet packet;
	struct qv_frame shown;
	double start = bench_cpu();
	for (int i = 0; i < PICTURES; i++) {
		struct qv_frame frame = frame_of(data, data->ours++);
		int made = data->video->encode(data->encoder, &frame, &packet, NULL);
		if (made < 0 || (made > 0 && data->video->decode(data->decoder, &packet, &shown, NULL) < 0))
			return -1;
	}
	return (bench_cpu() - start) * 1e3 / PICTURES;
}

static double bare_picture(struct bench_data *data)
{
	const uint8_t *bytes;
	double start = bench_cpu();
	for (int i = 0; i < PICTURES; i++) {
		struct qv_frame frame = frame_of(data, data->theirs++);
		size_t size = bare_vpx_encode(data->bare, &frame, &bytes);
		if (size > 0)
			bare_vpx_decode(data->bare, bytes, size);
	}
	return (bench_cpu() - start) * 1e3 / PICTURES;
}

static double ours_sound(struct bench_data *data)
{
	struct qv_packet packet;
	struct qv_audio_block out;
	double start = bench_cpu();
	for (int i = 0; i < BLOCKS; i++) {
		struct qv_audio_block block = { .format = { RATE, 1 },
						.samples = data->samples + (size_t)i * SAMPLES,
						.frames = SAMPLES,
						.position = data->ours++ * SAMPLES };
		if (data->audio->encode(data->audio_encoder, &block, &packet, NULL) != 1 ||
		    data->audio->decode(data->audio_decoder, &packet, &out, NULL) != 1)
			return -1;
	}
	return (bench_cpu() - start) * 1e3 / BLOCKS;
}

static double bare_sound(struct bench_data *data)
{
	uint8_t packet[1500];
	int16_t out[SAMPLES];
	double start = bench_cpu();
	for (int i = 0; i < BLOCKS; i++) {
		int size = opus_encode(data->opus_encoder, data->samples + (size_t)i * SAMPLES, SAMPLES, packet,
				       sizeof packet);
		if (size < 0 || opus_decode(data->opus_decoder, packet, size, out, SAMPLES, 0) != SAMPLES)
			return -1;
	}
	return (bench_cpu() - start) * 1e3 / BLOCKS;
}

/* RFC 3550, 5.1. */
static size_t write_rtp(uint8_t *packet, uint32_t sequence)
{
	memset(packet, (int)(sequence & 0xff), 12 + PAYLOAD);
	packet[0] = 0x80;
	packet[1] = 96;
	packet[2] = (uint8_t)(sequence >> 8);
	packet[3] = (uint8_t)sequence;
	memcpy(packet + 8, "\0\0\0\1", 4);
	return 12 + PAYLOAD;
}

static double ours_srtp(struct bench_data *data)
{
	_Alignas(4) uint8_t packet[12 + PAYLOAD + 64];
	double start = bench_cpu();
	for (int i = 0; i < PACKETS; i++) {
		size_t size = write_rtp(packet, data->our_sequence++);
		uint32_t generation;
		if (data->srtp_class->protect(data->sender, packet, &size, NULL) != 0 ||
		    data->srtp_class->unprotect(data->receiver, packet, &size, &generation, NULL) != 1)
			return -1;
	}
	return (bench_cpu() - start) * 1e6 / PACKETS;
}

static double bare_srtp(struct bench_data *data)
{
	_Alignas(4) uint8_t packet[12 + PAYLOAD + 64];
	double start = bench_cpu();
	for (int i = 0; i < PACKETS; i++) {
		int size = (int)write_rtp(packet, data->their_sequence++);
		if (srtp_protect_mki(data->bare_sender, packet, &size, 1, 0) != srtp_err_status_ok ||
		    srtp_unprotect_mki(data->bare_receiver, packet, &size, 1) != srtp_err_status_ok)
			return -1;
	}
	return (bench_cpu() - start) * 1e6 / PACKETS;
}

static const struct qv_host host = { sizeof host, NULL, &qv_clock_monotonic, -1, NULL };

static const struct qv_class *load(struct qv_loader *loader, const char *kind, const char *name,
				   const char *const *settings, struct qv_options **options)
{
	struct qv_error err = QV_ERROR_INIT;
	const struct qv_class *class = qv_loader_get(loader, kind, name, &err);
	if (!class)
		fail(name, &err);
	*options = qv_options_from_strings(settings, class->options, class->option_size, "bench", &err);
	if (!*options)
		fail(name, &err);
	return class;
}

static void prepare_pictures(struct bench_data *data, struct qv_loader *loader)
{
	static const char *const settings[] = { "bitrate=1500000", NULL };
	struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_LIMITED, WIDTH, HEIGHT, FPS, 1 };
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options;
	data->video = qv_videocodec_class(load(loader, "videocodec", "vpx", settings, &options));
	data->encoder = data->video->encoder_open(&host, options, &format, &err);
	data->decoder = data->encoder ? data->video->decoder_open(&host, options, "vp8", &format, &err) : NULL;
	if (!data->decoder)
		fail("vpx", &err);
	data->bare = bare_vpx_new(WIDTH, HEIGHT, FPS, BITRATE);
	for (uint64_t i = 0; i < CYCLE; i++) {
		data->pictures[i] = qv_picture_new(&format, &err);
		if (!data->pictures[i] || pattern_paint(data->pictures[i], i, (int64_t)i * 33000000, &err) != 0)
			fail("pattern", &err);
	}
	qv_options_free(options);
}

static void prepare_sound(struct bench_data *data, struct qv_loader *loader)
{
	static const char *const settings[] = { "bitrate=32000", NULL };
	struct qv_audio_format format = { RATE, 1 };
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options;
	int error;
	data->audio = qv_audiocodec_class(load(loader, "audiocodec", "opus", settings, &options));
	data->audio_encoder = data->audio->encoder_open(&host, options, &format, &err);
	data->audio_decoder = data->audio_encoder ? data->audio->decoder_open(&host, options, &format, &err) : NULL;
	if (!data->audio_decoder)
		fail("opus", &err);
	data->opus_encoder = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, &error);
	data->opus_decoder = opus_decoder_create(RATE, 1, &error);
	if (!data->opus_encoder || !data->opus_decoder)
		fail("libopus", NULL);
	opus_encoder_ctl(data->opus_encoder, OPUS_SET_BITRATE(SOUND));
	opus_encoder_ctl(data->opus_encoder, OPUS_SET_COMPLEXITY(10));
	opus_encoder_ctl(data->opus_encoder, OPUS_SET_VBR_CONSTRAINT(1));
	opus_encoder_ctl(data->opus_encoder, OPUS_SET_INBAND_FEC(1));
	opus_encoder_ctl(data->opus_encoder, OPUS_SET_PACKET_LOSS_PERC(5));
	uint32_t noise = 1;
	int level = 0;
	for (int i = 0; i < BLOCKS * SAMPLES; i++) {
		noise = noise * 1664525 + 1013904223;
		level += ((int)(noise >> 17) - 16384 - level) / 8;
		data->samples[i] = (int16_t)level;
	}
	qv_options_free(options);
}

static srtp_t bare_session(srtp_ssrc_type_t type, uint8_t *key)
{
	srtp_t session;
	static uint8_t mki[4] = { 0, 0, 0, 1 };
	srtp_master_key_t master = { .key = key, .mki_id = mki, .mki_size = sizeof mki };
	srtp_master_key_t *masters[] = { &master };
	srtp_policy_t policy = { .ssrc = { type, 0 }, .keys = masters, .num_master_keys = 1, .window_size = 1024 };
	srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
	srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
	if (srtp_create(&session, &policy) != srtp_err_status_ok)
		fail("libsrtp2", NULL);
	return session;
}

static struct qv_srtp *open_srtp(const struct qv_srtp_class *class, const struct qv_options *options,
				 const struct qv_secret *send, const struct qv_secret *receive)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_srtp *srtp = class->open(&host, options, &err);
	if (!srtp || class->add_keys(srtp, 1, send, receive, &err) != 0 || class->use_keys(srtp, 1, &err) != 0)
		fail("srtp", &err);
	return srtp;
}

static void prepare_srtp(struct bench_data *data, struct qv_loader *loader)
{
	static const char *const settings[] = { NULL };
	static uint8_t key[QV_SRTP_MASTER];
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options;
	data->srtp_class = qv_srtp_class(load(loader, "srtp", "libsrtp2", settings, &options));
	struct qv_secret *there = qv_secret_random(QV_SRTP_MASTER, &err);
	struct qv_secret *back = there ? qv_secret_random(QV_SRTP_MASTER, &err) : NULL;
	if (!back)
		fail("secret", &err);
	data->sender = open_srtp(data->srtp_class, options, there, back);
	data->receiver = open_srtp(data->srtp_class, options, back, there);
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	srtp_init();
	data->bare_sender = bare_session(ssrc_any_outbound, key);
	data->bare_receiver = bare_session(ssrc_any_inbound, key);
	qv_secret_free(there);
	qv_secret_free(back);
	qv_options_free(options);
}

static void clean_up(struct bench_data *data)
{
	data->video->encoder_close(data->encoder);
	data->video->decoder_close(data->decoder);
	data->audio->encoder_close(data->audio_encoder);
	data->audio->decoder_close(data->audio_decoder);
	data->srtp_class->close(data->sender);
	data->srtp_class->close(data->receiver);
	bare_vpx_free(data->bare);
	opus_encoder_destroy(data->opus_encoder);
	opus_decoder_destroy(data->opus_decoder);
	srtp_dealloc(data->bare_sender);
	srtp_dealloc(data->bare_receiver);
	for (int i = 0; i < CYCLE; i++)
		qv_picture_free(data->pictures[i]);
}

int main(void)
{
	static struct bench_data data;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_loader *loader = qv_loader_new(NULL, NULL, &err);
	if (!loader)
		fail("loader", &err);
	prepare_pictures(&data, loader);
	prepare_sound(&data, loader);
	prepare_srtp(&data, loader);
	const struct bench_pair pairs[] = {
		{ "VP8 1280x720 to and fro", "ms", "libvpx", ours_picture, bare_picture, &data, ROUNDS, GOAL },
		{ "Opus 20 ms to and fro", "ms", "libopus", ours_sound, bare_sound, &data, ROUNDS, GOAL },
		{ "SRTP of 1100 bytes to and fro", "us", "libsrtp2", ours_srtp, bare_srtp, &data, ROUNDS, GOAL },
	};
	bool ran = true;
	bench_header();
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		ran &= bench_run(&pairs[i]);
	clean_up(&data);
	qv_loader_free(loader);
	return ran ? 0 : 1;
}
