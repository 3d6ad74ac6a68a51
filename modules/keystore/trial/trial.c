/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	keystore_trial twins SEED STEPS MODULE [NAME=VALUE…] -- MODULE [NAME=VALUE…]
 *	keystore_trial rivals SEED THREADS ROUNDS MODULE [NAME=VALUE…]
 */
#include "trial.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void trial_fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

uint64_t dice_next(struct dice *dice)
{
	/* SplitMix64. */
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

unsigned dice_below(struct dice *dice, unsigned end)
{
	return (unsigned)((dice_next(dice) >> 32) * end >> 32);
}

void trial_open(struct trial_store *trial)
{
	struct qv_error err = QV_ERROR_INIT;
	trial->store = trial->class->open(&trial->host, trial->options, &err);
	if (!trial->store)
		trial_fail("%s: %s", trial->class->head.name, err.message);
}

static void load(struct trial_store *trial, struct qv_loader *loader, const struct qv_log *log, char **words)
{
	struct qv_error err = QV_ERROR_INIT;
	const struct qv_class *class = qv_loader_get(loader, "keystore", words[0], &err);
	if (!class)
		trial_fail("%s", err.message);
	trial->class = qv_keystore_class(class);
	trial->host = (struct qv_host){
		.size = sizeof trial->host, .log = log, .clock = &qv_clock_monotonic, .cancel_fd = -1
	};
	trial->options = qv_options_from_strings((const char *const *)words + 1, class->options, class->option_size,
						 words[0], &err);
	if (!trial->options)
		trial_fail("%s", err.message);
	trial_open(trial);
}

static void unload(struct trial_store *trial)
{
	trial->class->close(trial->store);
	qv_options_free(trial->options);
}

static unsigned long number(const char *text)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value > 1000000000)
		trial_fail("%s: no number up to 1000000000", text);
	return value;
}

int main(int argc, char **argv)
{
	struct qv_error err = QV_ERROR_INIT;
	struct trial_store one = { 0 }, other = { 0 };
	bool twins = argc > 4 && strcmp(argv[1], "twins") == 0;
	if (!twins && !(argc > 5 && strcmp(argv[1], "rivals") == 0))
		trial_fail("usage: keystore_trial twins SEED STEPS MODULE… -- MODULE… | rivals SEED THREADS ROUNDS "
			   "MODULE…");
	struct qv_log *log = qv_log_new("trial", QV_LOG_WARNING, QV_LOG_TEXT, 2);
	struct qv_loader *loader = qv_loader_new(NULL, log, &err);
	if (!loader)
		trial_fail("%s", err.message);
	if (twins) {
		char **second = argv + 4;
		while (*second && strcmp(*second, "--") != 0)
			second++;
		if (!*second || !second[1])
			trial_fail("twins are two modules, divided by --");
		*second = NULL;
		load(&one, loader, log, argv + 4);
		load(&other, loader, log, second + 1);
		trial_twins(&one, &other, number(argv[2]), (unsigned)number(argv[3]));
		unload(&other);
	} else {
		load(&one, loader, log, argv + 5);
		trial_rivals(&one, number(argv[2]), (unsigned)number(argv[3]), (unsigned)number(argv[4]));
	}
	unload(&one);
	qv_loader_free(loader);
	qv_log_free(log);
	return EXIT_SUCCESS;
}
