/* SPDX-License-Identifier: Apache-2.0 */
#include "echo_room.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MS     100 /* in which the reverberation falls by 60 dB */
#define DIRECT_MS   6   /* from the loudspeaker to the microphone */
#define ECHO_GAIN   0.5 /* of all of it together: an echo return loss of 6 dB */
#define DRIVE       1.6 /* how far into its clipping the loudspeaker is driven */
#define NOISE       8   /* amplitude, about -75 dBFS */
#define FORMANTS    3
#define SEARCH_MS   3
#define REFLECTIONS 200

static double uniform(uint32_t *random)
{
	*random = *random * 1664525u + 1013904223u;
	return (double)(*random >> 8) / (1 << 23) - 1;
}

struct resonator {
	double a1, a2, gain, y1, y2;
};

static void tune(struct resonator *r, double frequency, double bandwidth, int rate)
{
	double radius = exp(-M_PI * bandwidth / rate);
	r->a1 = 2 * radius * cos(2 * M_PI * frequency / rate);
	r->a2 = -radius * radius;
	r->gain = 1 - radius;
}

static double resonate(struct resonator *r, double x)
{
	double y = r->gain * x + r->a1 * r->y1 + r->a2 * r->y2;
	r->y2 = r->y1;
	return r->y1 = y;
}

/* Syllables of 120 to 300 ms: vowels from pulses, some hissed, some left out. */
static void speak(double *out, size_t count, int rate, double pitch, uint32_t random)
{
	static const double vowels[][FORMANTS] = {
		{ 730, 1090, 2440 }, { 270, 2290, 3010 }, { 300, 870, 2240 }, { 530, 1840, 2480 }, { 570, 840, 2410 }
	};
	struct resonator mouth[FORMANTS] = { 0 };
	double phase = 0, loudest = 1e-9;
	size_t at = 0;
	while (at < count) {
		size_t length = (size_t)(rate * (0.21 + 0.09 * uniform(&random)));
		double kind = uniform(&random), loud = 0.75 + 0.25 * uniform(&random), glide = 0.15 * uniform(&random);
		const double *vowel = vowels[(size_t)((uniform(&random) + 1) * 2.4999)];
		for (int f = 0; f < FORMANTS; f++)
			tune(&mouth[f], kind > 0.7 ? 3000 - 400 * f : vowel[f], kind > 0.7 ? 900 : 80 + 40 * f, rate);
		for (size_t i = 0; i < length && at < count; i++, at++) {
			double t = (double)i / (double)length, envelope = sin(M_PI * t) * loud;
			double source = 0.05 * uniform(&random), y = 0;
			phase += pitch * (1 + glide * (t - 0.5)) / rate;
			if (phase >= 1) {
				phase -= 1;
				source += kind > 0.7 ? 0 : 1;
			}
			if (kind > 0.7)
				source *= 6;
			for (int f = 0; f < FORMANTS; f++)
				y += resonate(&mouth[f], source) / (1 + 0.5 * f);
			out[at] = kind < -0.6 ? 0 : y * envelope;
			loudest = fabs(out[at]) > loudest ? fabs(out[at]) : loudest;
		}
	}
	for (size_t i = 0; i < count; i++)
		out[i] /= loudest;
}

/* Even and odd harmonics, and no more than full scale. */
static double loudspeaker(double x)
{
	return tanh(DRIVE * (x + 0.15 * x * x)) / DRIVE;
}

/* The sound itself, then reflections that come at random and decay. */
static void reverberate(const double *in, double *out, size_t count, int rate, uint32_t random)
{
	size_t direct = (size_t)rate * DIRECT_MS / 1000, span = (size_t)rate * (ROOM_MS - DIRECT_MS) / 1000;
	size_t at[REFLECTIONS] = { direct };
	double share[REFLECTIONS] = { 1 }, energy = 1;
	for (int r = 1; r < REFLECTIONS; r++) {
		double late = (r + uniform(&random)) / REFLECTIONS;
		at[r] = direct + (size_t)(late * (double)span);
		share[r] = 0.5 * exp(-6.9 * late) * uniform(&random);
		energy += share[r] * share[r];
	}
	for (size_t i = 0; i < count; i++) {
		double sum = 0;
		for (int r = 0; r < REFLECTIONS; r++)
			sum += i >= at[r] ? share[r] * in[i - at[r]] : 0;
		out[i] = sum * ECHO_GAIN / sqrt(energy);
	}
}

static int16_t sample(double value)
{
	return (int16_t)lrint(fmax(-32768, fmin(32767, value)));
}

static void fill(struct echo_room *room, double *a, double *b, uint32_t seed)
{
	size_t ahead = (size_t)room->rate * QV_AUDIOFILTER_AHEAD_MS / 1000, third = room->total / 3;
	uint32_t random = seed + 77;
	speak(a, room->total, room->rate, 115, seed);
	for (size_t i = 0; i < room->total; i++) {
		room->played[i] = i + ahead < room->total ? sample(20000 * a[i + ahead]) : 0;
		a[i] = loudspeaker(a[i] * 20000 / 32768);
	}
	reverberate(a, b, room->total, room->rate, seed + 5);
	for (size_t i = 0; i < room->total; i++)
		room->echo[i] = sample(32768 * b[i]);
	speak(a, room->total, room->rate, 195, seed + 1000);
	for (size_t i = 0; i < room->total; i++) {
		room->near[i] = i >= third && i < 2 * third ? sample(9000 * a[i]) : 0;
		room->captured[i] = sample(room->near[i] + room->echo[i] + NOISE * uniform(&random));
	}
}

bool echo_room_make(struct echo_room *room, int rate, unsigned seed)
{
	size_t total = (size_t)rate * ECHO_ROOM_SECONDS;
	double *a = calloc(total, sizeof *a), *b = calloc(total, sizeof *b);
	*room = (struct echo_room){
		.rate = rate,
		.total = total,
		.played = calloc(total, sizeof(int16_t)),
		.near = calloc(total, sizeof(int16_t)),
		.echo = calloc(total, sizeof(int16_t)),
		.captured = calloc(total, sizeof(int16_t)),
		.out = calloc(total, sizeof(int16_t)),
	};
	bool made = a && b && room->played && room->near && room->echo && room->captured && room->out;
	if (made)
		fill(room, a, b, seed);
	else
		echo_room_clear(room);
	free(a);
	free(b);
	return made;
}

void echo_room_clear(struct echo_room *room)
{
	free(room->played);
	free(room->near);
	free(room->echo);
	free(room->captured);
	free(room->out);
	*room = (struct echo_room){ 0 };
}

void echo_room_silence(struct echo_room *room)
{
	for (size_t i = 0; i < room->total; i++) {
		room->captured[i] = sample(room->captured[i] - room->echo[i]);
		room->played[i] = room->echo[i] = 0;
	}
}

void echo_room_delay(struct echo_room *room, int later_ms)
{
	size_t later = (size_t)room->rate * (size_t)later_ms / 1000;
	for (size_t i = room->total; i-- > 0;) {
		int16_t echo = i >= later ? room->echo[i - later] : 0;
		room->captured[i] = sample(room->captured[i] - room->echo[i] + echo);
		room->echo[i] = echo;
	}
}

bool echo_room_run(struct echo_room *room, const struct qv_audiofilter_class *class, struct qv_audiofilter *filter,
		   size_t block_frames, struct qv_error *err)
{
	memcpy(room->out, room->captured, room->total * sizeof(int16_t));
	for (size_t at = 0; at + block_frames <= room->total; at += block_frames)
		if (class->process(filter, room->out + at, room->played + at, err) != 0)
			return false;
	return true;
}

static double product(const int16_t *a, const int16_t *b, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

static double weaker(const struct echo_room *room, double from_s, double to_s)
{
	size_t from = (size_t)(from_s * room->rate), count = (size_t)(to_s * room->rate) - from;
	const int16_t *in = room->captured + from, *out = room->out + from;
	return 10 * log10(product(in, in, count) / (product(out, out, count) + 1));
}

/* The largest share of the echo that is found in what comes out, around the time where it should be. */
static double found(const struct echo_room *room, size_t from, size_t count, size_t lag)
{
	size_t around = (size_t)room->rate * SEARCH_MS / 1000;
	const int16_t *echo = room->echo + from;
	double most = 1e-6, energy = product(echo, echo, count);
	for (size_t shift = 0; shift <= 2 * around; shift++) {
		const int16_t *out = room->out + from + lag + shift - around;
		double share = fabs(product(echo, out, count)) / energy;
		most = share > most ? share : most;
	}
	return most;
}

/* Whether what comes out is loud when the voice is. */
static double shape(const int16_t *near, const int16_t *out, size_t count, size_t block)
{
	double n = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0;
	for (size_t at = 0; at + block <= count; at += block) {
		double x = sqrt(product(near + at, near + at, block)), y = sqrt(product(out + at, out + at, block));
		n++;
		a += x;
		b += y;
		aa += x * x;
		bb += y * y;
		ab += x * y;
	}
	return (n * ab - a * b) / sqrt((n * aa - a * a) * (n * bb - b * b) + 1);
}

struct echo_result echo_room_judge(const struct echo_room *room, size_t lag)
{
	double third = ECHO_ROOM_SECONDS / 3.0;
	size_t from = (size_t)((third + 1) * room->rate), count = (size_t)((third - 2) * room->rate);
	const int16_t *near = room->near + from, *out = room->out + from + lag;
	double voice = product(near, near, count), after = product(out, out, count);
	return (struct echo_result){
		.before_talk = weaker(room, third - 3, third),
		.double_talk = -20 * log10(found(room, from, count, lag)),
		.after_talk = weaker(room, 2 * third + 1, ECHO_ROOM_SECONDS),
		.voice_fit = product(near, out, count) / sqrt(voice * (after + 1)),
		.voice_shape = shape(near, out, count, (size_t)room->rate / 100),
		.voice_change = 10 * log10(after / voice),
	};
}
