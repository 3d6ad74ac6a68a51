/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures and sound of one sender brought together over simulated networks, with the jitter buffer and a device, in
 * simulated time. The sender's clock is far from ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/clock.h>

#include "../../core/call/jitter_buffer.h"
#include "../../core/call/lip_sync.h"

#define MS      QV_NS_PER_MS
#define RATE    48000
#define BLOCK   960
#define START   (1000 * QV_NS_PER_SECOND)
#define THEIRS  (-777 * QV_NS_PER_SECOND) /* of their clock, at 0 of ours */
#define SECONDS 60

struct scene {
	const char *what;
	int sound_ms, sound_jitter_ms, sound_more_ms; /* of transit; more from half of the time on */
	int picture_ms, picture_jitter_ms, picture_more_ms;
};

struct stage {
	const struct scene *scene;
	struct lip_sync *sync;
	struct jitter_buffer *buffer;
	uint64_t random;
	int64_t heard_until;
	uint64_t sounds, pictures; /* sent so far */
	int64_t pending[64];       /* arrivals of pictures not shown, by number */
	uint64_t shown;
	double least, most; /* true skew after the start */
	int64_t true_heard; /* delay of the sound that is heard last */
};

static int64_t any(struct stage *stage, int jitter_ms)
{
	stage->random ^= stage->random << 13;
	stage->random ^= stage->random >> 7;
	stage->random ^= stage->random << 17;
	return jitter_ms ? (int64_t)((stage->random >> 11) % (uint64_t)(jitter_ms * MS)) : 0;
}

static bool second_half(int64_t captured)
{
	return captured > START + SECONDS / 2 * QV_NS_PER_SECOND;
}

static void play_sound(struct stage *stage, int64_t now)
{
	for (int i = 0; i < 100; i++) {
		struct jitter_device device = { .delay_ns = stage->heard_until > now ? stage->heard_until - now : 0 };
		struct unit_buffer packet = { 0 };
		jitter_buffer_wait_for(stage->buffer, lip_sync_lead(stage->sync, now));
		struct jitter_step step = jitter_buffer_take(stage->buffer, now, &device, &packet);
		int64_t captured = packet.unit.capture_ns;
		unit_buffer_free(&packet);
		int64_t frames = (int64_t)step.frames;
		if (step.next == JITTER_WAIT)
			return;
		if (stage->heard_until < now)
			stage->heard_until = now;
		if (step.next == JITTER_PACKET) {
			lip_sync_heard(stage->sync, captured, stage->heard_until, jitter_buffer_lead_ns(stage->buffer));
			stage->true_heard = stage->heard_until - (captured - THEIRS);
			frames = step.change == JITTER_SHORTER  ? BLOCK - 300
				 : step.change == JITTER_LONGER ? BLOCK + 300
								: BLOCK;
			jitter_buffer_changed(stage->buffer, BLOCK - frames);
		}
		stage->heard_until += (int64_t)((double)frames / RATE * 1e9 / (1 + step.ppm / 1e6));
	}
	fail_msg("no end of steps");
}

static void show_pictures(struct stage *stage, int64_t now)
{
	int64_t at;
	while (stage->shown < stage->pictures) {
		int64_t captured = START + (int64_t)stage->shown * QV_NS_PER_SECOND / 30;
		int64_t ready = stage->pending[stage->shown % 64];
		if (ready > now)
			return;
		if (lip_sync_show_at(stage->sync, now, &at) && captured + THEIRS + at > now)
			return;
		lip_sync_shown(stage->sync, captured + THEIRS, ready, now);
		double skew = (double)(now - captured - stage->true_heard) / 1e6;
		bool settled = captured > START + 5 * QV_NS_PER_SECOND &&
			       (!second_half(captured) || captured > START + (SECONDS / 2 + 5) * QV_NS_PER_SECOND);
		if (settled && skew < stage->least)
			stage->least = skew;
		if (settled && skew > stage->most)
			stage->most = skew;
		stage->shown++;
	}
}

static void run(struct stage *stage, const struct scene *scene)
{
	*stage = (struct stage){ .scene = scene, .random = 88172645463325252, .least = 1e9, .most = -1e9 };
	stage->sync = lip_sync_new(NULL);
	stage->buffer = jitter_buffer_new(RATE, false, NULL);
	int64_t sound_at = 0, last_sound = 0;
	for (int64_t now = START; now < START + SECONDS * QV_NS_PER_SECOND; now += MS) {
		for (;;) {
			int64_t captured = START + (int64_t)stage->sounds * 20 * MS;
			if (sound_at == 0)
				sound_at = captured + 20 * MS + scene->sound_ms * MS +
					   any(stage, scene->sound_jitter_ms) +
					   (second_half(captured) ? scene->sound_more_ms * MS : 0);
			sound_at = sound_at < last_sound ? last_sound : sound_at;
			if (sound_at > now)
				break;
			struct unit_buffer packet = { .unit = { .sequence = stage->sounds,
								.position = stage->sounds * BLOCK,
								.frames = BLOCK,
								.capture_ns = captured + THEIRS },
						      .size = 1 };
			jitter_buffer_put(stage->buffer, &packet, sound_at);
			unit_buffer_free(&packet);
			last_sound = sound_at;
			sound_at = 0;
			stage->sounds++;
		}
		for (;;) {
			int64_t captured = START + (int64_t)stage->pictures * QV_NS_PER_SECOND / 30;
			if (captured > now)
				break;
			stage->pending[stage->pictures % 64] =
				captured + scene->picture_ms * MS + any(stage, scene->picture_jitter_ms) +
				(second_half(captured) ? scene->picture_more_ms * MS : 0);
			stage->pictures++;
		}
		assert_true(stage->pictures - stage->shown < 60);
		play_sound(stage, now);
		show_pictures(stage, now);
	}
	jitter_buffer_free(stage->buffer);
}

static void sound_and_pictures_come_together(void **state)
{
	(void)state;
	static const struct scene scenes[] = {
		{ "both quick", 2, 0, 0, 5, 0, 0 },
		{ "sound delayed by the network", 80, 40, 0, 10, 5, 0 },
		{ "pictures slow", 5, 0, 0, 90, 10, 0 },
		{ "both rough", 30, 40, 0, 40, 40, 0 },
		{ "sound becomes slow", 5, 5, 100, 10, 5, 0 },
		{ "sound becomes quick", 105, 5, -100, 10, 5, 0 },
		{ "pictures become slow", 5, 5, 0, 20, 5, 80 },
		{ "pictures become quick", 5, 5, 0, 100, 5, -80 },
	};
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
		struct stage stage;
		run(&stage, &scenes[i]);
		struct lip_sync_skew skew = lip_sync_skew(stage.sync);
		print_message("# %s: %.1f to %.1f ms, sound %.1f ms after capture\n", scenes[i].what, stage.least,
			      stage.most, (double)stage.true_heard / 1e6);
		assert_true(skew.count > 1700);
		lip_sync_free(stage.sync);
		if (stage.least < -45 || stage.most > 15)
			fail_msg("%s: %.1f to %.1f ms", scenes[i].what, stage.least, stage.most);
	}
}

/* Where there is nothing to gain, nothing waits: pictures are as quick as sound lets them be. */
static void nothing_waits_longer_than_it_must(void **state)
{
	(void)state;
	static const struct scene quick = { "", 2, 0, 0, 5, 0, 0 };
	struct stage stage;
	run(&stage, &quick);
	assert_true(stage.true_heard < 45 * MS);
	int64_t at;
	assert_true(lip_sync_show_at(stage.sync, START + SECONDS * QV_NS_PER_SECOND, &at));
	assert_true(at + THEIRS < 20 * MS);
	/* Sound that has stopped holds no picture up. */
	assert_false(lip_sync_show_at(stage.sync, START + (SECONDS + 3) * QV_NS_PER_SECOND, &at));
	assert_int_equal(lip_sync_lead(stage.sync, START + (SECONDS + 3) * QV_NS_PER_SECOND), 0);
	lip_sync_free(stage.sync);
}

static void what_the_peer_says_of_its_clock_is_harmless(void **state)
{
	(void)state;
	static const int64_t times[] = { 1, -1, INT64_MAX, INT64_MIN, INT64_MAX / 2, START, START + 1, -START };
	struct lip_sync *sync = lip_sync_new(NULL);
	uint64_t random = 1;
	for (int64_t now = START, i = 0; i < 100000; i++, now += MS) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		int64_t captured = times[random >> 61];
		if (random & 1 << 20)
			lip_sync_heard(sync, captured, now, 10 * MS);
		else
			lip_sync_shown(sync, captured, now, now + MS);
		int64_t at, lead = lip_sync_lead(sync, now);
		assert_true(lead >= 0 && lead <= 150 * MS);
		lip_sync_show_at(sync, now, &at);
		lip_sync_skew(sync);
	}
	lip_sync_free(sync);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_and_pictures_come_together),
		cmocka_unit_test(nothing_waits_longer_than_it_must),
		cmocka_unit_test(what_the_peer_says_of_its_clock_is_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
