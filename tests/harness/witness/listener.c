/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener RECORDING chirp FROM-HZ TO-HZ CHIRP-MS INTERVAL-MS: for each chirp (begun where CLOCK_MONOTONIC is a multiple of
 * the interval) "chirp AT-NS DELAY-MS FIT"; FIT is the normalised correlation, 1 for the same.
 * listener RECORDING gaps LEVEL MS: for each run longer than that of samples no louder than LEVEL, "gap AT-NS MS".
 * Then "end SECONDS LOUD": what was recorded, and the share of it that is louder than LEVEL (0 with chirp).
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../modules/audiosource/tone/signal.h"

struct sound {
	int rate;
	int64_t start_ns;
	float *samples; /* the first channel */
	size_t frames;
};

static void die(const char *path, const char *why)
{
	fprintf(stderr, "listener: %s: %s\n", path, why);
	exit(2);
}

static struct sound load(const char *path)
{
	struct sound sound = { 0 };
	int channels, line;
	FILE *file = fopen(path, "re");
	if (!file)
		die(path, "cannot be read");
	if (fscanf(file, "qv-sound %d %d %" SCNd64 "%n", &sound.rate, &channels, &sound.start_ns, &line) != 3 ||
	    sound.rate < 8000 || channels < 1 || channels > 8)
		die(path, "no recording");
	fgetc(file);
	int16_t frame[8];
	size_t room = 0;
	while (fread(frame, sizeof frame[0], (size_t)channels, file) == (size_t)channels) {
		if (sound.frames == room) {
			room = room ? 2 * room : 65536;
			sound.samples = realloc(sound.samples, room * sizeof *sound.samples);
			if (!sound.samples)
				die(path, "too long for the memory here");
		}
		sound.samples[sound.frames++] = frame[0];
	}
	fclose(file);
	return sound;
}

struct match {
	double delay_ms, fit;
};

static double fit_at(const float *x, const float *chirp, size_t length, double power)
{
	float product = 0, energy = 0;
	for (size_t i = 0; i < length; i++) {
		product += x[i] * chirp[i];
		energy += x[i] * x[i];
	}
	return energy > 0 ? product / sqrt((double)energy * power) : 0;
}

/* Every other place first, then all near the best. */
static struct match find(const struct sound *sound, const float *chirp, size_t length, double power, size_t from,
			 size_t span)
{
	struct match best = { 0, 0 };
	size_t best_at = 0;
	for (size_t at = 0; at < span && from + at + length <= sound->frames; at += 2) {
		double fit = fit_at(sound->samples + from + at, chirp, length, power);
		if (fit > best.fit)
			best.fit = fit, best_at = at;
	}
	for (size_t at = best_at > 4 ? best_at - 4 : 0; at < best_at + 5 && from + at + length <= sound->frames; at++) {
		double fit = fit_at(sound->samples + from + at, chirp, length, power);
		if (fit > best.fit)
			best.fit = fit, best_at = at;
	}
	best.delay_ms = (double)best_at * 1000 / sound->rate;
	return best;
}

static void find_chirps(const struct sound *sound, double from_hz, double to_hz, double chirp_ms, double interval_ms)
{
	size_t length = (size_t)(chirp_ms * sound->rate / 1000), span = (size_t)(interval_ms * sound->rate / 1000);
	int64_t interval = (int64_t)(interval_ms * 1e6);
	float *chirp = calloc(length + 1, sizeof *chirp);
	struct tone_signal signal = { TONE_CHIRP, sound->rate, 8000, from_hz, to_hz, length };
	double power = 0;
	if (!chirp || length == 0 || span <= length)
		die("chirp", "too long, or too short");
	for (size_t i = 0; i < length; i++) {
		chirp[i] = tone_sample(&signal, i);
		power += (double)chirp[i] * chirp[i];
	}
	for (int64_t at = (sound->start_ns / interval + 1) * interval;; at += interval) {
		size_t from = (size_t)((double)(at - sound->start_ns) * sound->rate / 1e9);
		if (from + span + length > sound->frames)
			break;
		struct match match = find(sound, chirp, length, power, from, span - length);
		printf("chirp %" PRId64 " %.3f %.4f\n", at, match.delay_ms, match.fit);
	}
	free(chirp);
}

static double find_gaps(const struct sound *sound, double level, double ms)
{
	size_t least = (size_t)(ms * sound->rate / 1000), quiet = 0, loud = 0;
	for (size_t i = 0; i <= sound->frames; i++) {
		if (i < sound->frames && fabsf(sound->samples[i]) <= level) {
			quiet++;
			continue;
		}
		if (quiet > least)
			printf("gap %" PRId64 " %.2f\n",
			       sound->start_ns + (int64_t)((double)(i - quiet) * 1e9 / sound->rate),
			       (double)quiet * 1000 / sound->rate);
		else
			loud += quiet;
		loud += i < sound->frames;
		quiet = 0;
	}
	return sound->frames ? (double)loud / (double)sound->frames : 0;
}

static double number(const char *text)
{
	char *end;
	double value = strtod(text, &end);
	if (end == text || *end || !isfinite(value) || value < 0 || value > 1e6)
		die(text, "no number from 0 to 1000000");
	return value;
}

int main(int argc, char **argv)
{
	double loud = 0;
	if (argc < 3)
		die("usage", "listener RECORDING chirp FROM TO MS INTERVAL | gaps LEVEL MS");
	struct sound sound = load(argv[1]);
	if (argc == 7 && strcmp(argv[2], "chirp") == 0)
		find_chirps(&sound, number(argv[3]), number(argv[4]), number(argv[5]), number(argv[6]));
	else if (argc == 5 && strcmp(argv[2], "gaps") == 0)
		loud = find_gaps(&sound, number(argv[3]), number(argv[4]));
	else
		die(argv[2], "neither chirp with four numbers nor gaps with two");
	printf("end %.3f %.4f\n", (double)sound.frames / sound.rate, loud);
	free(sound.samples);
	return 0;
}
