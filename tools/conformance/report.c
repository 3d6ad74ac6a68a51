/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

static const char *const words[RESULTS] = { "pass", "fail", "advice", "skip" };

int format_parse(const char *text, enum format *format, struct qv_error *err)
{
	static const char *const names[] = { "text", "tap", "json", "mdoc" };
	for (size_t i = 0; i < 4; i++)
		if (strcmp(text, names[i]) == 0) {
			*format = (enum format)i;
			return 0;
		}
	return qv_fail(err, QV_E_INVALID, "--format %s: expected text, tap or json", text);
}

const char *level_word(enum level level)
{
	static const char *const levels[] = { "shall", "should", "advice" };
	return levels[level];
}

static enum result result_of(const struct report *report, const struct check *check, enum verdict verdict)
{
	if (verdict == PASSED)
		return RESULT_PASS;
	if (verdict == SKIPPED)
		return RESULT_SKIP;
	return check->level == SHALL || report->strict ? RESULT_FAIL : RESULT_ADVICE;
}

/* As a double-quoted scalar of YAML. The text has no control characters. */
static void print_quoted(const char *name, const char *text)
{
	printf("  %s: \"", name);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	puts("\"");
}

static void print_tap(const struct report *report, const struct check *check, enum result result,
		      const struct finding *finding)
{
	bool ok = result == RESULT_PASS || result == RESULT_SKIP;
	printf("%sok %u - %s %s", ok ? "" : "not ", report->number, check->number, check->title);
	if (result == RESULT_SKIP)
		printf(" # SKIP %s", finding->seen);
	else if (result == RESULT_ADVICE)
		printf(" # TODO %s", check->level == SHOULD ? "recommended" : "advice beyond the text");
	putchar('\n');
	if (result == RESULT_SKIP)
		return;
	puts("  ---");
	print_quoted("level", level_word(check->level));
	print_quoted("expected", check->expected);
	print_quoted("seen", finding->seen);
	puts("  ...");
}

static void print_text(const struct check *check, enum result result, const struct finding *finding)
{
	static const char *const labels[RESULTS] = { "pass  ", "FAIL  ", "advice", "skip  " };
	printf("%s  %-6s  %s\n", labels[result], check->number, check->title);
	if (result == RESULT_SKIP)
		printf("        %s\n", finding->seen);
	else if (result != RESULT_PASS)
		printf("        expected: %s\n        seen: %s\n", check->expected, finding->seen);
}

static void add_json(struct report *report, const struct check *check, enum result result,
		     const struct finding *finding)
{
	size_t clause = strcspn(check->number, "-");
	json_array_append_new(report->json,
			      json_pack("{s:s,s:s%,s:s,s:s,s:s,s:s,s:s}", "number", check->number, "clause",
					check->number, clause, "level", level_word(check->level), "title", check->title,
					"expected", check->expected, "seen", finding->seen, "result", words[result]));
}

void report_start(struct report *report, const char *url, unsigned planned, unsigned keys)
{
	if (report->format == FORMAT_TAP)
		printf("TAP version 14\n1..%u\n# %s against ETSI GS QKD 014 V1.1.1, taking up to %u keys\n", planned,
		       url, keys);
	else if (report->format == FORMAT_TEXT)
		printf("%s against ETSI GS QKD 014 V1.1.1: %u checks, which take up to %u keys\n", url, planned, keys);
	else
		report->json = json_array();
	if (report->format == FORMAT_JSON)
		fprintf(stderr, "qkd-conformance: up to %u keys will be taken\n", keys);
	fflush(stdout);
}

void report_check(struct report *report, const struct check *check, enum verdict verdict, const struct finding *finding)
{
	enum result result = result_of(report, check, verdict);
	report->counts[result]++;
	report->number++;
	if (report->format == FORMAT_TAP)
		print_tap(report, check, result, finding);
	else if (report->format == FORMAT_TEXT)
		print_text(check, result, finding);
	else
		add_json(report, check, result, finding);
	fflush(stdout);
}

void report_end(struct report *report, const char *url, unsigned keys)
{
	const unsigned *counts = report->counts;
	if (report->format == FORMAT_JSON) {
		json_t *all = json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:o}", "program",
					"qkd-conformance " PACKAGE_VERSION, "standard", "ETSI GS QKD 014 V1.1.1", "kme",
					url, "passed", counts[RESULT_PASS], "failed", counts[RESULT_FAIL], "advice",
					counts[RESULT_ADVICE], "skipped", counts[RESULT_SKIP], "keys_taken", keys,
					"checks", report->json);
		json_dumpf(all, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII);
		putchar('\n');
		json_decref(all);
		return;
	}
	printf("%s%u passed, %u failed, %u not followed as advised, %u skipped; %u keys taken\n",
	       report->format == FORMAT_TAP ? "# " : "", counts[RESULT_PASS], counts[RESULT_FAIL],
	       counts[RESULT_ADVICE], counts[RESULT_SKIP], keys);
}
