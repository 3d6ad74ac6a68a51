/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of qkd-relay, one file each, and what they share. */
#ifndef RELAY_COMMAND_H
#define RELAY_COMMAND_H

#include <qvisio/loader.h>
#include <qvisio/relay.h>

/* Exit statuses, as qkd-relay(1) lists them. */
enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_NOT_DELIVERED = 3 };

struct command {
	const char *name;
	const char *summary; /* one line */
	int (*run)(int argc,
		   char **argv); /* argv[0] is the command's name; returns an exit status, reports on stderr */
};

extern const struct command command_run;
extern const struct command command_analyse;
extern const struct command command_plot; /* when built with Graphviz */

/* An opened relay module. */
struct relay_module {
	struct qv_loader *loader;
	struct qv_options *options;
	const struct qv_relay_class *class;
	struct qv_relay *relay;
};

/* `assignments`: "name=value" options of the module, NULL-ended. */
int relay_module_open(struct relay_module *module, const char *name, const char *const *assignments,
		      struct qv_error *err);
void relay_module_close(struct relay_module *module);

/*
 * The KME of that ID, or the link that "A-B" names; the other is QV_TOPOLOGY_NONE. QV_E_NOT_FOUND says what is known.
 */
int find_part(const struct qv_topology *topology, const char *text, uint32_t *kme, uint32_t *link,
	      struct qv_error *err);

/* Prints the error as this program's; returns the exit status that fits it. */
int report_failure(const struct qv_error *err);

#endif
