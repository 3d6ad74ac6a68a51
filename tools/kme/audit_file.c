/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "utf8.h"

#define TAIL (2 * (AUDIT_LINE_MAX + 1))

static int open_log(const char *path, off_t *size, struct qv_error *err)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0600);
	if (fd < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "audit log %s: cannot be opened", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		qv_fail(err, QV_E_IO, "audit log %s: is no regular file", path);
	else if (st.st_mode & 022)
		qv_fail(err, QV_E_DENIED, "audit log %s: others can write it; run: chmod 640 %s", path, path);
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		qv_fail_errno(err, QV_E_BUSY, errno, "audit log %s: another process writes it", path);
	else {
		*size = st.st_size;
		return fd;
	}
	close(fd);
	return -1;
}

/* The name of a new file is durable once its folder is. */
static void sync_folder(const char *path)
{
	char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	if (slash)
		slash[slash == folder] = '\0';
	int fd = folder ? open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

static int read_at(int fd, char *out, size_t size, off_t at)
{
	size_t used = 0;
	while (used < size) {
		ssize_t got = pread(fd, out + used, size - used, at + (off_t)used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		used += (size_t)got;
	}
	return 0;
}

static void keep_torn(struct audit_found *found, const char *text, size_t size)
{
	found->torn = size;
	size_t kept = size < sizeof found->text ? size : sizeof found->text - 1;
	if (!utf8_valid(text, kept) || memchr(text, '\0', kept))
		return;
	memcpy(found->text, text, kept);
	found->text[kept] = '\0';
}

/* Reads the last whole line, and what is torn after it. `line.sequence` is 0 when there is no whole line. */
static int read_end(struct audit_file *file, const struct qv_secret *key, struct audit_line *line,
		    struct audit_found *found, struct qv_error *err)
{
	char tail[TAIL] = "";
	size_t size = file->size < TAIL ? (size_t)file->size : TAIL;
	memset(line, 0, sizeof *line);
	if (read_at(file->fd, tail, size, file->size - (off_t)size) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "audit log %s: cannot be read", file->path);
	const char *end = memrchr(tail, '\n', size);
	size_t whole = end ? (size_t)(end - tail) + 1 : 0;
	if (size - whole > AUDIT_LINE_MAX)
		return qv_fail(err, QV_E_INVALID, "%s: it is no audit log: the name of another file?", file->path);
	if (size > whole)
		keep_torn(found, tail + whole, size - whole);
	if (!end)
		return 0;
	const char *start = memrchr(tail, '\n', whole - 1);
	start = start ? start + 1 : tail;
	struct qv_error why = QV_ERROR_INIT;
	if (audit_line_read(line, start, (size_t)(end - start), &why) == 0 && !audit_line_authentic(line, start, key))
		qv_fail(&why, QV_E_INVALID, "was changed, or made under another seal key");
	if (why.code == QV_OK)
		return 0;
	return qv_fail(err, QV_E_INVALID,
		       "audit log %s: its last line %s; keep it as evidence under another name (mv), and start again: "
		       "the chain goes on from %s.head",
		       file->path, why.message, file->path);
}

static int open_head(struct audit_file *file, struct qv_error *err)
{
	if (asprintf(&file->head_path, "%s.head", file->path) < 0) {
		file->head_path = NULL;
		return qv_fail(err, QV_E_NOMEM, "no memory for the audit log");
	}
	file->head_fd = open(file->head_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0600);
	return file->head_fd >= 0 ? 0 : qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be opened", file->head_path);
}

/* Where the chain stands by the head file; number 0 when it is empty or unusable. */
static void read_head(const struct audit_file *file, const struct qv_secret *key, struct audit_head *head)
{
	char text[AUDIT_HEAD_TEXT + 1] = "";
	ssize_t size = pread(file->head_fd, text, AUDIT_HEAD_TEXT, 0);
	memset(head, 0, sizeof *head);
	if (size > 0)
		audit_head_read(head, text, (size_t)size, key, NULL);
}

static void compare(const struct audit_line *line, const struct audit_head *noted, struct audit_head *head,
		    struct audit_found *found)
{
	*head = *noted;
	if (noted->sequence > line->sequence) {
		found->missing = line->sequence ? noted->sequence - line->sequence : 0;
		return;
	}
	found->head_lost = line->sequence > 0 && noted->sequence == 0;
	found->diverged = line->sequence > 0 && noted->sequence == line->sequence &&
			  memcmp(noted->hash, line->hash, AUDIT_HASH) != 0;
	head->sequence = line->sequence;
	memcpy(head->hash, line->hash, AUDIT_HASH);
}

int audit_file_open(struct audit_file *file, const struct qv_secret *key, struct audit_head *head,
		    struct audit_found *found, struct qv_error *err)
{
	struct audit_line line = { 0 };
	struct audit_head noted;
	memset(found, 0, sizeof *found);
	file->head_fd = -1;
	file->fd = open_log(file->path, &file->size, err);
	if (file->fd < 0 || open_head(file, err) != 0 ||
	    (file->size > 0 && read_end(file, key, &line, found, err) != 0)) {
		audit_file_close(file);
		return -1;
	}
	read_head(file, key, &noted);
	compare(&line, &noted, head, found);
	file->size -= (off_t)found->torn;
	if (found->torn && ftruncate(file->fd, file->size) != 0) {
		qv_fail_errno(err, QV_E_IO, errno, "audit log %s: its torn last line cannot be cut off", file->path);
		audit_file_close(file);
		return -1;
	}
	sync_folder(file->path);
	return 0;
}

int audit_file_reopen(struct audit_file *file, const struct qv_secret *key, const struct audit_head *head,
		      struct qv_error *err)
{
	struct stat old, new;
	if (fstat(file->fd, &old) == 0 && stat(file->path, &new) == 0 && old.st_dev == new.st_dev &&
	    old.st_ino == new.st_ino)
		return 0;
	struct audit_file next = { .path = file->path, .head_fd = -1 };
	next.fd = open_log(file->path, &next.size, err);
	if (next.fd < 0)
		return -1;
	if (next.size > 0) {
		close(next.fd);
		return qv_fail(err, QV_E_INVALID, "audit log %s: the file put in its place is not empty", file->path);
	}
	fdatasync(file->fd);
	audit_file_note(file, head, key);
	fdatasync(file->head_fd);
	close(file->fd);
	file->fd = next.fd;
	file->size = 0;
	sync_folder(file->path);
	return 0;
}

int audit_file_rotate(struct audit_file *file, uint64_t sequence, struct qv_error *err)
{
	char *aside;
	off_t size;
	if (asprintf(&aside, "%s.%012" PRIu64, file->path, sequence) < 0)
		return qv_fail(err, QV_E_NOMEM, "no memory for the audit log");
	int fd = -1;
	fdatasync(file->fd);
	fdatasync(file->head_fd);
	if (renameat2(AT_FDCWD, file->path, AT_FDCWD, aside, RENAME_NOREPLACE) != 0) {
		qv_fail_errno(err, QV_E_IO, errno, "audit log %s: cannot be renamed to %s", file->path, aside);
	} else {
		fd = open_log(file->path, &size, err);
		if (fd < 0)
			rename(aside, file->path);
	}
	free(aside);
	if (fd < 0)
		return -1;
	close(file->fd);
	file->fd = fd;
	file->size = 0;
	sync_folder(file->path);
	return 0;
}

static int append(struct audit_file *file, const char *text, size_t size, bool sync)
{
	size_t used = 0;
	while (used < size) {
		ssize_t done = write(file->fd, text + used, size - used);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		used += (size_t)done;
	}
	return sync ? fdatasync(file->fd) : 0;
}

int audit_file_append(struct audit_file *file, const char *text, size_t size, bool sync, struct qv_error *err)
{
	if (append(file, text, size, sync) == 0) {
		file->size += (off_t)size;
		return 0;
	}
	int saved = errno;
	/* Nothing of it may stay: its events are told to have failed. What cannot be cut off is torn, or forks the chain. */
	if (ftruncate(file->fd, file->size) != 0)
		return qv_fail_errno(err, QV_E_INTERNAL, saved, "audit log %s: cannot be written, nor be mended",
				     file->path);
	return qv_fail_errno(err, QV_E_IO, saved, "audit log %s: cannot be written", file->path);
}

void audit_file_note(const struct audit_file *file, const struct audit_head *head, const struct qv_secret *key)
{
	char text[AUDIT_HEAD_TEXT + 1];
	audit_head_make(text, head, key);
	/* A head that lags behind is no harm. */
	ssize_t written = pwrite(file->head_fd, text, AUDIT_HEAD_TEXT, 0);
	(void)written;
}

void audit_file_close(struct audit_file *file)
{
	if (file->fd >= 0) {
		fdatasync(file->fd);
		close(file->fd);
	}
	if (file->head_fd >= 0) {
		fdatasync(file->head_fd);
		close(file->head_fd);
	}
	free(file->head_path);
	*file = (struct audit_file){ .path = file->path, .fd = -1, .head_fd = -1 };
}
