/* SPDX-License-Identifier: Apache-2.0 */
/* Filters in a room with a loudspeaker that clips, 100 ms of reverberation and two people who talk at once. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../tests/harness/echo_room.h"
#include "../../tests/harness/media_test.h"

#define SEEDS      3
#define WEAKER_MIN 20.0 /* dB, of the echo: what is asked of a filter */
#define RATES      3
#define GAIN_DB    9.0

/* What is to be left of the voice of who speaks at the same time. */
struct left {
	int rate;
	double fit, shape, change_min, change_max;
};

struct filter {
	const char *name;
	const char *no_gain, *no_turns; /* without gain, and without what turns the phases of low sound */
	double alone;                   /* how well a voice fits that nobody else speaks with, at the lowest rate */
	struct left left[RATES];
};

/* At 8000 Hz it takes out much of what is below 200 Hz, whatever it is told. */
static const struct filter speexdsp = {
	"speexdsp",
	NULL,
	NULL,
	0.78,
	{ { 8000, 0.78, 0.93, -2, 0.5 }, { 16000, 0.91, 0.94, -2, 0.5 }, { 48000, 0.83, 0.88, -3, 0.5 } },
};

/* It weakens the voice where the echo is as loud. */
static const struct filter webrtc = {
	"webrtc",
	"gain=0",
	"low_cut=false",
	0.97,
	{ { 8000, 0.67, 0.63, 0, GAIN_DB }, { 16000, 0.79, 0.77, 2, GAIN_DB }, { 48000, 0.73, 0.68, 2, GAIN_DB } },
};

static struct echo_result judge(const struct filter *tested, struct echo_room *room, const char *const *assignments)
{
	const struct qv_audiofilter_class *class = qv_audiofilter_class(media_class("audiofilter", tested->name));
	struct qv_options *options = media_options(&class->head, assignments);
	struct qv_error err = QV_ERROR_INIT;
	size_t frames = 0;
	struct qv_audiofilter *filter = NULL;
	if (class->plan(options, room->rate, &frames, &err) == 0)
		filter = class->open(&media_host, options, room->rate, &err);
	if (!filter || !echo_room_run(room, class, filter, frames, &err))
		fail_msg("%s", err.message);
	struct echo_result result = echo_room_judge(room, class->lag(filter));
	print_message("# %s, %d Hz", tested->name, room->rate);
	for (const char *const *text = assignments; *text; text++)
		print_message(", %s", *text);
	print_message(": the echo is weaker by %.1f dB, %.1f with both speaking, %.1f after; voice %.2f, shape %.2f, "
		      "%+.1f dB\n",
		      result.before_talk, result.double_talk, result.after_talk, result.voice_fit, result.voice_shape,
		      result.voice_change);
	class->close(filter);
	qv_options_free(options);
	return result;
}

static void at_rate(const struct filter *tested, const struct left *left)
{
	struct echo_room room;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		assert_true(echo_room_make(&room, left->rate, seed));
		struct echo_result result = judge(tested, &room, (const char *const[]){ tested->no_turns, NULL });
		if (tested->no_turns && seed == 1) {
			struct echo_result usual = judge(tested, &room, (const char *const[]){ NULL });
			assert_true(fmin(usual.before_talk, usual.after_talk) >= WEAKER_MIN);
			assert_true(usual.double_talk >= WEAKER_MIN);
		}
		echo_room_clear(&room);
		assert_true(fmin(result.before_talk, result.after_talk) >= WEAKER_MIN);
		assert_true(result.double_talk >= WEAKER_MIN);
		assert_true(result.voice_fit >= left->fit);
		assert_true(result.voice_shape >= left->shape);
		assert_true(result.voice_change >= left->change_min && result.voice_change <= left->change_max);
	}
}

static void weakens_an_echo(void **state)
{
	const struct filter *tested = *state;
	for (int i = 0; i < RATES; i++)
		at_rate(tested, &tested->left[i]);
}

/* With nothing to cancel, a voice is to pass as it is. */
static void leaves_a_voice(void **state)
{
	const struct filter *tested = *state;
	for (int i = 0; i < RATES; i++) {
		struct echo_room room;
		const char *const assignments[] = { tested->no_turns, NULL, NULL };
		assert_true(echo_room_make(&room, tested->left[i].rate, 1));
		echo_room_silence(&room);
		struct echo_result result = judge(tested, &room, assignments);
		assert_true(result.voice_fit >= tested->alone && result.voice_shape >= 0.98);
		assert_true(result.voice_change >= -1 && result.voice_change <= GAIN_DB);
		echo_room_clear(&room);
	}
}

/* Gain is what it was asked for, and none when none was. */
static void raises_a_voice(void **state)
{
	const struct filter *tested = *state;
	static const struct {
		const char *assignment;
		double least, most;
	} gains[] = { { "gain=0", -0.5, 0.5 }, { "gain=3", 2, 3.5 }, { "gain=9", 7, 9.5 } };
	struct echo_room room;
	assert_true(echo_room_make(&room, 16000, 1));
	echo_room_silence(&room);
	for (size_t i = 0; i < sizeof gains / sizeof gains[0]; i++) {
		struct echo_result result = judge(tested, &room, (const char *const[]){ gains[i].assignment, NULL });
		assert_true(result.voice_change >= gains[i].least && result.voice_change <= gains[i].most);
	}
	echo_room_clear(&room);
}

/* The library takes some of its settings in a way that may come to nothing: a long filter is one that costs more. */
static void learns_a_long_echo(void **state)
{
	const struct filter *tested = *state;
	struct echo_room room;
	assert_true(echo_room_make(&room, 16000, 1));
	struct echo_result far[2];
	echo_room_delay(&room, 70);
	far[0] = judge(tested, &room, (const char *const[]){ "long_echo=false", "suppress=low", "gain=0", NULL });
	far[1] = judge(tested, &room, (const char *const[]){ "long_echo=true", "suppress=low", "gain=0", NULL });
	echo_room_clear(&room);
	assert_true(far[0].before_talk < WEAKER_MIN);
	assert_true(far[1].before_talk >= WEAKER_MIN);
}

/* That the room has an echo, and that nothing but the canceller takes it out. */
static void leaves_an_echo(void **state)
{
	const struct filter *tested = *state;
	struct echo_room room;
	assert_true(echo_room_make(&room, 16000, 1));
	struct echo_result result = judge(tested, &room, (const char *const[]){ "echo=false", tested->no_gain, NULL });
	echo_room_clear(&room);
	assert_true(result.before_talk < WEAKER_MIN / 2);
	assert_true(result.double_talk < WEAKER_MIN / 2);
	assert_true(result.after_talk < WEAKER_MIN / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef HAVE_SPEEXDSP
		cmocka_unit_test_prestate(weakens_an_echo, (void *)&speexdsp),
		cmocka_unit_test_prestate(leaves_an_echo, (void *)&speexdsp),
		cmocka_unit_test_prestate(leaves_a_voice, (void *)&speexdsp),
#endif
#ifdef HAVE_WEBRTC
		cmocka_unit_test_prestate(weakens_an_echo, (void *)&webrtc),
		cmocka_unit_test_prestate(leaves_an_echo, (void *)&webrtc),
		cmocka_unit_test_prestate(leaves_a_voice, (void *)&webrtc),
		cmocka_unit_test_prestate(raises_a_voice, (void *)&webrtc),
		cmocka_unit_test_prestate(learns_a_long_echo, (void *)&webrtc),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
