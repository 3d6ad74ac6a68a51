/* SPDX-License-Identifier: Apache-2.0 */
/* qkd-key: keys from any key source module, for scripts. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <qvisio/keysource.h>
#include <qvisio/loader.h>

#include "arguments.h"
#include "output.h"

enum exit_status {
	EXIT_OTHER = 1,
	EXIT_USAGE = 2, /* also: wrong configuration, or no such module */
	EXIT_NO_KEY = 3,
	EXIT_NOT_FOUND = 4,
	EXIT_DENIED = 5,
	EXIT_TIMEOUT = 6,
	EXIT_CANCELLED = 7,
};

static int exit_status_of(enum qv_code code)
{
	switch (code) {
	case QV_OK:
		return EXIT_SUCCESS;
	case QV_E_INVALID:
	case QV_E_CONFIG:
	case QV_E_MODULE:
		return EXIT_USAGE;
	case QV_E_NO_KEY:
		return EXIT_NO_KEY;
	case QV_E_NOT_FOUND:
		return EXIT_NOT_FOUND;
	case QV_E_DENIED:
		return EXIT_DENIED;
	case QV_E_TIMEOUT:
		return EXIT_TIMEOUT;
	case QV_E_CANCELLED:
		return EXIT_CANCELLED;
	default:
		return EXIT_OTHER;
	}
}

struct program {
	struct arguments arguments;
	struct qv_log *log;
	struct qv_config *config;
	struct qv_options *top;
	struct qv_loader *loader;
	struct qv_role role;
	const struct qv_keysource_class *class;
	struct qv_keysource *source;
	struct qv_host host;
};

static const struct qv_option top_options[] = {
	{ .name = "module_path",
	  .type = QV_OPTION_STRINGS,
	  .help = "Folders in which modules are looked for before the installed ones." },
	{ .name = NULL },
};

/* The signals that end a program ask the key source to stop instead, so that no key is lost half way. */
static int catch_signals(int *fd, struct qv_error *err)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || (*fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "catching signals");
	return 0;
}

static int load_config(struct program *program, struct qv_error *err)
{
	static const char *const groups[] = { "key_source", NULL };
	const struct qv_section *section;
	program->config = qv_config_load(program->arguments.config, err);
	if (!program->config) {
		err->code = QV_E_CONFIG;
		return -1;
	}
	const struct qv_section *root = qv_config_root(program->config);
	program->top = qv_options_check(root, top_options, sizeof top_options[0], groups, err);
	if (!program->top || qv_section_group(root, "key_source", &section, err) != 0)
		return -1;
	if (!section)
		return qv_fail(err, QV_E_CONFIG, "%s: no group key_source, which names the module keys come from",
			       program->arguments.config);
	program->loader = qv_loader_new(program->top, program->log, err);
	if (!program->loader)
		return -1;
	return qv_role_load(program->loader, section, "keysource", NULL, &program->role, err);
}

static int load_module(struct program *program, struct qv_error *err)
{
	program->loader = qv_loader_new(NULL, program->log, err);
	if (!program->loader)
		return -1;
	const struct qv_class *class = qv_loader_get(program->loader, "keysource", program->arguments.module, err);
	if (!class)
		return -1;
	program->role.class = class;
	program->role.options = qv_options_from_strings(program->arguments.assignments, class->options,
							class->option_size, "--option", err);
	return program->role.options ? 0 : -1;
}

static int open_source(struct program *program, struct qv_error *err)
{
	program->log = qv_log_new("qkd-key", program->arguments.level, qv_log_format_for(STDERR_FILENO), STDERR_FILENO);
	if (!program->log)
		return qv_fail(err, QV_E_NOMEM, "no memory for a logger");
	program->host = (struct qv_host){
		.size = sizeof(struct qv_host), .log = program->log, .clock = &qv_clock_monotonic, .cancel_fd = -1
	};
	if ((program->arguments.config ? load_config(program, err) : load_module(program, err)) != 0 ||
	    catch_signals(&program->host.cancel_fd, err) != 0)
		return -1;
	program->class = qv_keysource_class(program->role.class);
	if (!program->class)
		return qv_fail(err, QV_E_MODULE, "the module is no key source");
	program->source = program->class->open(&program->host, program->role.options, err);
	return program->source ? 0 : -1;
}

static void close_program(struct program *program)
{
	if (program->source)
		program->class->close(program->source);
	qv_role_free(&program->role);
	qv_loader_free(program->loader);
	qv_options_free(program->top);
	qv_config_free(program->config);
	if (program->log && program->host.cancel_fd >= 0)
		close(program->host.cancel_fd);
	qv_log_free(program->log);
	arguments_clear(&program->arguments);
}

static int show_status(struct program *program, struct qv_error *err)
{
	struct qv_keysource_status status;
	if (program->class->status(program->source, program->arguments.peer, &status, err) != 0)
		return -1;
	output_status(&status, program->arguments.format);
	if (fflush(stdout) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "writing to standard output");
	return 0;
}

/* The index-th key: taken, or claimed by the index-th key_ID. */
static int obtain(struct program *program, unsigned index, struct qv_key *key, struct qv_error *err)
{
	const struct arguments *arguments = &program->arguments;
	if (arguments->command == COMMAND_GET)
		return program->class->take(program->source, arguments->peer, arguments->bits, key, err);
	return program->class->claim(program->source, arguments->peer, arguments->key_ids[index], key, err);
}

static unsigned keys_wanted(const struct arguments *arguments)
{
	unsigned count = 0;
	if (arguments->command == COMMAND_GET)
		return arguments->number;
	while (arguments->key_ids[count])
		count++;
	return count;
}

static int fetch_keys(struct program *program, struct qv_error *err)
{
	struct output output;
	struct qv_error closing = QV_ERROR_INIT;
	unsigned wanted = keys_wanted(&program->arguments);
	int result = 0;
	if (output_open(&output, &program->arguments, err) != 0)
		return -1;
	for (unsigned i = 0; i < wanted && result == 0; i++) {
		struct qv_key key = { .secret = NULL };
		result = obtain(program, i, &key, err);
		if (result == 0 && output_key(&output, &key, err) != 0)
			result = qv_error_prefix(err, "key %s was obtained and is lost", key.id);
		qv_key_clear(&key);
	}
	if (result != 0 && wanted > 1)
		qv_error_prefix(err, "%u of %u keys written", output.count, wanted);
	if (output_close(&output, &closing) != 0 && result == 0) {
		*err = closing;
		result = -1;
	}
	return result;
}

static int perform(struct program *program, int argc, char **argv, struct qv_error *err)
{
	int result = arguments_parse(argc, argv, &program->arguments, err);
	if (result != 0)
		return result < 0 ? -1 : 0;
	if (qv_secret_harden_process(err) != 0 || open_source(program, err) != 0)
		return -1;
	return program->arguments.command == COMMAND_STATUS ? show_status(program, err) : fetch_keys(program, err);
}

int main(int argc, char **argv)
{
	struct program program = { .host.cancel_fd = -1 };
	struct qv_error err = QV_ERROR_INIT;
	int status = EXIT_SUCCESS;
	if (perform(&program, argc, argv, &err) != 0) {
		fprintf(stderr, "qkd-key: %s\n", err.message);
		status = exit_status_of(err.code);
	}
	close_program(&program);
	return status;
}
