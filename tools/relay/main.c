/* SPDX-License-Identifier: Apache-2.0 */
/* qkd-relay: what becomes of keys that are relayed through a network of KMEs. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "command.h"

static const struct command *const commands[] = {
	&command_run,
	&command_analyse,
#ifdef WITH_GRAPHVIZ
	&command_plot,
#endif
	NULL,
};

static void usage(FILE *out)
{
	fputs("Usage: qkd-relay COMMAND [OPTION]... TOPOLOGY\n"
	      "Relay keys between KMEs that have no QKD link in common: try it on a network.\n\n",
	      out);
	for (const struct command *const *command = commands; *command; command++)
		fprintf(out, "  %-8s %s\n", (*command)->name, (*command)->summary);
	fputs("\n`qkd-relay COMMAND --help` shows the options of a command.\n", out);
}

int main(int argc, char **argv)
{
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		usage(stdout);
		return STATUS_OK;
	}
	if (argc >= 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
		printf("qkd-relay (qvisio) %s\n", PACKAGE_VERSION);
		return STATUS_OK;
	}
	for (const struct command *const *command = commands; argc >= 2 && *command; command++)
		if (strcmp(argv[1], (*command)->name) == 0)
			return (*command)->run(argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "qkd-relay: there is no command \"%.64s\"\n", argv[1]);
	usage(stderr);
	return STATUS_USAGE;
}
