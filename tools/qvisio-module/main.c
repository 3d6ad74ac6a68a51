/* SPDX-License-Identifier: Apache-2.0 */
/* qvisio-module: which modules there are, what they take, and whether they keep their contract. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static const char usage_text[] =
	"usage: qvisio-module list [--json]\n"
	"       qvisio-module show [--json | --mdoc] KIND/NAME | NAME | FILE.so\n"
	"\n"
	"list   shows the modules on the module path, with those that cannot be loaded, and why.\n"
	"show   shows the options of a module: types, defaults, ranges, units, choices.\n"
	"\n"
	"Modules are looked for in QVISIO_MODULE_PATH (folders separated by colons) and the built-in folder.\n"
	"Exit status: 0 done; 1 a check failed; 2 wrong usage; 3 no such module, or it cannot be loaded.\n";

struct arguments {
	enum show_form form;
	bool help, version;
	int count; /* of words */
	char **words;
};

static int parse(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "mdoc", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	*arguments = (struct arguments){ .form = SHOW_TEXT };
	int option;
	while ((option = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			arguments->form = SHOW_JSON;
			break;
		case 'm':
			arguments->form = SHOW_MDOC;
			break;
		case 'h':
			arguments->help = true;
			break;
		case 'V':
			arguments->version = true;
			break;
		default:
			return -1;
		}
	}
	arguments->count = argc - optind;
	arguments->words = argv + optind;
	return 0;
}

static int usage(const char *why)
{
	if (why)
		fprintf(stderr, "qvisio-module: %s\n", why);
	fputs(usage_text, stderr);
	return STATUS_USAGE;
}

static int dispatch(struct qv_loader *loader, const struct arguments *arguments)
{
	const char *command = arguments->words[0];
	if (strcmp(command, "list") == 0 && arguments->count == 1 && arguments->form != SHOW_MDOC)
		return command_list(loader, arguments->form);
	if (strcmp(command, "show") == 0 && arguments->count == 2)
		return command_show(loader, arguments->words[1], arguments->form);
	return usage("these arguments make no command");
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	if (parse(argc, argv, &arguments) != 0)
		return usage(NULL);
	if (arguments.help) {
		fputs(usage_text, stdout);
		return STATUS_OK;
	}
	if (arguments.version) {
		puts("qvisio-module " QV_VERSION);
		return STATUS_OK;
	}
	if (arguments.count == 0)
		return usage("a command is missing");
	struct qv_error err = QV_ERROR_INIT;
	struct qv_log *log =
		qv_log_new("qvisio-module", QV_LOG_WARNING, qv_log_format_for(STDERR_FILENO), STDERR_FILENO);
	struct qv_loader *loader = qv_loader_new(NULL, log, &err);
	int status = STATUS_MODULE;
	if (loader)
		status = dispatch(loader, &arguments);
	else
		fprintf(stderr, "qvisio-module: %s\n", err.message);
	qv_loader_free(loader);
	qv_log_free(log);
	return status;
}
