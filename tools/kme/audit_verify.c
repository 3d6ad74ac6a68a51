/* SPDX-License-Identifier: Apache-2.0 */
/* qkd-kme --verify-audit: reads a log as hostile input, line by line. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"

enum verdict { WHOLE = EXIT_SUCCESS, BAD = EXIT_FAILURE, UNREADABLE = 2 };

/* A line that somebody knows of: the head file, or a person. */
struct noted {
	const char *by;
	struct audit_head head; /* number 0: none */
	bool seen;
};

struct verification {
	const struct qv_secret *key; /* NULL: only the chain is checked */
	struct noted notes[2];
	struct audit_head head; /* of the last good line */
	uint64_t first, lines;
};

static enum verdict bad(const char *path, uint64_t line, const struct qv_error *why)
{
	printf("%s:%" PRIu64 ": bad line: %s\n", path, line, why->message);
	return BAD;
}

static int check_chain(const struct verification *run, const struct audit_line *line, struct qv_error *err)
{
	if (run->lines == 0) {
		static const uint8_t zero[AUDIT_HASH];
		if (line->sequence == 1 && memcmp(line->previous, zero, AUDIT_HASH) != 0)
			return qv_fail(err, QV_E_INVALID, "number 1 has a line before it");
		return 0;
	}
	uint64_t expected = run->head.sequence + 1;
	if (line->sequence > expected)
		return qv_fail(err, QV_E_INVALID,
			       "number %" PRIu64 " follows number %" PRIu64 ": %" PRIu64 " lines are missing",
			       line->sequence, run->head.sequence, line->sequence - expected);
	if (line->sequence < expected)
		return qv_fail(err, QV_E_INVALID,
			       "number %" PRIu64 " follows number %" PRIu64 ": it was moved, repeated or inserted",
			       line->sequence, run->head.sequence);
	if (memcmp(line->previous, run->head.hash, AUDIT_HASH) != 0)
		return qv_fail(err, QV_E_INVALID,
			       "\"previous\" is not the hash of the line before: one of the two was changed");
	return 0;
}

static int check_notes(struct verification *run, const struct audit_line *line, struct qv_error *err)
{
	for (size_t i = 0; i < 2; i++) {
		struct noted *noted = &run->notes[i];
		if (noted->head.sequence != line->sequence)
			continue;
		noted->seen = true;
		if (memcmp(noted->head.hash, line->hash, AUDIT_HASH) != 0)
			return qv_fail(err, QV_E_INVALID, "%s knows another line number %" PRIu64, noted->by,
				       line->sequence);
	}
	return 0;
}

static int check_line(struct verification *run, const char *text, size_t size, struct qv_error *err)
{
	struct audit_line line;
	if (audit_line_read(&line, text, size, err) != 0)
		return -1;
	if (run->key && !audit_line_authentic(&line, text, run->key))
		return qv_fail(err, QV_E_INVALID,
			       "\"mac\" is wrong: the line was changed, or made under another seal key");
	if (check_chain(run, &line, err) != 0 || check_notes(run, &line, err) != 0)
		return -1;
	if (run->lines++ == 0)
		run->first = line.sequence;
	run->head.sequence = line.sequence;
	memcpy(run->head.hash, line.hash, AUDIT_HASH);
	return 0;
}

/* A line with its newline. 1; 0 at the end; -1 too long or without a newline. */
static int next_line(FILE *file, char text[AUDIT_LINE_MAX + 2], size_t *size)
{
	int c;
	*size = 0;
	while ((c = getc_unlocked(file)) != EOF) {
		if (*size > AUDIT_LINE_MAX)
			return -1;
		text[(*size)++] = (char)c;
		if (c == '\n')
			return 1;
	}
	return *size ? -1 : 0;
}

static enum verdict verify_file(struct verification *run, const char *path, bool last)
{
	char text[AUDIT_LINE_MAX + 2];
	size_t size;
	int got;
	struct qv_error err = QV_ERROR_INIT;
	FILE *file = fopen(path, "re");
	if (!file) {
		printf("%s: cannot be read: %s\n", path, strerror(errno));
		return UNREADABLE;
	}
	uint64_t line = 1;
	enum verdict verdict = WHOLE;
	for (; verdict == WHOLE && (got = next_line(file, text, &size)) > 0; line++)
		if (check_line(run, text, size - 1, &err) != 0)
			verdict = bad(path, line, &err);
	if (verdict == WHOLE && ferror(file)) {
		printf("%s: cannot be read: %s\n", path, strerror(errno));
		verdict = UNREADABLE;
	} else if (verdict == WHOLE && got < 0) {
		qv_fail(&err, QV_E_INVALID, "%s",
			size > AUDIT_LINE_MAX ? "longer than a line of an audit log"
			: last ? "torn: it has no end; the KME was stopped while it wrote (its next start records "
				 "that), "
				 "or the file was cut"
			       : "torn: it has no end, though another file follows");
		verdict = bad(path, line, &err);
	}
	fclose(file);
	return verdict;
}

/* The head file knows the last line, as it was a moment ago. */
static enum verdict read_head(struct verification *run, const char *path)
{
	char name[4096], text[AUDIT_HEAD_TEXT + 1] = "";
	struct qv_error err = QV_ERROR_INIT;
	int length = snprintf(name, sizeof name, "%s.head", path);
	FILE *file = length > 0 && (size_t)length < sizeof name ? fopen(name, "re") : NULL;
	if (!file) {
		printf("%s: no head file: whether lines are missing at the end is not known\n", path);
		return WHOLE;
	}
	size_t size = fread(text, 1, AUDIT_HEAD_TEXT, file);
	fclose(file);
	run->notes[0].by = "the head file";
	if (audit_head_read(&run->notes[0].head, text, size, run->key, &err) == 0)
		return WHOLE;
	printf("%s: bad head file: %s\n", name, err.message);
	return BAD;
}

static bool read_noted(struct noted *noted, const char *text)
{
	char *end;
	if (!text)
		return true;
	errno = 0;
	noted->by = "who noted it";
	noted->head.sequence = strtoull(text, &end, 10);
	return errno == 0 && text[0] >= '1' && text[0] <= '9' && *end == ':' &&
	       strlen(end + 1) == AUDIT_HASH_TEXT - 1 && audit_hash_parse(noted->head.hash, end + 1);
}

static enum verdict finish(const struct verification *run, const char *last)
{
	char hash[AUDIT_HASH_TEXT];
	for (size_t i = 0; i < 2; i++) {
		const struct noted *noted = &run->notes[i];
		if (noted->head.sequence > run->head.sequence) {
			printf("%s: %s knows number %" PRIu64 ", but the last line is number %" PRIu64
			       ": lines were cut off\n",
			       last, noted->by, noted->head.sequence, run->head.sequence);
			return BAD;
		}
		if (noted->head.sequence && !noted->seen)
			printf("%s: number %" PRIu64 " of %s is in an earlier file\n", last, noted->head.sequence,
			       noted->by);
	}
	audit_hash_text(hash, run->head.hash);
	printf("%" PRIu64 " lines, number %" PRIu64 " to %" PRIu64 ": the chain is whole%s\n", run->lines, run->first,
	       run->head.sequence, run->key ? ", every line authentic" : "; without a seal key, MACs are not checked");
	printf("last %" PRIu64 ":%s\n", run->head.sequence, hash);
	return WHOLE;
}

int audit_verify(char *const *paths, size_t count, const struct seal *seal, const char *noted)
{
	struct verification run = { 0 };
	struct qv_error err = QV_ERROR_INIT;
	if (!read_noted(&run.notes[1], noted)) {
		printf("\"%.200s\" is not NUMBER:HASH, as --verify-audit prints it\n", noted);
		return UNREADABLE;
	}
	struct qv_secret *key = seal ? audit_key(seal, &err) : NULL;
	if (seal && !key) {
		printf("%s\n", err.message);
		return UNREADABLE;
	}
	run.key = key;
	enum verdict verdict = read_head(&run, paths[count - 1]);
	for (size_t i = 0; verdict == WHOLE && i < count; i++)
		verdict = verify_file(&run, paths[i], i + 1 == count);
	if (verdict == WHOLE)
		verdict = finish(&run, paths[count - 1]);
	qv_secret_free(key);
	return (int)verdict;
}
