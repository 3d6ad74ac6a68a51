/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for video sinks that a test drives line by line: each command on standard input is answered by "ok" or
 * "error CODE: MESSAGE" on standard output. Between commands it polls the open sinks, and says "end N: MESSAGE" when
 * one has ended. Commands:
 *
 *   open N MODULE [NAME=VALUE…]       N: 0…3
 *   open-elsewhere N MODULE           the same, on another thread
 *   pattern N PIXEL WIDTH HEIGHT SEED RANGE PATH   shows a test picture, and writes its planes to PATH
 *   status N none|classic|qkd TEXT
 *   overlay N notice|warning|help TEXT   without a text: none; | is a new line
 *   self N PIXEL WIDTH HEIGHT SEED RANGE PATH   as pattern, for our own picture; "self N none"
 *   levels N SENT RECEIVED
 *   fullscreen N on|off
 *   close N
 *
 * "key N CODE" tells a key that somebody pressed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <qvisio/videosink.h>

#include "../../../tests/harness/media_test.h"

#define SLOTS 4

struct slot {
	const struct qv_videosink_class *class;
	struct qv_options *options;
	struct qv_videosink *sink;
	bool ended;
};

static struct slot slots[SLOTS];
static struct qv_host host;

static void answer(int result, const struct qv_error *err)
{
	if (result == 0)
		printf("ok\n");
	else
		printf("error %s: %s\n", qv_code_name(err->code), err->message);
}

static int open_slot(struct slot *slot, char *arguments, struct qv_error *err)
{
	const char *assignments[16] = { NULL };
	char *module = strsep(&arguments, " "), *word;
	for (int i = 0; i < 15 && (word = strsep(&arguments, " ")); i++)
		assignments[i] = word;
	slot->class = qv_videosink_class(media_class("videosink", module));
	slot->options = qv_options_from_strings(assignments, slot->class->head.options, slot->class->head.option_size,
						"test", err);
	slot->sink = slot->options ? slot->class->open(&host, slot->options, "A call", err) : NULL;
	if (slot->sink)
		return 0;
	qv_options_free(slot->options);
	slot->options = NULL;
	return -1;
}

static void close_slot(struct slot *slot)
{
	if (slot->sink)
		slot->class->close(slot->sink);
	qv_options_free(slot->options);
	*slot = (struct slot){ 0 };
}

struct elsewhere {
	struct slot *slot;
	char *arguments;
	struct qv_error err;
	int result;
};

static void *open_on_thread(void *data)
{
	struct elsewhere *job = data;
	job->result = open_slot(job->slot, job->arguments, &job->err);
	if (job->result == 0)
		close_slot(job->slot);
	return NULL;
}

static int open_elsewhere(struct slot *slot, char *arguments, struct qv_error *err)
{
	struct elsewhere job = { .slot = slot, .arguments = arguments };
	pthread_t thread;
	if (pthread_create(&thread, NULL, open_on_thread, &job) != 0)
		return qv_fail(err, QV_E_INTERNAL, "no thread");
	pthread_join(thread, NULL);
	*err = job.err;
	return job.result;
}

static void write_planes(const struct qv_frame *frame, const char *path)
{
	FILE *file = fopen(path, "wb");
	for (int i = 0; file && i < qv_pixel_planes(frame->format.pixel); i++) {
		int width, height;
		qv_plane_dimensions(&frame->format, i, &width, &height);
		for (int y = 0; y < height; y++)
			fwrite(frame->plane[i] + (size_t)y * (size_t)frame->stride[i], 1, (size_t)width, file);
	}
	if (file)
		fclose(file);
}

static int show_pattern(struct slot *slot, const char *arguments, bool own, struct qv_error *err)
{
	if (strcmp(arguments, "none") == 0)
		return slot->class->self_view(slot->sink, NULL, err);
	char pixel_name[8], range[8], path[512];
	int width, height;
	unsigned seed;
	if (sscanf(arguments, "%7s %d %d %u %7s %511s", pixel_name, &width, &height, &seed, range, path) != 6)
		return qv_fail(err, QV_E_INVALID, "pattern PIXEL WIDTH HEIGHT SEED RANGE PATH");
	enum qv_pixel pixel = QV_PIXEL_I420;
	while (pixel < QV_PIXEL_GRAY && strcmp(qv_pixel_name(pixel), pixel_name) != 0)
		pixel = (enum qv_pixel)((int)pixel + 1);
	struct qv_picture *picture = media_pattern(pixel, width, height, seed);
	struct qv_frame frame = qv_picture_frame(picture);
	frame.format.range = strcmp(range, "full") == 0 ? QV_RANGE_FULL : QV_RANGE_LIMITED;
	write_planes(&frame, path);
	int result = own ? slot->class->self_view(slot->sink, &frame, err) : slot->class->show(slot->sink, &frame, err);
	qv_picture_free(picture);
	return result;
}

static int set_status(struct slot *slot, char *arguments, struct qv_error *err)
{
	const char *state = strsep(&arguments, " ");
	enum qv_secured secured = strcmp(state, "qkd") == 0       ? QV_SECURED_QKD
				  : strcmp(state, "classic") == 0 ? QV_SECURED_CLASSIC
								  : QV_SECURED_NONE;
	return slot->class->status(slot->sink, secured, arguments, err);
}

static int set_overlay(struct slot *slot, char *arguments, struct qv_error *err)
{
	const char *name = strsep(&arguments, " ");
	enum qv_overlay overlay = strcmp(name, "help") == 0      ? QV_OVERLAY_HELP
				  : strcmp(name, "warning") == 0 ? QV_OVERLAY_WARNING
								 : QV_OVERLAY_NOTICE;
	for (char *at = arguments; at && *at; at++)
		if (*at == '|')
			*at = '\n';
	return slot->class->overlay(slot->sink, overlay, arguments, err);
}

static void set_levels(struct slot *slot, char *arguments)
{
	double sent = strtod(arguments, &arguments), received = strtod(arguments, NULL);
	slot->class->levels(slot->sink, sent, received);
}

/* Slot 0 is meant when none is named. NULL: there is no such slot. */
static struct slot *find_slot(const char *number)
{
	char *end;
	unsigned long index = number ? strtoul(number, &end, 10) : 0;
	if (number && (number[0] < '0' || number[0] > '9' || *end))
		return NULL;
	return index < SLOTS ? &slots[index] : NULL;
}

static void obey(char *line)
{
	struct qv_error err = QV_ERROR_INIT;
	const char *command = strsep(&line, " "), *number = strsep(&line, " ");
	struct slot *slot = find_slot(number);
	if (!slot) {
		answer(qv_fail(&err, QV_E_INVALID, "there is no slot %s", number), &err);
		return;
	}
	char none[] = "", *rest = line ? line : none;
	if (strcmp(command, "open") == 0)
		answer(open_slot(slot, rest, &err), &err);
	else if (strcmp(command, "open-elsewhere") == 0)
		answer(open_elsewhere(slot, rest, &err), &err);
	else if (slot->sink && strcmp(command, "pattern") == 0)
		answer(show_pattern(slot, rest, false, &err), &err);
	else if (slot->sink && strcmp(command, "status") == 0)
		answer(set_status(slot, rest, &err), &err);
	else if (slot->sink && strcmp(command, "overlay") == 0)
		answer(set_overlay(slot, rest, &err), &err);
	else if (slot->sink && strcmp(command, "self") == 0)
		answer(show_pattern(slot, rest, true, &err), &err);
	else if (slot->sink && strcmp(command, "levels") == 0)
		set_levels(slot, rest), answer(0, NULL);
	else if (slot->sink && strcmp(command, "fullscreen") == 0)
		answer(slot->class->fullscreen(slot->sink, strcmp(rest, "on") == 0, &err), &err);
	else if (strcmp(command, "close") == 0)
		close_slot(slot), answer(0, NULL);
	else
		printf("error usage: %s\n", command);
}

static void poll_sinks(void)
{
	for (int i = 0; i < SLOTS; i++) {
		struct qv_error err = QV_ERROR_INIT;
		struct slot *slot = &slots[i];
		if (!slot->sink || !slot->class->poll || slot->ended)
			continue;
		int polled = slot->class->poll(slot->sink, &err);
		for (int key; slot->class->key && (key = slot->class->key(slot->sink)) > 0;)
			printf("key %d %d\n", i, key);
		if (polled == 0)
			continue;
		slot->ended = true;
		printf("end %d: %s: %s\n", i, qv_code_name(err.code), err.message);
	}
}

int main(void)
{
	struct qv_log *log = qv_log_new("sink", QV_LOG_DEBUG, QV_LOG_TEXT, 1);
	char *line = NULL;
	size_t room = 0;
	host = media_host;
	host.log = log;
	/* Unbuffered, so that what poll sees of the descriptor is all there is. */
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		struct pollfd input = { STDIN_FILENO, POLLIN, 0 };
		if (poll(&input, 1, 20) > 0) {
			ssize_t length = getline(&line, &room, stdin);
			if (length < 0)
				break;
			line[strcspn(line, "\n")] = '\0';
			obey(line);
		}
		poll_sinks();
	}
	for (int i = 0; i < SLOTS; i++)
		close_slot(&slots[i]);
	free(line);
	qv_log_free(log);
	return 0;
}
