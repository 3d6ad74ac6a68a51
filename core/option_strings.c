/* SPDX-License-Identifier: Apache-2.0 */
/* Options from "name=value" words of a command line. */
#include <qvisio/config.h>

#include <stdlib.h>
#include <string.h>

#include "options.h"

static int assign(struct qv_options *options, const char *assignment, struct qv_error *err)
{
	const char *equals = strchr(assignment, '=');
	char *name = equals ? strndup(assignment, (size_t)(equals - assignment)) : NULL;
	if (!equals)
		return qv_fail(err, QV_E_CONFIG, "%s: \"%s\" is not of the form name=value", options->where,
			       assignment);
	if (!name)
		return qv_fail(err, QV_E_NOMEM, "no memory for options");
	struct qv_value *value = qv_options_find(options, name);
	int result;
	if (!value)
		result = qv_options_unknown(options, options->where, name, NULL, err);
	else if (value->option.type == QV_OPTION_SECRET)
		result = qv_options_fail(options, name, err,
					 "a secret does not belong on a command line, where others can read it; "
					 "use a configuration file");
	else if (value->has)
		result = qv_options_fail(options, name, err, "given twice");
	else
		result = qv_value_set_text(options, value, equals + 1, err);
	if (value)
		value->set = true;
	free(name);
	return result;
}

int qv_options_assign(struct qv_options *options, const char *name, const char *text, struct qv_error *err)
{
	struct qv_value *value = qv_options_find(options, name);
	if (!value)
		return qv_options_unknown(options, qv_options_where(options, name), name, NULL, err);
	qv_value_clear(value);
	value->set = true;
	return qv_value_set_text(options, value, text, err);
}

struct qv_options *qv_options_from_strings(const char *const *assignments, const struct qv_option *table,
					   size_t option_size, const char *origin, struct qv_error *err)
{
	struct qv_options *options = qv_options_new(table, option_size, origin, "", NULL, err);
	if (!options)
		return NULL;
	for (size_t i = 0; assignments && assignments[i]; i++)
		if (assign(options, assignments[i], err) != 0)
			goto fail;
	if (qv_options_finish(options, err) == 0)
		return options;
fail:
	qv_options_free(options);
	return NULL;
}
