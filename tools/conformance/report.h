/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFORMANCE_REPORT_H
#define CONFORMANCE_REPORT_H

#include "probe.h"

enum format { FORMAT_TEXT, FORMAT_TAP, FORMAT_JSON, FORMAT_MDOC };

enum result { RESULT_PASS, RESULT_FAIL, RESULT_ADVICE, RESULT_SKIP, RESULTS };

struct report {
	enum format format;
	bool strict;
	unsigned number; /* of results so far */
	unsigned counts[RESULTS];
	json_t *json;
};

int format_parse(const char *text, enum format *format, struct qv_error *err);

/* The word for a level: "shall". */
const char *level_word(enum level level);

/* `planned` checks will follow, which take up to `keys` keys. */
void report_start(struct report *report, const char *url, unsigned planned, unsigned keys);
void report_check(struct report *report, const struct check *check, enum verdict verdict,
		  const struct finding *finding);
void report_end(struct report *report, const char *url, unsigned keys);

/* --list */
void report_list(enum format format);

#endif
