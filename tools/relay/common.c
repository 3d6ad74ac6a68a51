/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static int open_class(struct relay_module *module, const char *name, const char *const *assignments,
		      struct qv_error *err)
{
	const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };
	const struct qv_class *class = qv_loader_get(module->loader, "relay", name, err);
	if (!class)
		return -1;
	module->class = qv_relay_class(class);
	if (!module->class)
		return qv_fail(err, QV_E_INTERNAL, "%s is no relay module", name);
	module->options = qv_options_from_strings(assignments, class->options, class->option_size, "--option", err);
	if (!module->options)
		return -1;
	module->relay = module->class->open(&host, module->options, err);
	return module->relay ? 0 : -1;
}

int relay_module_open(struct relay_module *module, const char *name, const char *const *assignments,
		      struct qv_error *err)
{
	*module = (struct relay_module){ .loader = qv_loader_new(NULL, NULL, err) };
	if (module->loader && open_class(module, name, assignments, err) == 0)
		return 0;
	relay_module_close(module);
	return -1;
}

void relay_module_close(struct relay_module *module)
{
	if (module->class)
		module->class->close(module->relay);
	qv_options_free(module->options);
	qv_loader_free(module->loader);
	*module = (struct relay_module){ .loader = NULL };
}

/* "A-B", at whichever '-' both sides are KMEs. */
static uint32_t find_link(const struct qv_topology *topology, const char *text)
{
	for (const char *dash = strchr(text, '-'); dash; dash = strchr(dash + 1, '-')) {
		char *first = strndup(text, (size_t)(dash - text));
		uint32_t a = first ? qv_topology_find(topology, first) : QV_TOPOLOGY_NONE;
		uint32_t b = qv_topology_find(topology, dash + 1);
		free(first);
		if (a != QV_TOPOLOGY_NONE && b != QV_TOPOLOGY_NONE)
			return qv_topology_find_link(topology, a, b);
	}
	return QV_TOPOLOGY_NONE;
}

int find_part(const struct qv_topology *topology, const char *text, uint32_t *kme, uint32_t *link, struct qv_error *err)
{
	*link = QV_TOPOLOGY_NONE;
	*kme = qv_topology_find(topology, text);
	if (*kme != QV_TOPOLOGY_NONE)
		return 0;
	*link = find_link(topology, text);
	if (*link != QV_TOPOLOGY_NONE)
		return 0;
	if (strchr(text, '-'))
		return qv_fail(err, QV_E_NOT_FOUND, "\"%.64s\" is neither a KME nor a link of this network", text);
	qv_topology_need(topology, text, err);
	return -1;
}

int report_failure(const struct qv_error *err)
{
	fprintf(stderr, "qkd-relay: %s\n", err->message);
	switch (err->code) {
	case QV_E_INVALID:
	case QV_E_CONFIG:
	case QV_E_MODULE:
	case QV_E_NOT_FOUND:
	case QV_E_UNSUPPORTED:
		return STATUS_USAGE;
	default:
		return STATUS_FAILED;
	}
}
