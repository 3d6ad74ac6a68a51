/* SPDX-License-Identifier: Apache-2.0 */
#include "select.h"

#include <string.h>

#include "checks.h"

static bool names(const char *word, size_t length, const struct check *check)
{
	return strncmp(check->number, word, length) == 0 &&
	       (check->number[length] == '\0' || check->number[length] == '-');
}

bool select_has(const char *list, const struct check *check)
{
	while (*list) {
		size_t length = strcspn(list, ",");
		if (length > 0 && names(list, length, check))
			return true;
		list += length + (list[length] == ',');
	}
	return false;
}

static bool names_any(const char *word, size_t length)
{
	for (size_t i = 0; check_tables[i]; i++)
		for (const struct check *check = check_tables[i]; check->number; check++)
			if (length > 0 && names(word, length, check))
				return true;
	return false;
}

int select_check_list(const char *option, const char *list, struct qv_error *err)
{
	for (const char *word = list;; word += strcspn(word, ",") + 1) {
		size_t length = strcspn(word, ",");
		if (!names_any(word, length))
			return qv_fail(err, QV_E_INVALID, "--%s: there is no check or clause \"%.*s\"; see --list",
				       option, (int)length, word);
		if (word[length] == '\0')
			return 0;
	}
}
