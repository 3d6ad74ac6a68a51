/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_sound DEVICE: the least that sound in packets of 20 ms can be late. One process and one thread: ALSA, libopus,
 * AES-256-GCM of libcrypto, a UDP socket to itself, and the way back, with 10 ms of sound kept in the device. Runs until
 * it is ended.
 */
#include <alsa/asoundlib.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <opus.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define RATE            48000
#define FRAME           960
#define MARGIN          240
#define TAG_SIZE        16
#define SIZE_MAX_PACKET 1500

static void check(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "floor_sound: %s failed\n", what);
		exit(1);
	}
}

static snd_pcm_t *open_device(const char *name, snd_pcm_stream_t stream, unsigned latency_us)
{
	snd_pcm_t *pcm;
	check(snd_pcm_open(&pcm, name, stream, 0) == 0, name);
	check(snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16, SND_PCM_ACCESS_RW_INTERLEAVED, 1, RATE, 0, latency_us) == 0,
	      name);
	return pcm;
}

static int socket_to_itself(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	check(fd >= 0 && bind(fd, (struct sockaddr *)(void *)&address, size) == 0 &&
		      getsockname(fd, (struct sockaddr *)(void *)&address, &size) == 0 &&
		      connect(fd, (struct sockaddr *)(void *)&address, size) == 0,
	      "the socket");
	return fd;
}

/* Appends or checks the tag. Returns the new size. */
static int cipher(EVP_CIPHER_CTX *ctx, bool seals, uint64_t number, const uint8_t *in, int size, uint8_t *out)
{
	static const uint8_t key[32] = { 1 };
	uint8_t nonce[12] = { 0 };
	int done = 0, last = 0;
	memcpy(nonce, &number, sizeof number);
	if (!seals)
		size -= TAG_SIZE;
	check(EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce, seals) == 1 &&
		      EVP_CipherUpdate(ctx, out, &done, in, size) == 1,
	      "AES");
	if (!seals)
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, (void *)(uintptr_t)(in + size));
	check(EVP_CipherFinal_ex(ctx, out + done, &last) == 1, "AES-GCM");
	if (seals)
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, out + done);
	return seals ? done + TAG_SIZE : done;
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
	check(argc == 2, "usage: floor_sound DEVICE");
	int fd = socket_to_itself(), error;
	OpusEncoder *encoder = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, &error);
	OpusDecoder *decoder = opus_decoder_create(RATE, 1, &error);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	check(encoder && decoder && ctx, "libopus");
	opus_encoder_ctl(encoder, OPUS_SET_BITRATE(32000));
	snd_pcm_t *sink = open_device(argv[1], SND_PCM_STREAM_PLAYBACK, 100000);
	snd_pcm_t *source = open_device(argv[1], SND_PCM_STREAM_CAPTURE, 80000);
	int16_t samples[FRAME];
	uint8_t packet[SIZE_MAX_PACKET], sealed[SIZE_MAX_PACKET + TAG_SIZE];
	for (uint64_t number = 0;; number++) {
		snd_pcm_sframes_t got = snd_pcm_readi(source, samples, FRAME);
		if (got != FRAME) {
			snd_pcm_recover(source, got < 0 ? (int)got : -EPIPE, 1);
			continue;
		}
		int size = opus_encode(encoder, samples, FRAME, packet, sizeof packet);
		check(size > 0, "opus_encode");
		size = cipher(ctx, true, number, packet, size, sealed);
		check(send(fd, sealed, (size_t)size, 0) == size && recv(fd, sealed, sizeof sealed, 0) == size, "UDP");
		size = cipher(ctx, false, number, sealed, size, packet);
		check(opus_decode(decoder, packet, size, samples, FRAME, 0) == FRAME, "opus_decode");
		if (!play(sink, samples, FRAME))
			leave_out(source);
	}
}
