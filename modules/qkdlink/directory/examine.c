/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a key file can be taken. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "folder.h"

#define DONE "done"

static int64_t mtime_of(const struct stat *st)
{
	return st->st_mtim.tv_sec * QV_NS_PER_SECOND + st->st_mtim.tv_nsec;
}

static bool same_content(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && mtime_of(a) == mtime_of(b) && a->st_ino == b->st_ino &&
	       a->st_dev == b->st_dev;
}

static void wait_again(struct folder *folder, struct entry *entry)
{
	entry->state = ENTRY_WAITING;
	entry->since = qv_clock_now(folder->clock);
	entry->moved_in = false;
	folder->dirty = true;
}

bool folder_unchanged(struct folder *folder, struct entry *entry, int fd)
{
	struct stat st;
	if (fstat(fd, &st) == 0 && same_content(&st, &entry->seen) && st.st_nlink > 0)
		return true;
	qv_log_warning(folder->log, "%s/%s: skipped for now: it changed while it was read", folder->path, entry->name);
	wait_again(folder, entry);
	return false;
}

static int open_file(const struct folder *folder, const struct entry *entry)
{
	return openat(folder->fd, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

int folder_open_entry(struct folder *folder, struct entry *entry)
{
	int fd = open_file(folder, entry);
	if (fd < 0) {
		folder_skip(folder, entry, "it cannot be read: %s", strerror(errno));
		return -1;
	}
	if (folder_unchanged(folder, entry, fd))
		return fd;
	close(fd);
	return -1;
}

/* What can be told without reading it. */
static bool looks_wrong(struct folder *folder, struct entry *entry)
{
	const struct stat *st = &entry->seen;
	const struct folder_settings *settings = &folder->settings;
	mode_t forbidden = settings->group ? S_IRWXO | S_IWGRP : S_IRWXO | S_IRWXG;
	if (S_ISLNK(st->st_mode))
		folder_skip(folder, entry, "it is a symbolic link");
	else if (!S_ISREG(st->st_mode))
		folder_skip(folder, entry, "it is no regular file");
	else if (st->st_mode & forbidden)
		folder_skip(folder, entry, "others can read or write it (mode %04o); it must have mode %s",
			    (unsigned)st->st_mode & 07777, settings->group ? "0640 or 0600" : "0600");
	else if (!settings->group && st->st_uid != geteuid() && st->st_uid != 0)
		folder_skip(folder, entry, "it belongs to another user; set group = true to take such files");
	else if (st->st_size == 0)
		folder_skip(folder, entry, "it is empty");
	else if (st->st_size % QV_QKDLINK_KEY_BYTES != 0)
		folder_skip(folder, entry, "its size, %lld bytes, is no multiple of %d", (long long)st->st_size,
			    QV_QKDLINK_KEY_BYTES);
	else if ((uint64_t)st->st_size > settings->max_bytes)
		folder_skip(folder, entry, "it is larger than max_size, %" PRIu64 " MiB", settings->max_bytes >> 20);
	else
		return false;
	return true;
}

/* On these a lease is refused for reasons of their own. */
static bool is_remote(int fd)
{
	static const uint32_t types[] = { 0x6969, 0xFF534D42, 0xFE534D42, 0x65735546, 0x01021997, 0x00C36400 };
	struct statfs fs;
	if (fstatfs(fd, &fs) != 0)
		return true;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if ((uint32_t)fs.f_type == types[i])
			return true;
	return false;
}

/* A read lease is refused while anybody has the file open for writing. */
static bool is_being_written(int fd)
{
	/* Should somebody open it within the lease, the signal is one that does nothing. */
	if (is_remote(fd) || fcntl(fd, F_SETSIG, SIGURG) != 0)
		return false;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
		return errno == EAGAIN;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

static bool fingerprint(struct folder *folder, struct entry *entry, int fd, uint8_t print[PRINT_BYTES])
{
	size_t key_size;
	const uint8_t *key = journal_key(folder->journal, &key_size);
	crypto_generichash_state hash;
	off_t at = 0;
	ssize_t got = 1;
	crypto_generichash_init(&hash, key, key_size, PRINT_BYTES);
	while (at < entry->seen.st_size && got > 0) {
		got = pread(fd, qv_secret_edit(folder->buffer), FOLDER_BUFFER, at);
		if (got > 0) {
			crypto_generichash_update(&hash, qv_secret_bytes(folder->buffer), (size_t)got);
			at += got;
		}
	}
	int failed = got < 0 ? errno : 0;
	crypto_generichash_final(&hash, print, PRINT_BYTES);
	qv_wipe(&hash, sizeof hash);
	if (failed)
		folder_skip(folder, entry, "it cannot be read: %s", strerror(failed));
	return !failed && folder_unchanged(folder, entry, fd);
}

static bool all_done(const struct record *record)
{
	return record->lanes[0].done && record->lanes[1].done;
}

/* A lane that no key of the file is in is done with it. */
static int begin_record(struct folder *folder, struct record *record, struct qv_error *err)
{
	for (unsigned lane = 0; record && lane < QV_QKDLINK_LANES; lane++)
		if (!record->lanes[lane].done && record->size == QV_QKDLINK_KEY_BYTES &&
		    file_parity(record->id) != lane && journal_done(folder->journal, record, lane, err) != 0)
			return -1;
	return record ? 0 : -1;
}

static int judge(struct folder *folder, struct entry *entry, const char *id, const uint8_t print[PRINT_BYTES],
		 struct qv_error *err)
{
	uint64_t size = (uint64_t)entry->seen.st_size;
	struct record *record = journal_find(folder->journal, id);
	const struct record *twin = journal_find_print(folder->journal, print);
	if (record && sodium_memcmp(record->print, print, PRINT_BYTES) != 0) {
		folder_skip(folder, entry,
			    "a file of this name with other content was taken before; keys are named after their file, "
			    "so give each a new name");
		return 0;
	}
	if (!record && twin) {
		folder_skip(folder, entry, "it has the same keys as %s", twin->id);
		return 0;
	}
	if (record && all_done(record) && (record->lanes[0].lost || record->lanes[1].lost)) {
		folder_skip(folder, entry,
			    "it was begun with another key store, and its keys may have been used since");
		return 0;
	}
	if (record && record->mtime != mtime_of(&entry->seen) &&
	    journal_touch(folder->journal, record, mtime_of(&entry->seen), err) != 0)
		return -1;
	if (!record)
		record = journal_add(folder->journal, id, size, mtime_of(&entry->seen), print, err);
	if (begin_record(folder, record, err) != 0)
		return -1;
	entry->record = record;
	entry->state = all_done(record) ? ENTRY_SPENT : ENTRY_READY;
	if (entry->state == ENTRY_SPENT)
		folder_dispose(folder, entry);
	return 0;
}

/* A file that was kept is not read again at each start. */
static bool is_kept(const struct folder *folder, struct entry *entry, const char *id)
{
	struct record *record = journal_find(folder->journal, id);
	if (folder->settings.after != AFTER_KEEP || !record || !all_done(record) ||
	    record->size != (uint64_t)entry->seen.st_size || record->mtime != mtime_of(&entry->seen))
		return false;
	entry->record = record;
	entry->state = ENTRY_SPENT;
	return true;
}

int folder_examine(struct folder *folder, struct entry *entry, struct qv_error *err)
{
	char id[FILE_ID_MAX + 1];
	uint8_t print[PRINT_BYTES];
	if (entry->state != ENTRY_WAITING ||
	    (!entry->moved_in && qv_clock_now(folder->clock) - entry->since < folder->settings.settle))
		return 0;
	file_id(entry->name, id);
	if (looks_wrong(folder, entry) || is_kept(folder, entry, id))
		return 0;
	int fd = folder_open_entry(folder, entry);
	if (fd < 0)
		return 0;
	bool whole = true;
	if (is_being_written(fd)) {
		qv_log_debug(folder->log, "%s/%s: somebody has it open for writing", folder->path, entry->name);
		wait_again(folder, entry);
		whole = false;
	}
	whole = whole && fingerprint(folder, entry, fd, print);
	close(fd);
	return whole ? judge(folder, entry, id, print, err) : 0;
}

void folder_dispose(struct folder *folder, struct entry *entry)
{
	struct stat st;
	entry->state = ENTRY_SPENT;
	if (folder->settings.after == AFTER_KEEP || fstatat(folder->fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (!same_content(&st, &entry->seen)) {
		wait_again(folder, entry);
		return;
	}
	char target[sizeof DONE + 1 + NAME_MAX];
	snprintf(target, sizeof target, DONE "/%s", entry->name);
	bool move = folder->settings.after == AFTER_MOVE;
	int result = move ? renameat2(folder->fd, entry->name, folder->fd, target, RENAME_NOREPLACE)
			  : unlinkat(folder->fd, entry->name, 0);
	if (result != 0)
		qv_log_error(folder->log, "%s/%s: all its keys are stored, but it cannot be %s: %s", folder->path,
			     entry->name, move ? "moved to " DONE : "deleted", strerror(errno));
}
