/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance.h"

#include <qvisio/audiofilter.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MS_MAX 40
#define LAG_MS_MAX   100
#define SECONDS      6
#define VOICE_MIN    0.6 /* correlation of a voice with what is left of it; a filter of low sound turns phases */
#define LEVEL_DB_MAX 12  /* by which the level of a voice may be changed */
#define ECHO_DB_MIN  10 /* by which a plain echo has to be weakened; how much a good filter does is measured elsewhere */

static const int rates[] = { 16000, 48000, 8000, 32000, 44100 };

static struct qv_audiofilter *open_with(struct check *check, const struct qv_options *options, int *rate,
					size_t *frames, struct qv_error *err)
{
	const struct qv_audiofilter_class *class = qv_audiofilter_class(check->class);
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		*err = (struct qv_error)QV_ERROR_INIT;
		*rate = rates[i];
		if (class->plan(options, *rate, frames, err) == 0)
			return class->open(&check->host, options, *rate, err);
		if (err->code != QV_E_UNSUPPORTED)
			return NULL;
	}
	return NULL;
}

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	struct qv_audiofilter *filters[2] = { NULL, NULL };
	int rate, result = 0;
	size_t frames;
	for (unsigned i = 0; i < count && result == 0; i++) {
		filters[i] = open_with(check, options, &rate, &frames, err);
		result = filters[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++)
		qv_audiofilter_class(check->class)->close(filters[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_audiofilter_class(class)->close(NULL);
}

/* A filter at work, and what it did with the sound of some seconds. */
struct trial {
	struct check *check;
	const struct qv_audiofilter_class *class;
	struct qv_audiofilter *filter;
	int rate;
	size_t frames; /* of a block */
	size_t total;  /* of all sound, whole blocks */
	int16_t *captured, *played, *out;
	uint32_t random;
};

static void make_trial(struct check *check, struct trial *trial)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, NULL);
	*trial = (struct trial){ .check = check, .class = qv_audiofilter_class(check->class), .random = 1 };
	trial->filter = open_with(check, options, &trial->rate, &trial->frames, &err);
	qv_options_free(options);
	if (!trial->filter)
		check_not_opened(check, &err);
	REQUIRE(check, trial->frames > 0 && trial->frames <= (size_t)trial->rate * BLOCK_MS_MAX / 1000,
		"a block has %zu samples", trial->frames);
	trial->total = (size_t)trial->rate * SECONDS / trial->frames * trial->frames;
	trial->captured = calloc(trial->total, sizeof(int16_t));
	trial->played = calloc(trial->total, sizeof(int16_t));
	trial->out = calloc(trial->total, sizeof(int16_t));
	REQUIRE(check, trial->captured && trial->played && trial->out, "no memory");
}

static void end_trial(struct trial *trial)
{
	trial->class->close(trial->filter);
	free(trial->captured);
	free(trial->played);
	free(trial->out);
}

/* Syllables of a voice: harmonics of a gliding pitch, with pauses. `voice` tells voices apart. */
static void speak(const struct trial *trial, int voice, int16_t *out)
{
	double phase = 0;
	for (size_t i = 0; i < trial->total; i++) {
		double t = (double)i / trial->rate, sum = 0;
		double pitch = (voice ? 190 : 110) * (1 + 0.2 * sin(2 * M_PI * (voice ? 0.7 : 0.9) * t));
		double syllable = sin(2 * M_PI * (voice ? 1.7 : 1.3) * t + voice);
		phase = fmod(phase + pitch / trial->rate, 1);
		for (int k = 1; k * pitch * 1.3 < 3400; k++)
			sum += cos(2 * M_PI * k * phase + k * k) / (1 + 0.3 * k);
		out[i] = (int16_t)(syllable > 0 ? 2500 * syllable * sum : 0);
	}
}

static uint32_t random_word(struct trial *trial)
{
	trial->random = trial->random * 1664525u + 1013904223u;
	return trial->random >> 8;
}

static void run(struct trial *trial, bool with_played)
{
	memcpy(trial->out, trial->captured, trial->total * sizeof(int16_t));
	for (size_t at = 0; at < trial->total; at += trial->frames) {
		struct qv_error err = QV_ERROR_INIT;
		const int16_t *played = with_played ? trial->played + at : NULL;
		REQUIRE(trial->check, trial->class->process(trial->filter, trial->out + at, played, &err) == 0,
			"process: %s", err.message);
	}
}

static double power(const int16_t *samples, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += (double)samples[i] * samples[i];
	return sum / (double)count + 1e-3;
}

static double decibels(double ratio)
{
	return 10 * log10(ratio);
}

static size_t lag_of(const struct trial *trial)
{
	size_t lag = trial->class->lag(trial->filter);
	REQUIRE(trial->check, lag <= (size_t)trial->rate * LAG_MS_MAX / 1000, "it lags %zu samples behind", lag);
	return lag;
}

static void plans_are_kept(struct check *check)
{
	const struct qv_audiofilter_class *class = qv_audiofilter_class(check->class);
	static const int all[] = { 8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000 };
	struct qv_options *options = check_options(check, NULL);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		size_t frames = 0;
		int planned = class->plan(options, all[i], &frames, &err);
		if (planned != 0)
			check_error_filled(check, "plan", &err);
		REQUIRE(check, planned == 0 || err.code == QV_E_UNSUPPORTED, "a rate that it has not is %s",
			qv_code_name(err.code));
		REQUIRE(check, planned != 0 || (frames > 0 && frames <= (size_t)all[i] * BLOCK_MS_MAX / 1000),
			"a block of %zu samples at %d Hz", frames, all[i]);
		struct qv_audiofilter *filter = class->open(&check->host, options, all[i], &err);
		REQUIRE(check, (filter != NULL) == (planned == 0), "plan and open do not agree on %d Hz", all[i]);
		class->close(filter);
	}
	qv_options_free(options);
}

static void refuses_false_rates(struct check *check)
{
	static const int bad[] = { 0, -48000, 100, 1000000000 };
	struct qv_options *options = check_options(check, NULL);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		REQUIRE(check, !qv_audiofilter_class(check->class)->open(&check->host, options, bad[i], &err),
			"it opens for %d Hz", bad[i]);
		check_error_filled(check, "open", &err);
	}
	qv_options_free(options);
}

static void silence_stays(struct check *check)
{
	struct trial trial;
	make_trial(check, &trial);
	run(&trial, true);
	double level = decibels(power(trial.out, trial.total) / (32768.0 * 32768.0));
	REQUIRE(check, level < -70, "of silence it makes sound of %.0f dBFS", level);
	end_trial(&trial);
}

/* What is left of a voice, from the second second on, where a gain has settled. */
static void check_voice(struct trial *trial)
{
	size_t lag = lag_of(trial), from = (size_t)trial->rate, count = trial->total - from - lag;
	const int16_t *in = trial->captured + from, *out = trial->out + from + lag;
	double cross = 0, before = power(in, count), after = power(out, count);
	for (size_t i = 0; i < count; i++)
		cross += (double)in[i] * out[i] / (double)count;
	double fit = cross / sqrt(before * after), level = decibels(after / before);
	REQUIRE(trial->check, fit >= VOICE_MIN,
		"%zu samples later, as it says, the voice has a correlation of %.2f, under %.1f", lag, fit, VOICE_MIN);
	REQUIRE(trial->check, fabs(level) <= LEVEL_DB_MAX, "the voice is changed by %.0f dB", level);
}

static void voice_passes(struct check *check)
{
	struct trial trial;
	make_trial(check, &trial);
	speak(&trial, 0, trial.captured);
	run(&trial, false);
	check_voice(&trial);
	end_trial(&trial);
	make_trial(check, &trial);
	speak(&trial, 0, trial.captured);
	run(&trial, true);
	check_voice(&trial);
	end_trial(&trial);
}

/* What is played comes back 12 ms later than the core's lead, at a third. */
static void echo_is_weakened(struct check *check)
{
	struct trial trial;
	make_trial(check, &trial);
	speak(&trial, 1, trial.played);
	for (size_t i = 0; i < trial.total; i++)
		trial.played[i] = (int16_t)(trial.played[i] + (int)(random_word(&trial) % 200) - 100);
	size_t way = (size_t)trial.rate * (12 + QV_AUDIOFILTER_AHEAD_MS) / 1000, from = trial.total / 2;
	for (size_t i = way; i < trial.total; i++)
		trial.captured[i] = (int16_t)(trial.played[i - way] / 3);
	struct qv_audiofilter_meters meters;
	run(&trial, true);
	trial.class->meters(trial.filter, &meters);
	if (isnan(meters.echo_enhancement_db))
		check_skip(check, "with these options it cancels no echo");
	double weaker = decibels(power(trial.captured + from, from) / power(trial.out + from, from));
	REQUIRE(check, weaker >= ECHO_DB_MIN, "an echo is weakened by %.1f dB, under %d", weaker, ECHO_DB_MIN);
	end_trial(&trial);
}

static bool within(double value, double least, double most)
{
	return isnan(value) || (value >= least && value <= most);
}

static void check_meters(struct trial *trial)
{
	struct qv_audiofilter_meters m;
	memset(&m, 0x5a, sizeof m);
	trial->class->meters(trial->filter, &m);
	REQUIRE(trial->check, within(m.level_dbfs, -120, 3.02), "a level of %g dBFS", m.level_dbfs);
	REQUIRE(trial->check, within(m.voice, 0, 1), "voice with a probability of %g", m.voice);
	REQUIRE(trial->check, within(m.gain_db, -60, 60), "a gain of %g dB", m.gain_db);
	REQUIRE(trial->check, within(m.echo_return_loss_db, -100, 200), "an echo return loss of %g dB",
		m.echo_return_loss_db);
	REQUIRE(trial->check, within(m.echo_enhancement_db, -100, 200), "an enhancement of %g dB",
		m.echo_enhancement_db);
}

static void meters_are_right(struct check *check)
{
	struct trial trial;
	struct qv_audiofilter_meters meters;
	make_trial(check, &trial);
	check_meters(&trial);
	speak(&trial, 0, trial.captured);
	run(&trial, false);
	check_meters(&trial);
	trial.class->meters(trial.filter, &meters);
	size_t second = (size_t)trial.rate;
	double level = decibels(power(trial.out + trial.total - second, second) / (32768.0 * 32768.0));
	REQUIRE(check, isnan(meters.level_dbfs) || fabs(meters.level_dbfs - level) < 12,
		"it says that %.0f dBFS come out, and they are %.0f", meters.level_dbfs, level);
	end_trial(&trial);
}

/* As loud as it gets, steps and noise, with and without anything played, and resets in between. */
static void stands_anything(struct check *check)
{
	struct trial trial;
	make_trial(check, &trial);
	for (size_t i = 0; i < trial.total; i++) {
		trial.captured[i] = (int16_t)(random_word(&trial) & 0x2000 ? INT16_MIN : INT16_MAX);
		trial.played[i] = (int16_t)(i / 1000 % 2 ? INT16_MAX : (int)(random_word(&trial) & 0xffff) - 32768);
	}
	run(&trial, true);
	check_meters(&trial);
	if (trial.class->reset)
		trial.class->reset(trial.filter);
	run(&trial, false);
	check_meters(&trial);
	memset(trial.played, 0, trial.total * sizeof(int16_t));
	speak(&trial, 0, trial.captured);
	run(&trial, true);
	run(&trial, true);
	check_voice(&trial);
	end_trial(&trial);
}

static void same_twice(struct check *check)
{
	struct trial one, two;
	make_trial(check, &one);
	make_trial(check, &two);
	speak(&one, 0, one.captured);
	speak(&one, 1, one.played);
	speak(&two, 0, two.captured);
	speak(&two, 1, two.played);
	run(&one, true);
	run(&two, true);
	REQUIRE(check, memcmp(one.out, two.out, one.total * sizeof(int16_t)) == 0,
		"of the same sound two instances make different sound");
	end_trial(&one);
	end_trial(&two);
}

static const struct check_case cases[] = {
	{ "plan and open agree on rates", plans_are_kept },
	{ "rates that cannot be are refused", refuses_false_rates },
	{ "silence stays silence", silence_stays },
	{ "a voice passes, as late as it says", voice_passes },
	{ "an echo is weakened", echo_is_weakened },
	{ "meters are in range", meters_are_right },
	{ "any sound is taken, and a voice passes after it", stands_anything },
	{ "the same sound gives the same", same_twice },
	{ NULL, NULL },
};

const struct check_suite check_audiofilter = { "audiofilter", open_close, close_null, cases, NULL };
