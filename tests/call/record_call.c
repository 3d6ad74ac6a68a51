/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: a call of two ends in one process, with pictures that carry stamps and sound with chirps, recorded by the
 * end that calls.
 * usage: record_call FILE SECONDS VIDEOCODEC[,OPTION=VALUE…] AUDIOCODEC[,OPTION=VALUE…] [OPTION=VALUE… of the recorder]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <qvisio/call_control.h>

#include "parts.h"

#define CODEC_OPTIONS_MAX 8

static struct qv_loader *loader;

static struct side {
	struct end end;
	struct qv_call_plan plan;
	struct qv_call_observer observer;
	enum qv_call_role role;
} caller, answerer;

static void die(const struct qv_error *err)
{
	fprintf(stderr, "record_call: %s: %s\n", qv_code_name(err->code), err->message);
	exit(1);
}

static struct qv_role role(const char *kind, const char *name, const char *const *assignments)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_role made = { .class = qv_loader_get(loader, kind, name, &err) };
	if (made.class)
		made.options = qv_options_from_strings(assignments, made.class->options, made.class->option_size,
						       "test", &err);
	if (!made.options)
		die(&err);
	return made;
}

/* "name,option=value,…" */
static struct qv_role role_of_words(const char *kind, char *words)
{
	const char *assignments[CODEC_OPTIONS_MAX + 1] = { NULL };
	size_t count = 0;
	char *rest = NULL, *name = strtok_r(words, ",", &rest), *word;
	while (count < CODEC_OPTIONS_MAX && (word = strtok_r(NULL, ",", &rest)))
		assignments[count++] = word;
	return role(kind, name ? name : "", assignments);
}

static void on_event(struct qv_call_observer *observer, const struct qv_call_event *event)
{
	(void)observer;
	printf("%s %s\n", qv_call_happening_name(event->happening), event->text ? event->text : "");
	fflush(stdout);
}

static void *run(void *argument)
{
	struct side *side = argument;
	side->end.outcome = qv_call_run(&side->end.link, side->role, &side->plan, &side->end.host, &side->observer,
					&side->end.result, &side->end.err);
	return NULL;
}

static void start(struct side *side, enum qv_call_role call_role, int fd, struct qv_role *roles)
{
	end_init(&side->end, fd);
	side->role = call_role;
	side->observer.event = on_event;
	side->end.send.video_source = &roles[0];
	side->end.send.audio_source = &roles[1];
	side->end.send.video_codecs = side->end.receive.video_codecs = &roles[2];
	side->end.send.audio_codecs = side->end.receive.audio_codecs = &roles[3];
	side->end.receive.video_sinks = &roles[4];
	side->end.receive.audio_sinks = &roles[5];
	side->plan = (struct qv_call_plan){ .send = &side->end.send,
					    .receive = &side->end.receive,
					    .control = qv_call_control_new(NULL) };
	pthread_create(&side->end.thread, NULL, run, side);
}

/* The call opens soon after it began. */
static int record(const struct qv_role *recorder, const char *path, struct qv_error *err)
{
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + 20 * QV_NS_PER_SECOND;
	while (qv_call_control_record(caller.plan.control, recorder, path, err) != 0) {
		if (err->code != QV_E_NOT_FOUND || qv_clock_now(&qv_clock_monotonic) > deadline)
			return -1;
		*err = (struct qv_error)QV_ERROR_INIT;
		qv_clock_sleep_until(qv_clock_now(&qv_clock_monotonic) + 10 * QV_NS_PER_MS, -1, NULL);
	}
	puts("recording");
	fflush(stdout);
	return 0;
}

static void finish(void)
{
	qv_call_control_hang_up(caller.plan.control);
	end_join(&caller.end);
	end_join(&answerer.end);
	struct side *sides[2] = { &caller, &answerer };
	for (int i = 0; i < 2; i++) {
		qv_call_control_free(sides[i]->plan.control);
		end_clear(&sides[i]->end);
	}
	if (caller.end.outcome != 0)
		die(&caller.end.err);
}

int main(int argc, char **argv)
{
	struct qv_error err = QV_ERROR_INIT;
	const char *const picture[] = { "width=320", "height=240", "fps=30", NULL };
	const char *const sound[] = { "signal=chirp", "interval=500", "chirp=50", NULL };
	const char *const none[] = { NULL };
	int fds[2];
	if (argc < 5 || !(loader = qv_loader_new(NULL, NULL, &err)) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		return 2;
	struct qv_role recorder = role("recorder", "matroska", (const char *const *)argv + 5);
	struct qv_role roles[] = { role("videosource", "testpattern", picture),
				   role("audiosource", "tone", sound),
				   role_of_words("videocodec", argv[3]),
				   role_of_words("audiocodec", argv[4]),
				   role("videosink", "null", none),
				   role("audiosink", "null", none) };
	start(&answerer, QV_CALL_ANSWERER, fds[1], roles);
	start(&caller, QV_CALL_CALLER, fds[0], roles);
	int status = record(&recorder, argv[1], &err);
	if (status == 0) {
		int64_t span = (int64_t)(strtod(argv[2], NULL) * 1e9);
		qv_clock_sleep_until(qv_clock_now(&qv_clock_monotonic) + span, -1, NULL);
		status = qv_call_control_record_stop(caller.plan.control, &err);
	}
	finish();
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
		qv_role_free(&roles[i]);
	qv_role_free(&recorder);
	qv_loader_free(loader);
	if (status != 0)
		die(&err);
	puts("whole");
	return 0;
}
