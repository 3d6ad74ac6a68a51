/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <qvisio/clock.h>

#define LOCK_WAIT  (5 * QV_NS_PER_SECOND)
#define LOCK_RETRY (5 * QV_NS_PER_MS)
#define READ_MAX   ((off_t)64 * 1024 * 1024)

static const char *const use_words[] = { [PSK_TAKEN] = "taken ", [PSK_CLAIMED] = "claimed " };

static bool parse_use(const char *line, size_t length, struct psk_keys *keys)
{
	for (enum psk_use use = PSK_TAKEN; use <= PSK_CLAIMED; use++) {
		size_t word = strlen(use_words[use]);
		if (length <= word || memcmp(line, use_words[use], word) != 0)
			continue;
		if (!psk_is_key_id(line + word, length - word))
			return false;
		char id[QV_KEY_ID_MAX + 1];
		memcpy(id, line + word, length - word);
		id[length - word] = '\0';
		struct psk_entry *entry = psk_keys_find(keys, id);
		if (entry) {
			entry->use = use;
			qv_secret_free(entry->key.secret);
			entry->key.secret = NULL;
		}
		return true;
	}
	return false;
}

unsigned psk_record_parse(const char *text, size_t size, struct psk_keys *keys, size_t *used)
{
	unsigned number = 0;
	const char *end;
	*used = 0;
	while ((end = memchr(text + *used, '\n', size - *used))) {
		number++;
		if (!parse_use(text + *used, (size_t)(end - (text + *used)), keys))
			return number;
		*used = (size_t)(end - text) + 1;
	}
	return 0;
}

/* A new name in a folder is durable only once the folder is. */
static int sync_folder(const char *path, struct qv_error *err)
{
	char *copy = strdup(path);
	if (!copy)
		return qv_fail(err, QV_E_NOMEM, "no memory for a file name");
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0 || fsync(fd) != 0) {
		int why = errno;
		if (fd >= 0)
			close(fd);
		return qv_fail_errno(err, QV_E_IO, why, "%s: its folder cannot be synchronised to disk", path);
	}
	close(fd);
	return 0;
}

static int check_file(int fd, const char *path, struct qv_error *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return qv_fail(err, QV_E_INVALID, "%s: not a regular file", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return qv_fail(err, QV_E_DENIED,
			       "%s: others could change which keys count as used: chown and chmod 600 it", path);
	return 0;
}

int psk_record_open(struct psk_record *record, const char *path, struct qv_error *err)
{
	*record = (struct psk_record){ .fd = -1 };
	record->path = strdup(path);
	if (!record->path)
		return qv_fail(err, QV_E_NOMEM, "no memory for a file name");
	record->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (record->fd < 0)
		qv_fail_errno(err, QV_E_IO, errno, "%s: the record of used keys cannot be opened for writing", path);
	else if (check_file(record->fd, path, err) == 0 && sync_folder(path, err) == 0)
		return 0;
	psk_record_close(record);
	return -1;
}

void psk_record_close(struct psk_record *record)
{
	if (record->fd >= 0)
		close(record->fd);
	free(record->path);
	*record = (struct psk_record){ .fd = -1 };
}

static int take_lock(struct psk_record *record, int cancel_fd, struct qv_error *err)
{
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	while (flock(record->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be locked", record->path);
		int64_t now = qv_clock_now(&qv_clock_monotonic);
		if (now - start > LOCK_WAIT)
			return qv_fail(err, QV_E_BUSY, "%s: another process has held its lock for %d s", record->path,
				       (int)(LOCK_WAIT / QV_NS_PER_SECOND));
		/* A file lock is nothing that poll can wait for. */
		if (qv_clock_sleep_until(now + LOCK_RETRY, cancel_fd, err) != 0)
			return -1;
	}
	return 0;
}

/* The file that was opened must still be the one that the next start will read. */
static int check_same(const struct psk_record *record, off_t *size, struct qv_error *err)
{
	struct stat open_st, path_st;
	if (fstat(record->fd, &open_st) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "%s", record->path);
	if (stat(record->path, &path_st) != 0 || path_st.st_ino != open_st.st_ino || path_st.st_dev != open_st.st_dev)
		return qv_fail(err, QV_E_IO,
			       "%s: the record of used keys was removed or replaced; put it back, or restart with new "
			       "keys",
			       record->path);
	if (open_st.st_size < record->read)
		return qv_fail(err, QV_E_IO, "%s: the record of used keys was cut; put it back, or use new keys",
			       record->path);
	*size = open_st.st_size;
	return 0;
}

static int read_new(struct psk_record *record, off_t size, char *text, struct qv_error *err)
{
	off_t got = record->read;
	while (got < size) {
		ssize_t n = pread(record->fd, text + (got - record->read), (size_t)(size - got), got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", record->path);
		if (n == 0)
			return qv_fail(err, QV_E_IO, "%s: became shorter while it was read", record->path);
		got += n;
	}
	return 0;
}

/* Reads what others appended. A line without its end was never synchronised, so its key was never handed out. */
static int catch_up(struct psk_record *record, struct psk_keys *keys, struct qv_error *err)
{
	off_t size = 0;
	if (check_same(record, &size, err) != 0)
		return -1;
	if (size == record->read)
		return 0;
	if (size - record->read > READ_MAX)
		return qv_fail(err, QV_E_INVALID, "%s: too long to be a record of used keys", record->path);
	char *text = malloc((size_t)(size - record->read));
	if (!text)
		return qv_fail(err, QV_E_NOMEM, "no memory to read %s", record->path);
	size_t used = 0;
	int result = read_new(record, size, text, err);
	unsigned wrong = result == 0 ? psk_record_parse(text, (size_t)(size - record->read), keys, &used) : 0;
	free(text);
	if (result != 0)
		return -1;
	if (wrong)
		return qv_fail(
			err, QV_E_INVALID,
			"%s: line %u%s is not \"taken key_ID\" or \"claimed key_ID\": not a record of used keys, "
			"or a damaged one",
			record->path, wrong, record->read ? " of the newest" : "");
	record->read += (off_t)used;
	if (record->read < size && ftruncate(record->fd, record->read) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "%s: an unfinished line cannot be removed", record->path);
	return 0;
}

int psk_record_lock(struct psk_record *record, struct psk_keys *keys, int cancel_fd, struct qv_error *err)
{
	if (take_lock(record, cancel_fd, err) != 0)
		return -1;
	if (catch_up(record, keys, err) == 0)
		return 0;
	psk_record_unlock(record);
	return -1;
}

void psk_record_unlock(struct psk_record *record)
{
	flock(record->fd, LOCK_UN);
}

int psk_record_note(struct psk_record *record, struct psk_entry *entry, enum psk_use use, struct qv_error *err)
{
	char line[QV_KEY_ID_MAX + 16];
	int length = snprintf(line, sizeof line, "%s%s\n", use_words[use], entry->key.id);
	ssize_t n = write(record->fd, line, (size_t)length);
	if (n != length || fdatasync(record->fd) != 0) {
		int why = n < 0 || n == length ? errno : ENOSPC;
		return qv_fail_errno(err, QV_E_IO, why,
				     "%s: the use of key %s cannot be recorded, so it is not handed out", record->path,
				     entry->key.id);
	}
	record->read += length;
	entry->use = use;
	return 0;
}
