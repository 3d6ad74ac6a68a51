/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <stdlib.h>
#include <string.h>

static const char all_names[] = "recursive,disjoint,redistribute";

/* The assignments for one module, without its name before them. Ended by NULL; freed by the caller. */
static const char **choose(const char *const *assignments, const char *name)
{
	size_t count = 0, length = strlen(name);
	while (assignments[count])
		count++;
	const char **chosen = calloc(count + 1, sizeof *chosen);
	for (size_t i = 0, at = 0; chosen && i < count; i++) {
		const char *text = assignments[i];
		size_t before = strcspn(text, ".=");
		if (text[before] != '.')
			chosen[at++] = text;
		else if (before == length && memcmp(text, name, length) == 0)
			chosen[at++] = text + length + 1;
	}
	return chosen;
}

static int open_one(struct named_relays *relays, const char *name, const char *const *assignments, struct qv_error *err)
{
	if (relays->count == NAMES_MAX)
		return qv_fail(err, QV_E_INVALID, "more than %d relay modules at a time", NAMES_MAX);
	const char **chosen = choose(assignments, name);
	if (!chosen)
		return qv_fail(err, QV_E_NOMEM, "no memory for options");
	int result = relay_module_open(&relays->module[relays->count], name, chosen, err);
	free(chosen);
	if (result != 0)
		return -1;
	relays->count++;
	return 0;
}

int names_open(struct named_relays *relays, const char *names, const char *const *assignments, struct qv_error *err)
{
	*relays = (struct named_relays){ .count = 0 };
	char *list = strdup(strcmp(names, "all") == 0 ? all_names : names), *rest = list, *name;
	if (!list)
		return qv_fail(err, QV_E_NOMEM, "no memory for the names of modules");
	int result = 0;
	while (result == 0 && (name = strsep(&rest, ",")))
		result = open_one(relays, name, assignments, err);
	free(list);
	return result;
}

void names_close(struct named_relays *relays)
{
	for (size_t i = 0; i < relays->count; i++)
		relay_module_close(&relays->module[i]);
	relays->count = 0;
}
