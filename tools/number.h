/* SPDX-License-Identifier: Apache-2.0 */
/* Whole numbers on command lines: decimal digits and nothing else, within bounds. */
#ifndef TOOLS_NUMBER_H
#define TOOLS_NUMBER_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <qvisio/error.h>

/* False: it is none of these, and what `number` is then means nothing. */
static inline bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	*number = value;
	/* strtoull takes blanks and signs, too. */
	return text[0] >= '0' && text[0] <= '9' && !*end && !errno && value >= min && value <= max;
}

/* The same of `--option text`; QV_E_INVALID says what would be right. */
static inline int number_of_option(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *number,
				   struct qv_error *err)
{
	if (number_parse(text, min, max, number))
		return 0;
	return qv_fail(err, QV_E_INVALID, "--%s %.32s: expected a whole number from %llu to %llu", option, text,
		       (unsigned long long)min, (unsigned long long)max);
}

#endif
