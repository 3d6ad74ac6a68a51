/* SPDX-License-Identifier: Apache-2.0 */
#include "audio_parts.h"

#include <stdio.h>
#include <string.h>

int part_load(struct part *part, struct qv_loader *loader, const char *kind, const char *text, struct qv_error *err)
{
	memset(part, 0, sizeof *part);
	snprintf(part->text, sizeof part->text, "%s", text);
	char *rest = part->text, *word = strsep(&rest, ",");
	part->class = qv_loader_get(loader, kind, word, err);
	if (!part->class)
		return -1;
	for (size_t i = 0; rest && i < PART_WORDS_MAX; i++)
		part->words[i] = strsep(&rest, ",");
	part->options = qv_options_from_strings(part->words, part->class->options, part->class->option_size, kind, err);
	return part->options ? 0 : -1;
}

void part_free(struct part *part)
{
	qv_options_free(part->options);
	part->options = NULL;
}
