/* SPDX-License-Identifier: Apache-2.0 */
/* What a person may have meant by an unknown name. */
#include <stdio.h>
#include <string.h>

#include "options.h"

#define WORD_MAX 64

/* Levenshtein distance of two short words; words too long to compare are far apart. */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t row[WORD_MAX + 1];
	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

struct nearest {
	const char *name;
	size_t distance;
};

static void consider(struct nearest *nearest, const char *name, const char *wanted)
{
	size_t d = distance(name, wanted);
	if (d < nearest->distance)
		*nearest = (struct nearest){ name, d };
}

int qv_options_unknown(const struct qv_options *options, const char *where, const char *name, const char *const *groups,
		       struct qv_error *err)
{
	struct nearest nearest = { NULL, strlen(name) / 3 + 2 };
	for (size_t i = 0; i < options->count; i++)
		consider(&nearest, options->values[i].option.name, name);
	for (size_t i = 0; groups && groups[i]; i++)
		consider(&nearest, groups[i], name);
	const char *prefix = options->prefix ? options->prefix : "";
	if (nearest.name)
		return qv_fail(err, QV_E_CONFIG, "%s: %s%s: unknown setting; did you mean \"%s\"?", where, prefix, name,
			       nearest.name);
	return qv_fail(err, QV_E_CONFIG, "%s: %s%s: unknown setting", where, prefix, name);
}
