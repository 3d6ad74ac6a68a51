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

struct filter {
	const char *name;
	/* What is to be left of the voice of who speaks at the same time. */
	double fit, shape, change_db;
};

static struct filter speexdsp = { "speexdsp", 0.8, 0.85, 4 };
/* It takes more of the voice away, turns the phases of low sound, and has gain control. */
static struct filter webrtc = { "webrtc", 0.5, 0.55, 9 };

static struct echo_result judge(const struct filter *tested, struct echo_room *room, const char *assignment)
{
	const struct qv_audiofilter_class *class = qv_audiofilter_class(media_class("audiofilter", tested->name));
	struct qv_options *options = media_options(&class->head, (const char *const[]){ assignment, NULL });
	struct qv_error err = QV_ERROR_INIT;
	size_t frames = 0;
	struct qv_audiofilter *filter = NULL;
	if (class->plan(options, room->rate, &frames, &err) == 0)
		filter = class->open(&media_host, options, room->rate, &err);
	if (!filter || !echo_room_run(room, class, filter, frames, &err))
		fail_msg("%s", err.message);
	struct echo_result result = echo_room_judge(room, class->lag(filter));
	print_message("# %s, %d Hz%s%s: the echo is weaker by %.1f dB, %.1f with both speaking, %.1f after; voice "
		      "%.2f, shape "
		      "%.2f, %+.1f dB\n",
		      tested->name, room->rate, assignment ? ", " : "", assignment ? assignment : "",
		      result.before_talk, result.double_talk, result.after_talk, result.voice_fit, result.voice_shape,
		      result.voice_change);
	class->close(filter);
	qv_options_free(options);
	return result;
}

static void at_rate(const struct filter *tested, int rate)
{
	struct echo_room room;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		assert_true(echo_room_make(&room, rate, seed));
		struct echo_result result = judge(tested, &room, NULL);
		echo_room_clear(&room);
		assert_true(result.before_talk >= WEAKER_MIN);
		assert_true(result.double_talk >= WEAKER_MIN);
		assert_true(result.after_talk >= WEAKER_MIN);
		assert_true(result.voice_fit >= tested->fit);
		assert_true(result.voice_shape >= tested->shape);
		assert_true(fabs(result.voice_change) <= tested->change_db);
	}
}

static void weakens_an_echo(void **state)
{
	const struct filter *tested = *state;
	at_rate(tested, 16000);
	at_rate(tested, 48000);
}

/* That the room has an echo, and that nothing but the canceller takes it out. */
static void leaves_an_echo(void **state)
{
	const struct filter *tested = *state;
	struct echo_room room;
	assert_true(echo_room_make(&room, 16000, 1));
	struct echo_result result = judge(tested, &room, "echo=false");
	echo_room_clear(&room);
	assert_true(result.before_talk < WEAKER_MIN / 2);
	assert_true(result.double_talk < WEAKER_MIN / 2);
	assert_true(result.after_talk < WEAKER_MIN / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef HAVE_SPEEXDSP
		cmocka_unit_test_prestate(weakens_an_echo, &speexdsp),
		cmocka_unit_test_prestate(leaves_an_echo, &speexdsp),
#endif
#ifdef HAVE_WEBRTC
		cmocka_unit_test_prestate(weakens_an_echo, &webrtc),
		cmocka_unit_test_prestate(leaves_an_echo, &webrtc),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
