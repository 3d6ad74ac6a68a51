/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	keystore_trial twins SEED STEPS MODULE [NAME=VALUE…] -- MODULE [NAME=VALUE…]
 *	keystore_trial rivals SEED THREADS ROUNDS MODULE [NAME=VALUE…]
 *	keystore_trial look LINK MODULE [NAME=VALUE…]
 *	keystore_trial claim SLAVE MASTER KEY_ID MODULE [NAME=VALUE…]
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

static int print_reservation(struct qv_keystore_visit *visit, const char *request, const char *link,
			     struct qv_error *err)
{
	(void)visit;
	(void)err;
	printf("orphan %s %s\n", request, link);
	return 0;
}

static int print_promise(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	(void)visit;
	(void)err;
	printf("%s %u %lld ", promise->labels, promise->key_bytes, (long long)promise->expires);
	for (size_t i = 0; i < promise->sealed.size; i++)
		printf("%02x", promise->sealed.bytes[i]);
	putchar('\n');
	return 0;
}

static void look(struct trial_store *trial, const char *link)
{
	struct qv_keystore_visit visit = { .reservation = print_reservation };
	struct qv_error err = QV_ERROR_INIT;
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++) {
		char cursor[QV_QKDLINK_CURSOR_MAX + 1];
		int64_t stock = trial->class->stock(trial->store, link, lane, &err);
		if (stock < 0 || trial->class->cursor(trial->store, link, lane, cursor, &err) != 0)
			trial_fail("%s", err.message);
		printf("lane %u %lld %s\n", lane, (long long)stock, cursor);
	}
	if (trial->class->reservations(trial->store, &visit, &err) != 0)
		trial_fail("%s", err.message);
}

static void claim(struct trial_store *trial, char **words)
{
	struct qv_keystore_visit visit = { .promise = print_promise };
	struct qv_error err = QV_ERROR_INIT;
	const char *const ids[] = { words[2] };
	if (trial->class->deliver(trial->store, words[0], words[1], ids, 1, 0, &visit, &err) != 0)
		trial_fail("%s", err.message);
}

static void run_twins(struct qv_loader *loader, const struct qv_log *log, char **argv)
{
	struct trial_store one = { 0 }, other = { 0 };
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
	unload(&one);
}

static void run_one(struct qv_loader *loader, const struct qv_log *log, char **argv)
{
	struct trial_store one = { 0 };
	bool rivals = strcmp(argv[1], "rivals") == 0, looks = strcmp(argv[1], "look") == 0;
	load(&one, loader, log, argv + (looks ? 3 : 5));
	if (rivals)
		trial_rivals(&one, number(argv[2]), (unsigned)number(argv[3]), (unsigned)number(argv[4]));
	else if (looks)
		look(&one, argv[2]);
	else
		claim(&one, argv + 2);
	unload(&one);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words;
	} commands[] = { { "twins", 5 }, { "rivals", 6 }, { "look", 4 }, { "claim", 6 } };
	struct qv_error err = QV_ERROR_INIT;
	bool known = false;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		known = known || (argc >= commands[i].words && strcmp(argv[1], commands[i].name) == 0);
	if (!known)
		trial_fail(
			"usage: keystore_trial twins SEED STEPS MODULE… -- MODULE… | rivals SEED THREADS ROUNDS MODULE…"
			" | look LINK MODULE… | claim SLAVE MASTER KEY_ID MODULE…");
	struct qv_log *log = qv_log_new("trial", QV_LOG_WARNING, QV_LOG_TEXT, 2);
	struct qv_loader *loader = qv_loader_new(NULL, log, &err);
	if (!loader)
		trial_fail("%s", err.message);
	if (strcmp(argv[1], "twins") == 0)
		run_twins(loader, log, argv);
	else
		run_one(loader, log, argv);
	qv_loader_free(loader);
	qv_log_free(log);
	return EXIT_SUCCESS;
}
