/* SPDX-License-Identifier: Apache-2.0 */
/* qvisio-module: which modules there are, what they take, and whether they keep their contract. */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "../number.h"
#include "tool.h"

#define CASE_SECONDS 120 /* a module that hangs longer is stuck, whatever the machine's load */

static const char usage_text[] =
	"usage: qvisio-module list [--json]\n"
	"       qvisio-module show [--json | --mdoc] KIND/NAME | NAME | FILE.so\n"
	"       qvisio-module check KIND/NAME | NAME | FILE.so [NAME=VALUE... | --config FILE]\n"
	"                     [--peer SAE_ID] [--peer-config FILE] [--timeout SECONDS]\n"
	"\n"
	"list   shows the modules on the module path, with those that cannot be loaded, and why.\n"
	"show   shows the options of a module: types, defaults, ranges, units, choices.\n"
	"check  runs the conformance suite of the module's kind, and prints TAP. What cannot be checked without an\n"
	"       option is skipped and says so. --config is a file whose settings are the module's options;\n"
	"       --peer and --peer-config describe the other side of a key source; --timeout (120) ends a case.\n"
	"\n"
	"Modules are looked for in QVISIO_MODULE_PATH (folders separated by colons) and the built-in folder.\n"
	"Exit status: 0 done; 1 a check failed; 2 wrong usage; 3 no such module, or it cannot be loaded.\n";

struct arguments {
	enum show_form form;
	bool help, version;
	const char *config, *peer_config, *peer;
	int timeout; /* seconds; 0: not given */
	int count;   /* of words */
	char **words;
};

static int parse(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "mdoc", no_argument, NULL, 'm' },
		{ "config", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ "peer-config", required_argument, NULL, 'P' },
		{ "peer", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	*arguments = (struct arguments){ .form = SHOW_TEXT };
	uint64_t seconds;
	int option;
	while ((option = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			arguments->form = SHOW_JSON;
			break;
		case 'm':
			arguments->form = SHOW_MDOC;
			break;
		case 'c':
			arguments->config = optarg;
			break;
		case 't':
			if (!number_parse(optarg, 1, 86400, &seconds))
				return -1;
			arguments->timeout = (int)seconds;
			break;
		case 'P':
			arguments->peer_config = optarg;
			break;
		case 'p':
			arguments->peer = optarg;
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

static int check(struct qv_loader *loader, const struct arguments *arguments, const struct qv_log *log)
{
	const struct check_arguments given = { .module = arguments->words[1],
					       .config = arguments->config,
					       .peer_config = arguments->peer_config,
					       .peer = arguments->peer,
					       .timeout_ms =
						       1000 * (arguments->timeout ? arguments->timeout : CASE_SECONDS),
					       .assignments = (const char *const *)arguments->words + 2 };
	if (arguments->config && given.assignments[0])
		return usage("--config and NAME=VALUE exclude each other");
	return command_check(loader, &given, log);
}

static int dispatch(struct qv_loader *loader, const struct arguments *arguments, const struct qv_log *log)
{
	const char *command = arguments->words[0];
	if (strcmp(command, "check") == 0 && arguments->count >= 2 && arguments->form == SHOW_TEXT)
		return check(loader, arguments, log);
	if (arguments->config || arguments->peer_config || arguments->peer || arguments->timeout)
		return usage("these options belong to check");
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
		status = dispatch(loader, &arguments, log);
	else
		fprintf(stderr, "qvisio-module: %s\n", err.message);
	qv_loader_free(loader);
	qv_log_free(log);
	return status;
}
