/* SPDX-License-Identifier: Apache-2.0 */
/* The jitter buffer on simulated networks, devices and clocks: seeded, in simulated time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/clock.h>

#include "../../core/call/jitter_buffer.h"

#define MS     QV_NS_PER_MS
#define RATE   48000
#define BLOCK  960
#define START  (1000 * QV_NS_PER_SECOND)
#define PERIOD 240 /* samples that the voice repeats itself after: a pitch of 200 Hz */

/* a recording, and single packets */

static int put_at(struct jitter_buffer *buffer, uint64_t sequence, uint64_t position, int64_t now)
{
	struct unit_buffer packet = { .unit = { .sequence = sequence, .position = position, .frames = BLOCK },
				      .size = 100 };
	int given_up = jitter_buffer_put(buffer, &packet, now);
	unit_buffer_free(&packet);
	return given_up;
}

static int put(struct jitter_buffer *buffer, uint64_t number, int64_t now)
{
	return put_at(buffer, number, number * BLOCK, now);
}

static struct jitter_step take(struct jitter_buffer *buffer, int64_t now, int64_t delay_ns, uint64_t *number)
{
	struct jitter_device device = { .delay_ns = delay_ns };
	struct unit_buffer packet = { 0 };
	struct jitter_step step = jitter_buffer_take(buffer, now, &device, &packet);
	if (step.next == JITTER_PACKET)
		*number = packet.unit.sequence;
	unit_buffer_free(&packet);
	return step;
}

static void a_recording_gets_all_at_once_and_every_gap(void **state)
{
	(void)state;
	struct jitter_buffer *buffer = jitter_buffer_new(RATE, true, NULL);
	uint64_t number = 0;
	assert_int_equal(take(buffer, START, 0, &number).next, JITTER_WAIT);
	put(buffer, 5, START);
	assert_int_equal(take(buffer, START, 0, &number).next, JITTER_PACKET);
	assert_int_equal(number, 5);
	put(buffer, 8, START);
	struct jitter_step step = take(buffer, START, 0, &number);
	assert_int_equal(step.next, JITTER_GAP);
	assert_int_equal(step.frames, 2 * BLOCK);
	assert_int_equal(take(buffer, START, 0, &number).next, JITTER_PACKET);
	assert_int_equal(put(buffer, 8, START), 1); /* again: too late */
	assert_int_equal(take(buffer, START, 0, &number).next, JITTER_WAIT);
	jitter_buffer_end(buffer);
	assert_int_equal(take(buffer, START, 0, &number).next, JITTER_ENDED);
	jitter_buffer_free(buffer);
}

static void packets_are_put_in_order_and_taken_once(void **state)
{
	(void)state;
	static const uint64_t order[] = { 3, 0, 2, 2, 1, 3, 0, 5, 4, 1 };
	struct jitter_buffer *buffer = jitter_buffer_new(RATE, true, NULL);
	int given_up = 0;
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
		given_up += put(buffer, order[i], START);
	assert_int_equal(given_up, 4);
	for (uint64_t i = 0; i < 6; i++) {
		uint64_t number = 99;
		assert_int_equal(take(buffer, START, 0, &number).next, JITTER_PACKET);
		assert_int_equal(number, i);
	}
	jitter_buffer_free(buffer);
}

static void a_flood_of_sound_is_bounded(void **state)
{
	(void)state;
	for (int recording = 0; recording < 2; recording++) {
		struct jitter_buffer *buffer = jitter_buffer_new(RATE, recording, NULL);
		int given_up = 0;
		for (uint64_t i = 0; i < 5000; i++)
			given_up += put(buffer, i, START);
		assert_true(given_up >= 5000 - JITTER_SLOTS);
		assert_true(jitter_buffer_depth_ns(buffer) <= JITTER_SLOTS * 20 * MS);
		jitter_buffer_free(buffer);
	}
}

static void places_that_cannot_be_do_no_harm(void **state)
{
	(void)state;
	static const uint64_t places[] = { 0,          BLOCK,          UINT64_MAX,        UINT64_MAX - BLOCK,
					   1,          INT64_MAX,      INT64_MAX / 2,     (uint64_t)INT64_MAX + 1,
					   BLOCK + 1,  RATE * 9,       RATE * 20,         UINT64_MAX - BLOCK - 1,
					   BLOCK * 10, UINT64_MAX / 3, UINT64_MAX / 3 * 2 };
	uint64_t random = 88172645463325252;
	for (int recording = 0; recording < 2; recording++) {
		struct jitter_buffer *buffer = jitter_buffer_new(RATE, recording, NULL);
		int64_t now = START;
		for (int i = 0; i < 20000; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			uint64_t number, place = places[random % (sizeof places / sizeof places[0])];
			put_at(buffer, (uint64_t)i, random >> 60 ? place : place + random % 5000, now);
			struct jitter_step step = take(buffer, now, (int64_t)(random % 50) * MS, &number);
			assert_true(step.next != JITTER_SILENT || step.frames <= RATE);
			assert_true(fabs(step.ppm) <= 1000);
			now += (int64_t)(random % 30) * MS;
		}
		jitter_buffer_free(buffer);
	}
}

/* A device that does not start before it has more than it is meant to hold must not be waited for. */
static void a_device_that_has_not_started_gets_its_sound(void **state)
{
	(void)state;
	struct jitter_buffer *buffer = jitter_buffer_new(RATE, false, NULL);
	int64_t now = START, written = 0;
	for (uint64_t number = 0, taken; number < 20; number++, now += 20 * MS) {
		put(buffer, number, now);
		for (int64_t at = now; at < now + 20 * MS;) {
			struct jitter_step step = take(buffer, at, written, &taken);
			if (step.next == JITTER_PACKET)
				written += 20 * MS;
			else if (step.next != JITTER_WAIT)
				written += (int64_t)step.frames * 1000000000 / RATE;
			else
				at = step.until_ns && step.until_ns < now + 20 * MS ? step.until_ns : now + 20 * MS;
		}
	}
	assert_true(written > 100 * MS);
	jitter_buffer_free(buffer);
}

/* the simulation */

struct network {
	int64_t (*late)(uint64_t *random, uint64_t number); /* beyond the least transit; < 0: lost */
	bool ordered;                                       /* what overtakes waits, as in a stream */
	int duplicate;                                      /* every so many come twice */
};

struct arrival_of {
	int64_t at;
	uint64_t number;
};

struct simulation {
	const struct network *network;
	double ppm; /* that the source is fast */
	int seconds;
	int64_t oversleep; /* of the thread… */
	int busy_s;        /* …until then; 0: always */
	bool copies;
	/* What came of it: */
	int64_t delay[40000]; /* of each packet played, from capture of its end to when that is heard; by number */
	uint64_t played, concealed, dry, packets;
	uint64_t copied; /* packets lost, whose copy was there in time */
	int64_t given_up;
	uint64_t ran_empty; /* times the device did */
	uint64_t changes;
};

static uint64_t next_random(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random >> 11;
}

static int by_time(const void *a, const void *b)
{
	const struct arrival_of *x = a, *y = b;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int64_t captured(const struct simulation *s, uint64_t number)
{
	return START + (int64_t)((double)(number * 20 * MS) * (1 - s->ppm / 1e6));
}

static size_t make_arrivals(const struct simulation *s, struct arrival_of *arrivals)
{
	uint64_t random = 88172645463325252;
	size_t count = 0;
	int64_t last = 0;
	for (uint64_t number = 0; number < (uint64_t)s->seconds * 50; number++) {
		int64_t late = s->network->late(&random, number);
		if (late < 0)
			continue;
		int64_t at = captured(s, number + 1) + 5 * MS + late;
		if (s->network->ordered && at < last)
			at = last;
		last = at;
		arrivals[count++] = (struct arrival_of){ at, number };
		if (s->network->duplicate && number % (uint64_t)s->network->duplicate == 0)
			arrivals[count++] = (struct arrival_of){ at + 3 * MS, number };
	}
	qsort(arrivals, count, sizeof *arrivals, by_time);
	return count;
}

static void write_device(struct simulation *s, int64_t *heard_until, int64_t now, double frames, double ppm)
{
	if (*heard_until < now) {
		s->ran_empty += *heard_until > 0;
		*heard_until = now;
	}
	*heard_until += (int64_t)(frames / RATE * 1e9 / (1 + ppm / 1e6));
}

static int64_t oversleep(const struct simulation *s, int64_t now)
{
	return s->busy_s == 0 || now < START + s->busy_s * QV_NS_PER_SECOND ? s->oversleep : 0;
}

/* One step; how long to wait, 0: not at all. */
static int64_t step_once(struct simulation *s, struct jitter_buffer *buffer, int64_t now, int64_t *heard_until)
{
	struct jitter_device device = { .delay_ns = *heard_until > now ? *heard_until - now : 0 };
	struct unit_buffer packet = { 0 };
	struct jitter_step step = jitter_buffer_take(buffer, now, &device, &packet);
	uint64_t number = packet.unit.sequence;
	double frames = (double)step.frames;
	unit_buffer_free(&packet);
	s->given_up += step.given_up;
	s->dry += step.underrun;
	switch (step.next) {
	case JITTER_PACKET:
		frames = BLOCK;
		if (step.change != JITTER_AS_IT_IS) {
			int64_t shorter = step.change == JITTER_SHORTER ? PERIOD : -PERIOD;
			if (shorter > 0 && step.most < PERIOD)
				shorter = 0;
			frames -= (double)shorter;
			jitter_buffer_changed(buffer, shorter);
			s->changes += shorter != 0;
		}
		s->played++;
		write_device(s, heard_until, now, frames, step.ppm);
		if (number < sizeof s->delay / sizeof s->delay[0])
			s->delay[number] = *heard_until - captured(s, number + 1);
		return 0;
	case JITTER_GAP:
		s->copied += s->copies && step.frames >= BLOCK;
		/* fall through */
	case JITTER_DRY:
	case JITTER_SILENT:
		s->concealed += step.frames;
		write_device(s, heard_until, now, frames, step.ppm);
		return 0;
	default:
		return step.until_ns ? step.until_ns - now : QV_NS_PER_SECOND;
	}
}

static void run(struct simulation *s)
{
	static struct arrival_of arrivals[80000];
	size_t count = make_arrivals(s, arrivals), at = 0;
	struct jitter_buffer *buffer = jitter_buffer_new(RATE, false, NULL);
	int64_t now = START, heard_until = 0;
	jitter_buffer_copies(buffer, s->copies);
	memset(s->delay, -1, sizeof s->delay);
	s->packets = count;
	while (at < count) {
		for (; at < count && arrivals[at].at <= now; at++)
			s->given_up += put(buffer, arrivals[at].number, arrivals[at].at);
		int64_t wait = step_once(s, buffer, now, &heard_until);
		if (wait > 0)
			now = (at < count && arrivals[at].at < now + wait ? arrivals[at].at : now + wait) +
			      oversleep(s, now);
	}
	jitter_buffer_free(buffer);
}

/* Mean delay, in ms, of what was captured between two seconds. */
static double mean_delay(const struct simulation *s, int from_s, int to_s)
{
	double sum = 0, count = 0;
	for (int i = from_s * 50; i < to_s * 50; i++) {
		if (s->delay[i] < 0)
			continue;
		sum += (double)s->delay[i] / 1e6;
		count++;
	}
	return count > 0 ? sum / count : -1;
}

static int64_t perfect(uint64_t *random, uint64_t number)
{
	(void)random;
	(void)number;
	return 0;
}

static int64_t jitter_10(uint64_t *random, uint64_t number)
{
	(void)number;
	return (int64_t)(next_random(random) % (uint64_t)(10 * MS));
}

static int64_t jitter_40(uint64_t *random, uint64_t number)
{
	(void)number;
	return (int64_t)(next_random(random) % (uint64_t)(40 * MS));
}

#define BUSY_S 20
#define SOON_S 13

static int64_t busy_40(uint64_t *random, uint64_t number)
{
	return number < BUSY_S * 50 ? jitter_40(random, number) : 0;
}

/* Of a hundred packets one is 120 ms late, and the rest up to 5. */
static int64_t spikes(uint64_t *random, uint64_t number)
{
	return number % 100 == 50 ? 120 * MS : (int64_t)(next_random(random) % (uint64_t)(5 * MS));
}

static int64_t lossy(uint64_t *random, uint64_t percent)
{
	bool lost = next_random(random) % 100 < percent;
	int64_t late = (int64_t)(next_random(random) % (uint64_t)(10 * MS));
	return lost ? -1 : late;
}

static int64_t loss_1(uint64_t *random, uint64_t number)
{
	(void)number;
	return lossy(random, 1);
}

static int64_t loss_5(uint64_t *random, uint64_t number)
{
	(void)number;
	return lossy(random, 5);
}

static int64_t loss_20(uint64_t *random, uint64_t number)
{
	(void)number;
	return lossy(random, 20);
}

/* Two seconds of nothing after 20 s, and then all at once. */
static int64_t outage(uint64_t *random, uint64_t number)
{
	(void)random;
	return number >= 1000 && number < 1100 ? (int64_t)(1100 - number) * 20 * MS : 0;
}

/* All that is sent in the first 300 ms of so many packets comes at the end of them. */
static int64_t stalled(uint64_t number, uint64_t every)
{
	return number % every < 15 ? (int64_t)(15 - number % every) * 20 * MS : 0;
}

static int64_t stall_once(uint64_t *random, uint64_t number)
{
	(void)random;
	return number >= 60 && number < 3000 ? stalled(number - 60, 1440) : 0;
}

static int64_t stall_again(uint64_t *random, uint64_t number)
{
	(void)random;
	return number >= 60 ? stalled(number - 60, 125) : 0;
}

/* The way becomes 60 ms longer after 20 s, and shorter again after 40. */
static int64_t detour(uint64_t *random, uint64_t number)
{
	(void)random;
	return number >= 1000 && number < 2000 ? 60 * MS : 0;
}

static void delay_is_low_and_little_is_concealed(void **state)
{
	(void)state;
	/*
	 * A packet of 20 ms and the least transit of 5; then what is left in the device, 6 ms, two to be in time, and what
	 * the network makes needed.
	 */
	static const struct {
		const char *what;
		struct network network;
		double delay_ms;  /* mean over the last half, at most */
		double concealed; /* share of the sound, at most */
	} cases[] = {
		{ "nothing", { perfect, false, 0 }, 25 + 12, 0.001 },
		{ "10 ms", { jitter_10, false, 0 }, 25 + 22, 0.005 },
		{ "10 ms, every tenth packet twice", { jitter_10, false, 10 }, 25 + 22, 0.005 },
		{ "10 ms in order", { jitter_10, true, 0 }, 25 + 22, 0.005 },
		{ "40 ms", { jitter_40, false, 0 }, 25 + 55, 0.01 },
		{ "40 ms in order", { jitter_40, true, 0 }, 25 + 55, 0.01 },
		{ "spikes", { spikes, false, 0 }, 25 + 25, 0.02 },
		{ "1 % loss", { loss_1, false, 0 }, 25 + 22, 0.02 },
		{ "5 % loss", { loss_5, false, 0 }, 25 + 22, 0.06 },
		{ "20 % loss", { loss_20, false, 0 }, 25 + 24, 0.22 },
	};
	static struct simulation s;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		s = (struct simulation){ .network = &cases[i].network, .seconds = 120 };
		run(&s);
		double delay = mean_delay(&s, 60, 119);
		double concealed = (double)s.concealed / (s.seconds * RATE);
		print_message("# %s: %.1f ms, %.2f %% concealed, %llu dry, %llu empty, %llu stretched\n", cases[i].what,
			      delay, 100 * concealed, (unsigned long long)s.dry, (unsigned long long)s.ran_empty,
			      (unsigned long long)s.changes);
		if (delay < 0 || delay > cases[i].delay_ms || concealed > cases[i].concealed)
			fail_msg("%s", cases[i].what);
	}
}

/* 200 ppm in ten minutes are 120 ms. */
static void drift_of_the_clocks_adds_under_5_ms(void **state)
{
	(void)state;
	static const struct network networks[] = { { perfect, false, 0 }, { jitter_10, false, 0 } };
	static struct simulation s;
	for (int i = 0; i < 6; i++) {
		double ppm = i / 2 == 0 ? 200 : i / 2 == 1 ? -200 : 0;
		s = (struct simulation){ .network = &networks[i % 2], .ppm = ppm, .seconds = 600 };
		run(&s);
		double before = mean_delay(&s, 10, 20), after = mean_delay(&s, 570, 599);
		print_message("# %g ppm: %.2f ms, after ten minutes %.2f ms; %llu stretched, %llu dry\n", s.ppm, before,
			      after, (unsigned long long)s.changes, (unsigned long long)s.dry);
		assert_true(fabs(after - before) < 5);
		/* Nothing was lost or made up for it, and nothing cut, but for what the jitter did. */
		assert_true(s.changes < 40);
		for (int from = 20; from < 590; from += 10)
			assert_true(fabs(mean_delay(&s, from, from + 10) - before) < 5);
	}
}

static void an_outage_leaves_no_delay_behind(void **state)
{
	(void)state;
	static const struct network networks[] = { { outage, true, 0 }, { detour, false, 0 } };
	static struct simulation s;
	for (int i = 0; i < 2; i++) {
		s = (struct simulation){ .network = &networks[i], .seconds = 80 };
		run(&s);
		double before = mean_delay(&s, 10, 19), after = mean_delay(&s, 60, 79);
		print_message("# %.1f ms before, %.1f ms after\n", before, after);
		assert_true(before > 0 && after > 0 && after - before < 15);
	}
	print_message("# %.1f ms on the detour\n", mean_delay(&s, 32, 39));
	/* On the detour itself the delay is that of the detour. */
	assert_true(mean_delay(&s, 32, 39) - mean_delay(&s, 10, 19) < 60 + 25);
}

/* What is hardly ever as late is an interruption: waiting for it would cost more than it does. */
static void only_stalls_that_come_again_are_waited_for(void **state)
{
	(void)state;
	static const struct network once = { stall_once, true, 0 }, again = { stall_again, true, 0 };
	static struct simulation s;
	s = (struct simulation){ .network = &once, .seconds = 60 };
	run(&s);
	double early = mean_delay(&s, 5, 8), late = mean_delay(&s, 33, 36);
	print_message("# %.1f and %.1f ms soon after a stall\n", early, late);
	assert_true(early > 0 && early < 25 + 22 && late > 0 && late < 25 + 22);
	s = (struct simulation){ .network = &again, .seconds = 60 };
	run(&s);
	double concealed = (double)s.concealed / (s.seconds * RATE);
	print_message("# %.1f ms, %.2f %% concealed where stalls come again\n", mean_delay(&s, 30, 59),
		      100 * concealed);
	assert_true(mean_delay(&s, 30, 59) > 200 && concealed < 0.04);
}

static void a_thread_that_wakes_late_is_given_time(void **state)
{
	(void)state;
	static const struct network network = { perfect, false, 0 };
	static struct simulation s;
	s = (struct simulation){ .network = &network, .seconds = 60, .oversleep = 9 * MS };
	run(&s);
	uint64_t early = s.ran_empty;
	assert_true(early < 100);
	assert_true(mean_delay(&s, 30, 59) < 25 + 40);
}

/* What a busy time has cost of delay is given back soon after it. */
static void delay_is_given_back(void **state)
{
	(void)state;
	static const struct network jitters[] = { { busy_40, false, 0 }, { perfect, false, 0 } };
	static const double above_ms[] = { 15, 5 };
	static struct simulation s;
	for (int i = 0; i < 2; i++) {
		s = (struct simulation){
			.network = &jitters[i], .seconds = 60, .oversleep = i == 1 ? 40 * MS : 0, .busy_s = BUSY_S
		};
		run(&s);
		double busy = mean_delay(&s, BUSY_S - 2, BUSY_S), calm = mean_delay(&s, 55, 59);
		double soon = mean_delay(&s, BUSY_S + SOON_S, BUSY_S + SOON_S + 2);
		print_message("# %.1f ms in a busy time, %.1f ms %d s after it, %.1f ms in the end; %llu stretched\n",
			      busy, soon, SOON_S, calm, (unsigned long long)s.changes);
		assert_true(busy > calm + above_ms[i]);
		assert_true(soon < calm + 5);
	}
}

/* A copy in the next packet is worth a packet's time only where many are lost. */
static void copies_of_lost_packets_are_waited_for(void **state)
{
	(void)state;
	static const struct network one = { loss_1, false, 0 }, twenty = { loss_20, false, 0 };
	static struct simulation s;
	s = (struct simulation){ .network = &one, .seconds = 60, .copies = true };
	run(&s);
	assert_true(mean_delay(&s, 30, 59) < 25 + 22);
	s = (struct simulation){ .network = &twenty, .seconds = 60, .copies = true };
	run(&s);
	uint64_t lost = 60 * 50 - s.packets;
	print_message("# %.1f ms; of %llu lost %llu copied\n", mean_delay(&s, 30, 59), (unsigned long long)lost,
		      (unsigned long long)s.copied);
	assert_true(mean_delay(&s, 30, 59) < 25 + 44);
	assert_true(s.copied > lost * 7 / 10);
}

static void sound_waits_for_what_belongs_to_it(void **state)
{
	(void)state;
	struct jitter_buffer *buffer = jitter_buffer_new(RATE, false, NULL);
	jitter_buffer_wait_for(buffer, 80 * MS);
	assert_int_equal(jitter_buffer_target_ns(buffer), 80 * MS);
	jitter_buffer_wait_for(buffer, 10000 * MS);
	assert_int_equal(jitter_buffer_target_ns(buffer), JITTER_TARGET_MAX_NS);
	jitter_buffer_free(buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_gets_all_at_once_and_every_gap),
		cmocka_unit_test(packets_are_put_in_order_and_taken_once),
		cmocka_unit_test(a_flood_of_sound_is_bounded),
		cmocka_unit_test(places_that_cannot_be_do_no_harm),
		cmocka_unit_test(a_device_that_has_not_started_gets_its_sound),
		cmocka_unit_test(delay_is_low_and_little_is_concealed),
		cmocka_unit_test(drift_of_the_clocks_adds_under_5_ms),
		cmocka_unit_test(an_outage_leaves_no_delay_behind),
		cmocka_unit_test(only_stalls_that_come_again_are_waited_for),
		cmocka_unit_test(a_thread_that_wakes_late_is_given_time),
		cmocka_unit_test(delay_is_given_back),
		cmocka_unit_test(copies_of_lost_packets_are_waited_for),
		cmocka_unit_test(sound_waits_for_what_belongs_to_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
