/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES  32
#define LINE_BYTES 256

struct journal {
	int fd;
	char *path;
	uint8_t key[KEY_BYTES];
	uint64_t order; /* files begun so far, in either lane */
	void *by_id, *by_print;
};

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct record *)a)->id, ((const struct record *)b)->id);
}

static int compare_prints(const void *a, const void *b)
{
	return memcmp(((const struct record *)a)->print, ((const struct record *)b)->print, PRINT_BYTES);
}

struct record *journal_find(const struct journal *journal, const char *id)
{
	struct record wanted = { .size = 0 };
	snprintf(wanted.id, sizeof wanted.id, "%s", id);
	struct record *const *found = tfind(&wanted, &journal->by_id, compare_ids);
	return found ? *found : NULL;
}

struct record *journal_find_print(const struct journal *journal, const uint8_t print[PRINT_BYTES])
{
	struct record wanted = { .size = 0 };
	memcpy(wanted.print, print, PRINT_BYTES);
	struct record *const *found = tfind(&wanted, &journal->by_print, compare_prints);
	return found ? *found : NULL;
}

static struct record *insert(struct journal *journal, const struct record *value, struct qv_error *err)
{
	struct record *record = malloc(sizeof *record);
	if (record)
		*record = *value;
	if (!record || !tsearch(record, &journal->by_id, compare_ids)) {
		free(record);
		qv_fail(err, QV_E_NOMEM, "no memory for the key files that were taken");
		return NULL;
	}
	/* The first file of some content stays the one that has it. */
	if (!tsearch(record, &journal->by_print, compare_prints)) {
		qv_fail(err, QV_E_NOMEM, "no memory for the key files that were taken");
		return NULL;
	}
	return record;
}

static bool read_file_line(struct journal *journal, char *line, struct qv_error *err)
{
	struct record value = { .size = 0 };
	char print[2 * PRINT_BYTES + 1];
	int end = 0;
	if (sscanf(line, "F %48s %10" SCNu64 " %20" SCNd64 " %32s%n", value.id, &value.size, &value.mtime, print,
		   &end) != 4 ||
	    line[end] || !file_id_valid(value.id) ||
	    sodium_hex2bin(value.print, PRINT_BYTES, print, strlen(print), NULL, NULL, NULL) != 0 ||
	    strlen(print) != 2 * PRINT_BYTES)
		return false;
	struct record *known = journal_find(journal, value.id);
	if (!known)
		return insert(journal, &value, err) != NULL;
	known->mtime = value.mtime;
	return memcmp(known->print, value.print, PRINT_BYTES) == 0;
}

static bool read_lane_line(struct journal *journal, const char *line)
{
	char kind, lane, id[FILE_ID_MAX + 1];
	int end = 0;
	if (sscanf(line, "%c %c %48s%n", &kind, &lane, id, &end) != 3 || line[end] || (lane != '0' && lane != '1'))
		return false;
	struct record *record = journal_find(journal, id);
	if (!record)
		return false;
	struct record_lane *of = &record->lanes[lane - '0'];
	if (kind == 'B')
		of->begun = ++journal->order;
	else if (kind == 'S')
		of->stored = true;
	else if (kind == 'D')
		of->done = true;
	else
		return false;
	return true;
}

static bool read_line(struct journal *journal, char *line, size_t number, struct qv_error *err)
{
	if (number > 1)
		return line[0] == 'F' ? read_file_line(journal, line, err) : read_lane_line(journal, line);
	return strncmp(line, "Q1 ", 3) == 0 && strlen(line) == 3 + 2 * KEY_BYTES &&
	       sodium_hex2bin(journal->key, KEY_BYTES, line + 3, 2 * KEY_BYTES, NULL, NULL, NULL) == 0;
}

/* Leaves `*end` after the last whole line: a power failure may have cut the one after it. */
static int read_lines(struct journal *journal, FILE *file, off_t *end, struct qv_error *err)
{
	char line[LINE_BYTES];
	for (size_t number = 1; fgets(line, sizeof line, file); number++) {
		size_t length = strlen(line);
		if (length == 0 || line[length - 1] != '\n') {
			if (length + 1 < sizeof line && feof(file))
				return 0;
			return qv_fail(err, QV_E_INVALID, "%s:%zu: damaged, or no journal of this module",
				       journal->path, number);
		}
		line[length - 1] = '\0';
		struct qv_error why = QV_ERROR_INIT;
		if (!read_line(journal, line, number, &why))
			return why.code ? qv_fail(err, why.code, "%s: %s", journal->path, why.message)
					: qv_fail(err, QV_E_INVALID, "%s:%zu: damaged, or no journal of this module",
						  journal->path, number);
		*end += (off_t)length;
	}
	return ferror(file) ? qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", journal->path) : 0;
}

static int append(struct journal *journal, struct qv_error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int append(struct journal *journal, struct qv_error *err, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	off_t before = lseek(journal->fd, 0, SEEK_END);
	ssize_t written = before < 0 ? -1 : write(journal->fd, line, (size_t)length);
	if (written == length)
		return 0;
	int failed = written < 0 ? errno : ENOSPC;
	/* Half a line in front of the next one would damage the file. */
	if (written > 0 && ftruncate(journal->fd, before) != 0)
		failed = errno;
	return qv_fail_errno(err, QV_E_IO, failed, "%s: cannot be written", journal->path);
}

static int sync_journal(struct journal *journal, struct qv_error *err)
{
	return fdatasync(journal->fd) == 0 ? 0
					   : qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be written", journal->path);
}

static int start_new(struct journal *journal, struct qv_error *err)
{
	char hex[2 * KEY_BYTES + 1];
	randombytes_buf(journal->key, KEY_BYTES);
	sodium_bin2hex(hex, sizeof hex, journal->key, KEY_BYTES);
	int result = append(journal, err, "Q1 %s\n", hex);
	qv_wipe(hex, sizeof hex);
	return result == 0 ? sync_journal(journal, err) : -1;
}

static int load(struct journal *journal, struct qv_error *err)
{
	int fd = dup(journal->fd);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		int failed = errno;
		if (fd >= 0)
			close(fd);
		return qv_fail_errno(err, QV_E_IO, failed, "%s: cannot be read", journal->path);
	}
	off_t end = 0;
	int result = read_lines(journal, file, &end, err);
	fclose(file);
	if (result == 0 && ftruncate(journal->fd, end) != 0)
		result = qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be written", journal->path);
	return result == 0 && end == 0 ? start_new(journal, err) : result;
}

static int open_file(struct journal *journal, struct qv_error *err)
{
	struct stat st;
	journal->fd = open(journal->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (journal->fd < 0 || fstat(journal->fd, &st) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "%s: the journal of the folder cannot be opened",
				     journal->path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return qv_fail(err, QV_E_DENIED, "%s: must be a regular file of this user with mode 0600",
			       journal->path);
	if (flock(journal->fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK
		       ? qv_fail(err, QV_E_BUSY, "%s: another process takes keys with this journal", journal->path)
		       : qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be locked", journal->path);
}

struct journal *journal_open(const char *path, struct qv_error *err)
{
	struct journal *journal = calloc(1, sizeof *journal);
	if (journal)
		journal->fd = -1;
	if (!journal || !(journal->path = strdup(path)))
		qv_fail(err, QV_E_NOMEM, "no memory for a journal");
	else if (open_file(journal, err) == 0 && load(journal, err) == 0)
		return journal;
	journal_close(journal);
	return NULL;
}

static void keep(void *record)
{
	(void)record;
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	tdestroy(journal->by_print, keep);
	tdestroy(journal->by_id, free);
	if (journal->fd >= 0)
		close(journal->fd);
	qv_wipe(journal->key, sizeof journal->key);
	free(journal->path);
	free(journal);
}

const uint8_t *journal_key(const struct journal *journal, size_t *size)
{
	*size = KEY_BYTES;
	return journal->key;
}

static int append_file(struct journal *journal, const struct record *record, struct qv_error *err)
{
	char print[2 * PRINT_BYTES + 1];
	sodium_bin2hex(print, sizeof print, record->print, PRINT_BYTES);
	return append(journal, err, "F %s %" PRIu64 " %" PRId64 " %s\n", record->id, record->size, record->mtime,
		      print);
}

struct record *journal_add(struct journal *journal, const char *id, uint64_t size, int64_t mtime,
			   const uint8_t print[PRINT_BYTES], struct qv_error *err)
{
	struct record value = { .size = size, .mtime = mtime };
	snprintf(value.id, sizeof value.id, "%s", id);
	memcpy(value.print, print, PRINT_BYTES);
	return append_file(journal, &value, err) == 0 ? insert(journal, &value, err) : NULL;
}

int journal_touch(struct journal *journal, struct record *record, int64_t mtime, struct qv_error *err)
{
	record->mtime = mtime;
	return append_file(journal, record, err);
}

int journal_begin(struct journal *journal, struct record *record, unsigned lane, struct qv_error *err)
{
	if (append(journal, err, "B %u %s\n", lane, record->id) != 0 || sync_journal(journal, err) != 0)
		return -1;
	record->lanes[lane].begun = ++journal->order;
	return 0;
}

int journal_stored(struct journal *journal, struct record *record, unsigned lane, struct qv_error *err)
{
	if (append(journal, err, "S %u %s\n", lane, record->id) != 0)
		return -1;
	record->lanes[lane].stored = true;
	return 0;
}

int journal_done(struct journal *journal, struct record *record, unsigned lane, struct qv_error *err)
{
	if (append(journal, err, "D %u %s\n", lane, record->id) != 0)
		return -1;
	record->lanes[lane].done = true;
	return 0;
}

struct walk {
	journal_visit *visit;
	void *context;
};

static void walk_node(const void *node, VISIT which, void *closure)
{
	const struct walk *walk = closure;
	if (which == postorder || which == leaf)
		walk->visit(*(struct record *const *)node, walk->context);
}

void journal_each(const struct journal *journal, journal_visit *visit, void *context)
{
	struct walk walk = { visit, context };
	twalk_r(journal->by_id, walk_node, &walk);
}
