/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	fprintf(stderr, "%s: %s%s%s%s; see %s --help\n", program_name(role), what, value ? " \"" : "",
		value ? value : "", value ? "\"" : "", program_name(role));
	return EXIT_USAGE;
}

static bool parse_stats(const char *text, enum stats_mode *mode)
{
	static const char *const words[] = { "line", "json", "off" };
	for (int i = 0; i < 3; i++)
		if (strcmp(text, words[i]) == 0) {
			*mode = (enum stats_mode)i;
			return true;
		}
	return false;
}

static bool parse_seconds(const char *text, unsigned *seconds)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || value > 1000000)
		return false;
	*seconds = (unsigned)value;
	return true;
}

int command_line_parse(int argc, char **argv, enum visio_role role, struct command_line *line)
{
	enum { STATS = 256, SECONDS, LOG_LEVEL, CHECK, SHOW_HELP, SHOW_VERSION };
	static const struct option options[] = {
		{ "stats", required_argument, NULL, STATS },
		{ "seconds", required_argument, NULL, SECONDS },
		{ "log-level", required_argument, NULL, LOG_LEVEL },
		{ "help", no_argument, NULL, SHOW_HELP },
		{ "version", no_argument, NULL, SHOW_VERSION },
		{ "check", no_argument, NULL, CHECK },
		{ NULL, 0, NULL, 0 },
	};
	*line = (struct command_line){ .stats = STATS_LINE };
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case STATS:
			if (!parse_stats(optarg, &line->stats))
				return usage(role, "--stats takes line, json or off, not", optarg);
			break;
		case SECONDS:
			if (!parse_seconds(optarg, &line->seconds))
				return usage(role, "--seconds takes a whole number up to 1000000, not", optarg);
			break;
		case LOG_LEVEL:
			if (qv_log_level_parse(optarg, &line->log_level, NULL) != 0)
				return usage(role, "--log-level takes error, warning, info or debug, not", optarg);
			line->log_level_set = true;
			break;
		case CHECK:
			line->check = true;
			break;
		case SHOW_HELP:
			print_help(role);
			return 0;
		case SHOW_VERSION:
			printf("%s\n", app_program(role));
			return 0;
		default:
			return EXIT_USAGE; /* getopt has said why */
		}
	}
	if (optind != argc - 1)
		return usage(role, "give one configuration file", NULL);
	line->config_path = argv[optind];
	return -1;
}
