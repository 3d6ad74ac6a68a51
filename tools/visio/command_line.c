/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>

#include "app.h"
#include "config.h"

static const char *program_name(enum visio_role role)
{
	return role == VISIO_CLIENT ? "visio_client" : "visio_server";
}

const char *app_program(enum visio_role role)
{
	return role == VISIO_CLIENT ? "visio_client " PACKAGE_VERSION : "visio_server " PACKAGE_VERSION;
}

static void print_help(enum visio_role role)
{
	printf("usage: %s [OPTION…] CONFIG\n\n%s\n\n"
	       "CONFIG is a libconfig file, or the JSON file of the original tools.\n\n"
	       "  --stats=line|json|off   once a second on standard output: one line (default), JSON lines, or "
	       "nothing\n"
	       "  --seconds=N             stop after N seconds\n"
	       "  --log-level=LEVEL       error, warning, info or debug, on standard error\n"
	       "  --check                 judge the configuration and the options of its modules, and end\n"
	       "  --help, --version\n",
	       program_name(role),
	       role == VISIO_CLIENT ? "Captures picture and sound and sends them to a visio_server, keyed by QKD."
				    : "Shows and plays what one visio_client after another sends, keyed by QKD.");
}

static int usage(enum visio_role role, const char *what, const char *value)
{
	fprintf(stderr, "%s: %s%s%s%s; see %s --help\n", program_name(role), what, value ? ", not \"" : "",
		value ? value : "", value ? "\"" : "", program_name(role));
	return EXIT_USAGE;
}

int command_line_parse(int argc, char **argv, enum visio_role role, struct command_line *line)
{
	enum { SHOW_HELP = OPTION_OWN, SHOW_VERSION };
	static const struct option options[] = {
		COMMON_OPTIONS,
		{ "help", no_argument, NULL, SHOW_HELP },
		{ "version", no_argument, NULL, SHOW_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	const char *wrong;
	int option;
	*line = (struct command_line){ .common = { .stats = STATS_LINE } };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		int taken = common_options_take(&line->common, option, optarg, &wrong);
		if (taken < 0)
			return usage(role, wrong, optarg);
		if (option == SHOW_HELP)
			print_help(role);
		else if (option == SHOW_VERSION)
			printf("%s\n", app_program(role));
		else if (!taken)
			return EXIT_USAGE; /* getopt has said why */
		if (!taken)
			return 0;
	}
	if (optind != argc - 1)
		return usage(role, "give one configuration file", NULL);
	line->config_path = argv[optind];
	return -1;
}
