/* SPDX-License-Identifier: Apache-2.0 */
/*
 * correlate REFERENCE.wav RECORDED.wav: how late the reference is in the recording, and how well it fits there.
 * Prints "delay=SAMPLES peak=P gain=G overlap=SAMPLES rate=HZ reference=SAMPLES recorded=SAMPLES". `peak` is the
 * normalised correlation of the parts that overlap at that delay: 1 is the same signal at any level, samples lost or
 * repeated anywhere lower it. `gain` is the level of the recording over that of the reference. Channels are averaged.
 */
#include <complex.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX   (64 * 1024 * 1024)
#define CHANNELS_MAX 8

struct sound {
	double *samples;
	size_t frames;
	int rate;
};

static void die(const char *path, const char *why)
{
	fprintf(stderr, "correlate: %s: %s\n", path, why);
	exit(2);
}

static struct sound load(const char *path)
{
	SF_INFO info = { 0 };
	SNDFILE *file = sf_open(path, SFM_READ, &info);
	if (!file)
		die(path, sf_strerror(NULL));
	if (info.frames < 1 || info.frames > FRAMES_MAX || info.channels > CHANNELS_MAX)
		die(path, "no samples, or more than can be compared");
	struct sound sound = { calloc((size_t)info.frames, sizeof(double)), 0, info.samplerate };
	double frame[CHANNELS_MAX];
	while (sound.samples && sound.frames < (size_t)info.frames && sf_readf_double(file, frame, 1) == 1) {
		for (int c = 0; c < info.channels; c++)
			sound.samples[sound.frames] += frame[c] / info.channels;
		sound.frames++;
	}
	sf_close(file);
	if (sound.frames == 0)
		die(path, "no samples");
	return sound;
}

/* In place, radix 2, decimation in time. `sign` -1 forward, 1 back (not scaled). */
static void transform(double complex *x, size_t size, int sign)
{
	for (size_t i = 1, j = 0; i < size; i++) {
		size_t bit = size >> 1;
		for (; j & bit; bit >>= 1)
			j ^= bit;
		j ^= bit;
		if (i < j) {
			double complex swap = x[i];
			x[i] = x[j];
			x[j] = swap;
		}
	}
	for (size_t length = 2; length <= size; length <<= 1) {
		for (size_t k = 0; k < length / 2; k++) {
			double complex root = cexp(sign * 2 * M_PI * I * (double)k / (double)length);
			for (size_t i = k; i < size; i += length) {
				double complex odd = x[i + length / 2] * root;
				x[i + length / 2] = x[i] - odd;
				x[i] += odd;
			}
		}
	}
}

static double complex *spectrum(const struct sound *sound, size_t size)
{
	double complex *x = calloc(size, sizeof *x);
	if (!x)
		die("the sound", "too long for the memory here");
	for (size_t i = 0; i < sound->frames; i++)
		x[i] = sound->samples[i];
	transform(x, size, -1);
	return x;
}

/* The delay at which the two correlate most, by the correlation theorem. */
static long best_delay(const struct sound *reference, const struct sound *recorded)
{
	size_t size = 1;
	while (size < reference->frames + recorded->frames)
		size <<= 1;
	double complex *a = spectrum(reference, size), *b = spectrum(recorded, size);
	for (size_t i = 0; i < size; i++)
		b[i] *= conj(a[i]);
	transform(b, size, 1);
	size_t best = 0;
	for (size_t i = 0; i < size; i++)
		if (creal(b[i]) > creal(b[best]))
			best = i;
	free(a);
	free(b);
	return best < recorded->frames ? (long)best : (long)best - (long)size;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: correlate REFERENCE.wav RECORDED.wav\n");
		return 2;
	}
	struct sound reference = load(argv[1]), recorded = load(argv[2]);
	if (reference.rate != recorded.rate)
		die(argv[2], "its sample rate is not that of the reference");
	long delay = best_delay(&reference, &recorded);
	double product = 0, power_a = 0, power_b = 0;
	size_t overlap = 0;
	for (size_t i = delay < 0 ? (size_t)-delay : 0; i < reference.frames; i++) {
		size_t j = (size_t)((long)i + delay);
		if (j >= recorded.frames)
			break;
		product += reference.samples[i] * recorded.samples[j];
		power_a += reference.samples[i] * reference.samples[i];
		power_b += recorded.samples[j] * recorded.samples[j];
		overlap++;
	}
	double power = sqrt(power_a * power_b);
	printf("delay=%ld peak=%.6f gain=%.6f overlap=%zu rate=%d reference=%zu recorded=%zu\n", delay,
	       power > 0 ? product / power : 0, power_a > 0 ? sqrt(power_b / power_a) : 0, overlap, reference.rate,
	       reference.frames, recorded.frames);
	free(reference.samples);
	free(recorded.samples);
	return 0;
}
