/* SPDX-License-Identifier: Apache-2.0 */
#include "arguments.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../number.h"
#include "config.h"

#define NUMBER_MAX 10000

static const char usage[] =
	"Usage: qkd-key [OPTION]... status PEER\n"
	"       qkd-key [OPTION]... get PEER\n"
	"       qkd-key [OPTION]... claim MASTER KEY_ID...\n"
	"Take QKD keys from a key source, claim the keys that a peer took, or show a key source's status.\n"
	"PEER and MASTER are SAE IDs.\n"
	"\n"
	"Where keys come from:\n"
	"  -c, --config FILE        read the key source from the group key_source of FILE\n"
	"  -m, --module NAME        use the key source module NAME instead\n"
	"  -o, --option NAME=VALUE  an option of that module; may be repeated\n"
	"How many:\n"
	"  -n, --number N           get N keys (default 1)\n"
	"  -b, --bits B             of B bits each (default: what the key source gives)\n"
	"Where they go:\n"
	"  -O, --output FILE        write them to FILE, which must not exist (mode 600), and print the key_IDs\n"
	"  -j, --json               as JSON\n"
	"  -r, --raw                the bytes alone, one key after the other\n"
	"  -s, --show               allow keys on a terminal\n"
	"\n"
	"  -v, --verbose            tell more on standard error\n"
	"  -h, --help               show this and end\n"
	"  -V, --version            show the version and end\n"
	"\n"
	"Exit status: 0 done, 1 other failure, 2 wrong usage or configuration, 3 no key now, 4 no such key,\n"
	"5 refused, 6 no answer in time, 7 interrupted.\n";

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "module", required_argument, NULL, 'm' },
	{ "option", required_argument, NULL, 'o' },
	{ "number", required_argument, NULL, 'n' },
	{ "bits", required_argument, NULL, 'b' },
	{ "output", required_argument, NULL, 'O' },
	{ "json", no_argument, NULL, 'j' },
	{ "raw", no_argument, NULL, 'r' },
	{ "show", no_argument, NULL, 's' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int take_number(const char *option, const char *text, unsigned max, unsigned *number, struct qv_error *err)
{
	uint64_t value;
	if (number_of_option(option, text, 1, max, &value, err) != 0)
		return -1;
	*number = (unsigned)value;
	return 0;
}

static int set_format(struct arguments *arguments, enum format format, struct qv_error *err)
{
	if (arguments->format != FORMAT_TEXT && arguments->format != format)
		return qv_fail(err, QV_E_INVALID, "--json and --raw exclude each other");
	arguments->format = format;
	return 0;
}

static void add_assignment(struct arguments *arguments, const char *text)
{
	size_t count = 0;
	while (arguments->assignments[count])
		count++;
	arguments->assignments[count] = text;
}

static int take_option(struct arguments *arguments, int option, const char *value, struct qv_error *err)
{
	switch (option) {
	case 'c':
		arguments->config = value;
		return 0;
	case 'm':
		arguments->module = value;
		return 0;
	case 'o':
		add_assignment(arguments, value);
		return 0;
	case 'n':
		return take_number("number", value, NUMBER_MAX, &arguments->number, err);
	case 'b':
		if (take_number("bits", value, INT_MAX, &arguments->bits, err) != 0)
			return -1;
		if (arguments->bits % 8 != 0)
			return qv_fail(err, QV_E_INVALID, "--bits %s: the size shall be a multiple of 8", value);
		return 0;
	case 'O':
		arguments->output = value;
		return 0;
	case 'j':
		return set_format(arguments, FORMAT_JSON, err);
	case 'r':
		return set_format(arguments, FORMAT_RAW, err);
	case 's':
		arguments->show = true;
		return 0;
	case 'v':
		arguments->level = QV_LOG_DEBUG;
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 1;
	case 'V':
		puts("qkd-key (Qvisio) " PACKAGE_VERSION);
		return 1;
	default:
		return qv_fail(err, QV_E_INVALID, "see qkd-key --help");
	}
}

static int take_words(struct arguments *arguments, int count, char **words, struct qv_error *err)
{
	static const char *const names[] = { "status", "get", "claim" };
	int command = 0;
	if (count == 0)
		return qv_fail(err, QV_E_INVALID, "say what to do: status, get or claim; see qkd-key --help");
	while (command < 3 && strcmp(words[0], names[command]) != 0)
		command++;
	if (command == 3)
		return qv_fail(err, QV_E_INVALID, "\"%s\" is not status, get or claim", words[0]);
	arguments->command = (enum command)command;
	if (count < 2)
		return qv_fail(err, QV_E_INVALID, "%s what? The SAE ID of the %s is missing", words[0],
			       command == COMMAND_CLAIM ? "master, who took the key," : "peer");
	if (command == COMMAND_CLAIM ? count < 3 : count > 2)
		return qv_fail(err, QV_E_INVALID, "%s %s: %s", words[0], words[1],
			       command == COMMAND_CLAIM ? "the key_ID is missing" : "one SAE ID is enough");
	arguments->peer = words[1];
	arguments->key_ids = (const char *const *)(words + 2);
	return 0;
}

static int check(const struct arguments *arguments, struct qv_error *err)
{
	if (arguments->command != COMMAND_GET && (arguments->number || arguments->bits))
		return qv_fail(err, QV_E_INVALID, "--number and --bits are for get");
	if (arguments->command == COMMAND_STATUS &&
	    (arguments->output || arguments->format == FORMAT_RAW || arguments->show))
		return qv_fail(err, QV_E_INVALID, "--output, --raw and --show are for keys, and status has none");
	if (!arguments->config == !arguments->module)
		return qv_fail(err, QV_E_INVALID, "say where keys come from: --config FILE or --module NAME%s",
			       arguments->config ? ", not both" : "");
	if (arguments->config && arguments->assignments[0])
		return qv_fail(err, QV_E_INVALID, "--option goes with --module; with --config, edit %s",
			       arguments->config);
	return 0;
}

int arguments_parse(int argc, char **argv, struct arguments *arguments, struct qv_error *err)
{
	*arguments = (struct arguments){ .level = QV_LOG_WARNING };
	arguments->assignments = calloc((size_t)argc + 1, sizeof *arguments->assignments);
	if (!arguments->assignments)
		return qv_fail(err, QV_E_NOMEM, "no memory for the command line");
	int option;
	while ((option = getopt_long(argc, argv, "c:m:o:n:b:O:jrsvhV", long_options, NULL)) != -1) {
		int result = take_option(arguments, option, optarg, err);
		if (result != 0)
			return result;
	}
	if (take_words(arguments, argc - optind, argv + optind, err) != 0 || check(arguments, err) != 0)
		return -1;
	if (!arguments->number)
		arguments->number = 1;
	return 0;
}

void arguments_clear(struct arguments *arguments)
{
	free(arguments->assignments);
}
